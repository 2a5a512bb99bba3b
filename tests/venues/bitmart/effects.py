"""What a planned fault does to the order a request creates."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(slots=True)
class Effects:
    """``hidden_reads``: reads that do not see it yet; ``fill_share``: the most of it that may ever fill."""

    hidden_reads: int = 0
    fill_share: Decimal | None = None
    loses_presets: bool = False

"""What keeps a symbol, or everything, from being entered."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

HoldCause = Literal["under_way", "submitted", "cancelled", "stopped_out", "unsettled"]
"""Why a symbol is held: an entry is under way (until it is done), or the cool-down that followed it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A symbol that is not entered before ``until`` (ms UTC by the venue; None: until the order is done)."""

    symbol: str
    decision_key: str
    cause: HoldCause
    until: int | None


@dataclass(frozen=True, slots=True)
class Halt:
    """The kill switch. ``recorded_at`` is by this machine's clock."""

    halted: bool
    reason: str
    actor: str
    recorded_at: int


@dataclass(frozen=True, slots=True)
class DailyLoss:
    """The account's loss of one UTC day; ``day`` is its first instant. Positive numbers are losses."""

    day: int
    locked: bool
    loss_usdt: Decimal
    limit_usdt: Decimal
    forgiven_usdt: Decimal
    at: int

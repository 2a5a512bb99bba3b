"""What operators did, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ActionName = Literal["halt", "resume", "cancel", "retry", "reset_daily_loss"]


@dataclass(frozen=True, slots=True)
class Action:
    """One action. ``subject`` is what it was done to: a decision key, an account, or ``trading``."""

    number: int
    action: ActionName
    subject: str
    actor: str
    reason: str
    details: Mapping[str, Any]
    recorded_at: int

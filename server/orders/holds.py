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

    def in_force(self, now_ms: int) -> bool:
        """Whether the symbol is still held at ``now_ms``."""
        return self.until is None or self.until > now_ms


@dataclass(frozen=True, slots=True)
class Release:
    """Instead of a `Hold`: the intent's own hold of its symbol ends now."""


@dataclass(frozen=True, slots=True)
class Halt:
    """The kill switch. ``recorded_at`` is by this machine's clock."""

    halted: bool
    reason: str
    actor: str
    recorded_at: int


@dataclass(frozen=True, slots=True)
class DailyLoss:
    """The account's loss of one UTC day, which began at ``day``; ``at`` is when it was last looked at.

    Positive numbers are losses. ``loss_usdt`` is that of the whole day, ``forgiven_usdt`` what of it a reset
    took off; ``limit_usdt`` is the limit it was last compared with (0: none).
    """

    day: int
    locked: bool
    loss_usdt: Decimal
    limit_usdt: Decimal
    forgiven_usdt: Decimal
    at: int

    @property
    def counted_usdt(self) -> Decimal:
        """The loss that counts against the limit; negative after a gain."""
        return self.loss_usdt - self.forgiven_usdt


MS_PER_DAY = 86_400_000


def utc_day(now_ms: int) -> int:
    """The first instant of the UTC day, in ms."""
    return now_ms - now_ms % MS_PER_DAY

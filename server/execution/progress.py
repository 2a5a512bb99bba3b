"""What execution remembers of one order between its steps; kept in the intent's row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from server.exchange.trading import TimeInForce
from server.trade_entry.ticket import Number

CancelCause = Literal[
    "cancel_after_timeout",
    "cancelled_out_of_zone",
    "cancelled_zone_expired",
    "cancelled_by_operator",
    "trading_halted",
    "market_order_fill_timeout",
    "workflow_failed",
    "converted",
]
"""Why a waiting entry is cancelled: reason codes, but for ``converted``: its rest is sent again at once.
``workflow_failed``: a defect keeps everybody from pursuing it.
"""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attempt(_Value):
    """One order that was sent, or is about to be, under its own name."""

    name: str
    price: Number
    size: Number
    time_in_force: TimeInForce
    attached: bool
    sent_at: int
    sends: int = 1
    filled: Number = Decimal(0)
    average: Number | None = None
    done: bool = False


class Cancelling(_Value):
    """The current attempt shall not fill any more; ``asked_at`` is the last time the venue was told."""

    cause: CancelCause
    since: int
    asked_at: int | None = None


class Request(_Value):
    """What an operator wants of this order."""

    actor: str
    reason: str


class Progress(_Value):
    """Instants are ms UTC by the venue. ``rest_until`` ends the life of a resting entry, first send to last.

    ``reached_zone``: the price has been in the zone since the order left; ``outside_since``: it left it then.
    ``unprotected_since``: the position has no stop since then. ``names`` counts the ids given out for stops,
    targets and closings, ``stop`` is where the stop was when last seen, ``stop_moved``: somebody else moved
    it there, ``held`` what was left of a reduced position, ``close_cause`` why a position is being
    closed, ``close_tries`` how often in a row the venue has not taken it.
    """

    leverage_set: bool = False
    attempts: tuple[Attempt, ...] = ()
    requotes: int = 0
    rest_until: int | None = None
    reached_zone: bool = False
    outside_since: int | None = None
    book_seen_at: int | None = None
    cancelling: Cancelling | None = None
    cancel_requested: Request | None = None
    first_fill_at: int | None = None
    acknowledged: bool = False
    unprotected_since: int | None = None
    protected: bool = False
    names: int = 0
    stop: Number | None = None
    stop_moved: bool = False
    held: Number | None = None
    targets_placed: bool = False
    closing_since: int | None = None
    close_cause: str | None = None
    close_tries: int = 0

    @property
    def current(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def filled(self) -> Decimal:
        """Contracts of all attempts."""
        return sum((attempt.filled for attempt in self.attempts), Decimal(0))

    @property
    def average(self) -> Decimal | None:
        """Price of all fills; None before the first, or while the venue has not said it."""
        parts = [a for a in self.attempts if a.filled > 0]
        if not parts or any(a.average is None for a in parts):
            return None
        return sum((a.filled * (a.average or Decimal(0)) for a in parts), Decimal(0)) / self.filled

    def with_current(self, **changes: Any) -> Progress:
        """The newest attempt with some of its fields changed. Raises ``ValueError`` where there is none."""
        if not self.attempts:
            raise ValueError("no attempt has been made")
        newest = self.attempts[-1].model_copy(update=changes)
        return self.model_copy(update={"attempts": (*self.attempts[:-1], newest)})

    def with_(self, **changes: Any) -> Progress:
        """Some fields changed."""
        return self.model_copy(update=changes)

    def to_json(self) -> dict[str, Any]:
        """In the types of JSON."""
        return self.model_dump(mode="json")

    @staticmethod
    def from_json(content: Any) -> Progress:
        """Raises ``ValueError`` for what was not written by `to_json`."""
        return Progress.model_validate(content)

"""One decision that was meant to become an order: where it stands, and its journey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from engine.models.base import Side
from server.trade_entry.ticket import Ticket

IntentStatus = Literal["pending", "submitted", "skipped", "error"]
"""What the decision came to, outwardly; ``pending`` until that is known."""

IntentState = Literal[
    "deciding",
    "recorded",
    "submitting",
    "resting",
    "open",
    "closing",
    "rejected",
    "refused",
    "cancelled",
    "closed",
    "failed",
]
"""Where the order is.

``deciding``: the workflow has begun, no plan yet. ``recorded``: the ticket is committed, nothing has left.
``submitting``: a submission of attempt ``attempt`` may have left, its outcome is not known (or not stored).
``resting``: accepted, and may still fill. ``open``: the entry order is done and there is a position.
``closing``: the position is being closed because it cannot be protected. Final: ``rejected`` (a gate, before
any order), ``refused`` (proven by the venue), ``cancelled`` (never filled), ``closed`` (a position that is
no more), ``failed`` (the workflow broke; only an operator tries again).
"""

FINAL: frozenset[IntentState] = frozenset({"rejected", "refused", "cancelled", "closed", "failed"})

UNDER_WAY: tuple[IntentState, ...] = ("recorded", "submitting", "resting", "open", "closing")
"""States that hold, or may come to hold, a position."""

NOT_COUNTED: tuple[IntentState, ...] = ("recorded", "submitting")
"""States in which the venue may not know of the order, so that its free balance does not count it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A row of ``order_intent``. ``version`` counts its changes: an update of another version fails.

    ``client_order_id`` is that of the first attempt and the intent's name for people; each attempt has its
    own (`server.trade_entry.identity`). ``decision`` is the ``trading_decision`` of the answer. ``progress``
    is what execution remembers between its steps, in the types of JSON. Instants are ms UTC by the venue.
    """

    decision_key: str
    client_order_id: str
    trade_id: str
    decision_sha256: bytes
    exchange: str
    account: str
    symbol: str
    side: Side
    profile: str
    fingerprint: str
    run_id: str
    actor: str
    status: IntentStatus
    reason: str | None
    decision: Mapping[str, Any]
    state: IntentState
    ticket: Ticket | None
    attempt: int = 0
    exchange_order_id: str | None = None
    progress: Mapping[str, Any] = field(default_factory=dict[str, Any])
    created_at: int
    updated_at: int
    version: int = 0

    @property
    def counted(self) -> bool:
        """Whether the venue has accepted the order, so that its free balance counts it."""
        return self.state not in NOT_COUNTED


EventKind = Literal[
    "decided",
    "rejected",
    "recorded",
    "leverage_set",
    "leverage_refused",
    "submitting",
    "accepted",
    "refused",
    "unknown",
    "settled",
    "requoted",
    "filled",
    "protected",
    "unprotected",
    "amended",
    "cancelling",
    "cancelled",
    "converted",
    "closing",
    "reduced",
    "closed",
    "adopted",
    "operator",
    "failed",
    "retried",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of the journey. ``number`` counts from 1; ``at`` is by the venue's clock."""

    decision_key: str
    number: int
    kind: EventKind
    at: int
    recorded_at: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that is about to be stored with a change of its intent, in one transaction."""

    kind: EventKind
    at: int
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Name(NamedTuple):
    """A client order id that an intent gave out: for what, and the how-manieth of that purpose."""

    client_order_id: str
    purpose: str
    number: int

"""Finding intents."""

from __future__ import annotations

from dataclasses import dataclass

from server.orders.intent import IntentState, IntentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Every part that is given must hold. ``from_ms`` is the first instant of creation, ``to_ms`` the first
    after the last. ``states``: one of them; none given is any.
    """

    exchange: str | None = None
    account: str | None = None
    symbol: str | None = None
    profile: str | None = None
    states: tuple[IntentState, ...] = ()
    status: IntentStatus | None = None
    reason: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many intents stand so."""

    state: IntentState
    status: IntentStatus
    reason: str | None
    intents: int


@dataclass(frozen=True, slots=True)
class Tally:
    """All intents, counted. ``unsettled`` are those whose submission may have left and is not known to be
    accepted or refused; ``oldest_unsettled_at`` is when the one that waits longest last changed.
    """

    counts: tuple[Count, ...]
    unsettled: int
    oldest_unsettled_at: int | None

"""What every stage works with: one venue, the orders, and how a change of both is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

import structlog

from engine.ruleset import Profile
from server.exchange.looked_at import LookedAt
from server.exchange.port import Exchange
from server.exchange.trading import Accepted, Outcome, Refused
from server.execution.progress import Progress
from server.execution.shared import SharedReads
from server.execution.sightings import Sightings
from server.metrics import Metrics
from server.orders.errors import NoSuchOrder
from server.orders.holds import Halt, Hold, HoldCause, Release
from server.orders.intent import FINAL, EventKind, Intent, IntentState, IntentStatus, NewEvent
from server.orders.store import Orders
from server.trade_entry.quantise import plain
from server.trade_entry.ticket import Ticket

log = structlog.get_logger(__name__)

MS = 1000

_TRADING = "trading"
"""There is one kill switch for everything."""


class Rules(Protocol):
    """Profiles by the fingerprint that an entry was decided by (`server.journal.rulesets`)."""

    async def profile(self, fingerprint: str) -> Profile: ...


class Desk:
    """One venue and one account. ``answered`` is told the decision keys whose outcome has become known.

    ``may_change``: whether this process may ask anything of the venue but what it has.
    """

    def __init__(self, venue: Exchange, account: str, orders: Orders, metrics: Metrics, rules: Rules) -> None:
        self.venue, self.account, self.orders, self.metrics = venue, account, orders, metrics
        self.rules = rules
        self.may_change = not isinstance(venue, LookedAt)
        self.sightings = Sightings(venue)
        self._intents = SharedReads[Intent](orders.many)
        self._halts = SharedReads[Halt](self._halt)
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def now(self) -> int:
        """The venue's clock, ms UTC."""
        return await self.venue.now_ms()

    async def intent(self, decision_key: str) -> Intent:
        """The row as it is now. Raises ``NoSuchOrder``."""
        found = await self._intents.get(decision_key)
        if found is None:
            raise NoSuchOrder(decision_key)
        return found

    async def halted(self) -> Halt:
        """The kill switch as it stands now."""
        found = await self._halts.get(_TRADING)
        assert found is not None
        return found

    async def _halt(self, keys: Collection[str]) -> Mapping[str, Halt]:
        return dict.fromkeys(keys, await self.orders.halted())

    def tell(self, request: str, intent: Intent, outcome: Outcome) -> None:
        """Counts and logs what the venue answered."""
        kind, cause = self.count(request, outcome)
        detail = {} if isinstance(outcome, Accepted) else {"detail": outcome.detail}
        log.info(f"order.{request}", outcome=kind, cause=cause, **identity(intent), **detail)

    def count(self, request: str, outcome: Outcome) -> tuple[str, str]:
        """Counts what the venue answered; its kind, and the cause of a refusal."""
        kind = type(outcome).__name__.lower()
        cause = outcome.cause if isinstance(outcome, Refused) else ""
        self.metrics.asked(self.venue.name, request, kind, cause)
        return kind, cause

    def alarm(self, name: str, **facts: Any) -> None:
        """Something a person should look at."""
        self.metrics.alarm(self.venue.name, name)
        log.error(f"alarm.{name}", exchange=self.venue.name, **facts)

    async def write(self, intent: Intent, change: Change) -> Intent:
        """Stores the change with its events, all of it or nothing. Raises ``ChangedMeanwhile``, and
        ``TradingHalted`` for one by which an order leaves.
        """
        fields: dict[str, Any] = {}
        for name in ("state", "status", "reason", "decision", "attempt", "exchange_order_id"):
            value = getattr(change, name)
            if value is not None:
                fields[name] = value
        if change.clear_reason:
            fields["reason"] = None
        if change.progress is not None:
            fields["progress"] = change.progress.to_json()
        if not fields.keys().isdisjoint(("status", "reason", "exchange_order_id")):
            fields["decision"] = _decision(intent, fields)
        changed = await self.orders.change(
            intent,
            events=change.events,
            names=change.names,
            hold=change.hold,
            leaves=change.state == "submitting",
            **fields,
        )
        for event in change.events:
            log.info(f"order.{event.kind}", **identity(intent), details=_plain(event.details))
        if changed.state in FINAL and intent.state not in FINAL:
            self.metrics.ended(self.venue.name, changed.state, changed.reason)
        return changed

    def answer(self, decision_key: str) -> None:
        """The outcome of this decision has become known: wakes who waits for it in this process."""
        for event in self._waiting.get(decision_key, ()):
            event.set()

    async def answered(self, decision_key: str, timeout_sec: float) -> None:
        """Returns when `answer` was told, or after the timeout."""
        event = asyncio.Event()
        waiting = self._waiting.setdefault(decision_key, set())
        waiting.add(event)
        try:
            await asyncio.wait_for(event.wait(), timeout_sec)
        except TimeoutError:
            return
        finally:
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(decision_key, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of an intent; None leaves a field as it is."""

    state: IntentState | None = None
    status: IntentStatus | None = None
    reason: str | None = None
    clear_reason: bool = False
    decision: dict[str, Any] | None = None
    attempt: int | None = None
    exchange_order_id: str | None = None
    progress: Progress | None = None
    events: Sequence[NewEvent] = ()
    names: Sequence[tuple[str, str, int]] = ()
    hold: Hold | Release | None = None

    def with_(self, **changes: Any) -> Change:
        """Some fields changed."""
        return replace(self, **changes)


def ticket_of(intent: Intent) -> Ticket:
    """The ticket of an intent that has one. Raises ``ValueError`` otherwise."""
    if intent.ticket is None:
        raise ValueError(f"{intent.decision_key} has no ticket in state {intent.state}")
    return intent.ticket


def progress_of(intent: Intent) -> Progress:
    """What execution remembers; empty before its first step."""
    return Progress.from_json(dict(intent.progress))


def event(kind: EventKind, at: int, **details: Any) -> NewEvent:
    """An event; decimals become texts."""
    return NewEvent(kind=kind, at=at, details=_plain(details))


def cool_down(intent: Intent, cause: HoldCause, now: int) -> Hold | Release:
    """The cool-down that follows this outcome; none where the profile's is 0."""
    rules = ticket_of(intent).cooldown
    seconds = {
        "submitted": rules.submitted_sec,
        "cancelled": rules.cancelled_sec,
        "stopped_out": rules.stopped_out_sec,
    }[cause]
    if seconds == 0:
        return Release()
    return Hold(intent.symbol, intent.decision_key, cause, now + seconds * MS)


def identity(intent: Intent) -> dict[str, str]:
    """What every log line about an order carries."""
    return {
        "run_id": intent.run_id,
        "decision_key": intent.decision_key,
        "client_order_id": intent.client_order_id,
        "symbol": intent.symbol,
    }


def _decision(intent: Intent, fields: dict[str, Any]) -> dict[str, Any]:
    """The outward decision with what has become known since it was made."""
    decision = dict(fields.get("decision", intent.decision))
    decision["status"] = fields.get("status", intent.status)
    decision["reason"] = fields.get("reason", intent.reason)
    decision["client_order_id"] = intent.client_order_id
    decision["exchange_order_id"] = fields.get("exchange_order_id", intent.exchange_order_id)
    return decision


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) if isinstance(value, Decimal) else value for name, value in details.items()}

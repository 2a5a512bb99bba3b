"""Compares what the venue has with what the database says, at start and every few seconds, and mends it.

It looks after everything that no workflow pursues: open positions until they are closed, entries whose
workflow broke, orders and positions that nobody here knows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import uuid4

import structlog

from server.exchange.errors import ExchangeError
from server.exchange.port import OpenOrder, Position
from server.exchange.trading import TriggerOrder
from server.execution.closing import finish
from server.execution.desk import Change, Desk, event, identity, progress_of
from server.execution.foreign import protect_foreign
from server.execution.holding import Held, closed_already, held_of
from server.execution.names import is_ours
from server.execution.protection import place_targets, protect, realign
from server.execution.pursuit import pursue, settled
from server.execution.undecided import Undecided
from server.orders.errors import ChangedMeanwhile, NoSuchOrder, OrdersUnavailable
from server.orders.intent import FINAL, Intent
from server.orders.reasons import TpSlReason
from server.run.shapes import SkippedPosition, TpSlAnswer

EVERY_SEC = 5.0
"""Of the venue's time."""

LEAST_SEC = 0.25
"""Of real time, however fast the venue's clock runs."""

ABSENT_MS = 600_000
"""A position that the venue has not shown for so long is taken for closed, whatever its executions say."""

LEASE_MS = 12_000
"""Of real time: so long after its death another process looks after everything."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


log = structlog.get_logger(__name__)


def lease_of(exchange: str, account: str) -> str:
    """Name of the lease that whoever looks after an account holds."""
    return f"guardian:{exchange}:{account}"


@dataclass(slots=True)
class Report:
    """What one look came to. ``unanswered`` says what the venue or the database did not tell."""

    positions: int = 0
    unprotected: list[str] = field(default_factory=list[str])
    unsettled: list[str] = field(default_factory=list[str])
    adopted: list[str] = field(default_factory=list[str])
    cancelled: list[str] = field(default_factory=list[str])
    closed: list[str] = field(default_factory=list[str])
    foreign: list[str] = field(default_factory=list[str])
    unanswered: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class Realigned:
    """Symbols whose stop or target was moved to where the real entry wants it, and those that were let be."""

    moved: list[str] = field(default_factory=list[str])
    skipped: dict[str, TpSlReason] = field(default_factory=dict[str, TpSlReason])

    def to_json(self) -> TpSlAnswer:
        """As in the answer of a run."""
        skipped: list[SkippedPosition] = [
            {"symbol": symbol, "reason": str(reason)} for symbol, reason in self.skipped.items()
        ]
        return {"moved": list(self.moved), "skipped": skipped}


class Guardian:
    """``running`` gives the decision keys that workflows pursue; ``foreign_stop_ratio`` how far a position
    that nobody here opened gets its stop away. Of several processes one at a time does the work;
    ``wall_ms`` is the clock that their lease goes by.
    """

    def __init__(
        self,
        desk: Desk,
        running: Callable[[], Awaitable[frozenset[str]]],
        foreign_stop_ratio: Callable[[], Decimal],
        *,
        wall_ms: Callable[[], int] = _wall_ms,
    ) -> None:
        self.desk = desk
        self.last: Report | None = None
        self._running, self._foreign_stop_ratio = running, foreign_stop_ratio
        self._wall_ms = wall_ms
        self._holder = str(uuid4())
        self._lease = lease_of(desk.venue.name, desk.account)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._missing: dict[str, int] = {}
        self._undecided = Undecided(desk)

    async def watch(self) -> None:
        """Looks until it is cancelled."""
        try:
            while True:
                await self.look_if_leading()
                await asyncio.gather(self.desk.venue.wait(EVERY_SEC), asyncio.sleep(LEAST_SEC))
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def resign(self) -> None:
        """Leaves the watch to others at once; what the database does not answer ends by itself."""
        with suppress(OrdersUnavailable):
            await self.desk.orders.release(self._lease, self._holder)

    async def look_if_leading(self) -> None:
        """One look, unless another process does it. Nothing that goes wrong ends the watch."""
        try:
            if await self.desk.orders.lease(self._lease, self._holder, LEASE_MS, self._wall_ms()):
                self.last = await self.look()
        except OrdersUnavailable as error:
            log.warning("guardian.unanswered", error=str(error))
        except Exception:
            log.exception("guardian.failed", exchange=self.desk.venue.name)

    async def look(self) -> Report:
        """Looks once at everything. Raises ``OrdersUnavailable``."""
        desk, report = self.desk, Report()
        intents = await desk.orders.under_way(desk.venue.name, desk.account)
        running = await self._running()
        await self._undecided.look(running)
        try:
            orders = await desk.sightings.open_orders()
            positions = await desk.sightings.positions()
            triggers = await desk.sightings.triggers()
        except ExchangeError as error:
            report.unanswered.append(str(error))
            log.warning("guardian.unanswered", error=str(error))
            return report
        report.positions = len(positions)
        for order in orders:
            if is_ours(order.client_order_id) and not order.reduce_only:
                await self._ownerless(order, report)
        for intent in intents:
            if intent.state == "submitting":
                report.unsettled.append(intent.decision_key)
            if intent.state == "resting":
                await self._resting(intent, positions, triggers, report)
            if intent.state == "open":
                await self._open(intent, positions, triggers, report)
            elif intent.decision_key not in running:
                self._adopt(intent, report)
        await self._foreign(intents, positions, triggers, report)
        desk.metrics.now(
            desk.venue.name, unprotected=len(report.unprotected), unsettled=len(report.unsettled)
        )
        return report

    async def settle_down(self) -> None:
        """Waits for the orders this guardian has taken up; for tests and for an orderly end."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _ownerless(self, order: OpenOrder, report: Report) -> None:
        """An entry order of ours that can still fill, though its intent is done or was never here."""
        desk = self.desk
        try:
            intent = await desk.orders.by_name(order.client_order_id)
        except NoSuchOrder:
            intent = None
        if intent is not None and intent.state not in FINAL and intent.state != "open":
            return
        outcome = await desk.venue.cancel(order.symbol, order.client_order_id)
        desk.count("cancel", outcome)
        desk.alarm("order_without_owner", symbol=order.symbol, client_order_id=order.client_order_id)
        report.cancelled.append(order.client_order_id)
        if intent is not None and intent.state == "open":
            told = event("cancelling", await desk.now(), cause="the entry was done without it")
            await self._attempt(intent, lambda: desk.write(intent, Change(events=(told,))))

    def _adopt(self, intent: Intent, report: Report) -> None:
        """Goes on with an entry whose workflow is not there any more."""
        key = intent.decision_key
        if key in self._tasks:
            return
        report.adopted.append(key)
        self.desk.alarm("order_adopted", **identity(intent), state=intent.state)
        task = asyncio.create_task(self._pursue(intent))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _pursue(self, intent: Intent) -> None:
        try:
            told = event("adopted", await self.desk.now(), state=intent.state)
            await self._attempt(intent, lambda: self.desk.write(intent, Change(events=(told,))))
            await pursue(self.desk, intent.decision_key, settled)
        except Exception as error:
            log.exception("guardian.pursuit_failed", **identity(intent))
            current = progress_of(intent).current
            if current is not None:
                await self.desk.venue.cancel(intent.symbol, current.name)
            self.desk.alarm("pursuit_failed", **identity(intent), error=type(error).__name__)

    async def _open(
        self,
        intent: Intent,
        positions: Sequence[Position],
        triggers: Sequence[TriggerOrder],
        report: Report,
    ) -> None:
        """A position of ours: gone, without a stop, or as it should be."""
        key = intent.decision_key
        found = held_of(intent.symbol, intent.side, positions, triggers)
        if found.position is None:
            await self._gone(intent, report)
            return
        self._missing.pop(key, None)
        if not found.covered:
            report.unprotected.append(key)
            covered = await self._attempt(intent, lambda: self._cover(intent))
            if covered is not None and covered.state == "closing":
                self._adopt(covered, report)
            return
        await self._attempt(intent, lambda: self._tend(intent, found))

    async def _resting(
        self,
        intent: Intent,
        positions: Sequence[Position],
        triggers: Sequence[TriggerOrder],
        report: Report,
    ) -> None:
        """What has filled of an entry has lost its stop: whoever watches the entry places it again."""
        found, progress = held_of(intent.symbol, intent.side, positions, triggers), progress_of(intent)
        if found.position is None or found.covered:
            return
        report.unprotected.append(intent.decision_key)
        if progress.protected and progress.unprotected_since is None:
            await self._attempt(intent, lambda: self._lost(intent))

    async def _lost(self, intent: Intent) -> Intent:
        desk, now = self.desk, await self.desk.now()
        desk.alarm("unprotected", **identity(intent))
        told = event("unprotected", now, detail="the stop is gone")
        changed = progress_of(intent).with_(unprotected_since=now, protected=False)
        return await desk.write(intent, Change(progress=changed, events=(told,)))

    async def _gone(self, intent: Intent, report: Report) -> None:
        """The venue does not show the position: its executions say whether it is closed.

        A venue may be late with what it shows, so that absence alone is no proof for a long time.
        """
        desk, key, now = self.desk, intent.decision_key, await self.desk.now()
        since = self._missing.setdefault(key, now)
        if not await closed_already(desk, intent) and now - since < ABSENT_MS:
            if since == now:
                desk.alarm("position_not_found", **identity(intent))
            return
        self._missing.pop(key, None)
        await self._attempt(intent, lambda: finish(desk, intent))
        report.closed.append(key)

    async def _cover(self, intent: Intent) -> Intent:
        if progress_of(intent).unprotected_since is None:
            intent = await self._lost(intent)
        return await protect(self.desk, intent)

    async def _tend(self, intent: Intent, found: Held) -> Intent:
        desk, progress = self.desk, progress_of(intent)
        stop = found.stops[0].trigger_price if found.stops else None
        if progress.unprotected_since is not None:
            return await protect(desk, intent)
        intent = await place_targets(desk, intent, found)
        if found.position is not None and found.position.size < (progress.held or progress.filled):
            told = event("reduced", await desk.now(), left=found.position.size, of=progress.filled)
            known = progress_of(intent).with_(held=found.position.size)
            intent = await desk.write(intent, Change(progress=known, events=(told,)))
        if progress.stop is not None and stop is not None and stop != progress.stop:
            told = event(
                "amended", await desk.now(), trigger="stop_loss", before=progress.stop, after=stop, by="venue"
            )
            known = progress_of(intent).with_(stop=stop)
            return await desk.write(intent, Change(progress=known, events=(told,)))
        return intent

    async def realign(self) -> Realigned:
        """``process_tp_sl``: moves the stop and the target of open positions to their real entries.

        A position without a target, or with several, is let be.
        """
        desk, report = self.desk, Realigned()
        intents = await desk.orders.under_way(desk.venue.name, desk.account)
        positions = await desk.sightings.positions()
        triggers = await desk.sightings.triggers()
        for intent in intents:
            found = held_of(intent.symbol, intent.side, positions, triggers)
            if intent.state != "open" or found.position is None:
                continue
            targets = sum(trigger.kind == "take_profit" for trigger in found.triggers)
            if targets != 1:
                several = TpSlReason.MULTIPLE_TP_ORDERS if targets else TpSlReason.NO_TP_ORDERS
                report.skipped[intent.symbol] = several
                continue
            moved = await self._attempt(intent, lambda i=intent, f=found: realign(desk, i, f))
            if moved is not None and moved.version != intent.version:
                report.moved.append(intent.symbol)
        return report

    async def _foreign(
        self,
        intents: Sequence[Intent],
        positions: Sequence[Position],
        triggers: Sequence[TriggerOrder],
        report: Report,
    ) -> None:
        """Positions that nobody here opened get a stop if they have none; nothing else is done to them."""
        desk = self.desk
        own = {(intent.symbol, intent.side) for intent in intents}
        if any((position.symbol, position.side) not in own for position in positions):
            # An entry may have been begun and filled between the two readings.
            begun = await desk.orders.under_way(desk.venue.name, desk.account)
            own |= {(intent.symbol, intent.side) for intent in begun}
        for position in positions:
            if (position.symbol, position.side) in own:
                continue
            key = f"{position.symbol}:{position.side}"
            report.foreign.append(key)
            found = held_of(position.symbol, position.side, positions, triggers)
            if not found.covered:
                report.unprotected.append(key)
                await protect_foreign(self.desk, position, self._foreign_stop_ratio())

    async def _attempt(self, intent: Intent, action: Callable[[], Awaitable[Intent]]) -> Intent | None:
        """What another worker or the venue prevents now is done at the next look."""
        try:
            return await action()
        except (ChangedMeanwhile, ExchangeError) as error:
            log.info("guardian.later", **identity(intent), error=str(error))
            return None

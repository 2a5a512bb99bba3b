"""Compares what the venue has with what the database says, at start and every few seconds, and mends it.

It looks after everything that no workflow pursues: open positions until they are closed, entries whose
workflow broke, orders and positions that nobody here knows. Positions without a stop come first, all at once;
what goes wrong with one of them, or with one row, keeps it from none of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial

import structlog

from server.durable import DurableError
from server.exchange.errors import ExchangeError
from server.exchange.port import OpenOrder, Position
from server.execution import tending, unowned
from server.execution.adopting import adopted
from server.execution.desk import Desk, identity, progress_of, ticket_of
from server.execution.holding import held_of
from server.execution.names import is_ours
from server.execution.realigning import Realigned, realign_one
from server.execution.undecided import Undecided
from server.execution.view import Place, Report, View
from server.execution.watch_lease import WatchLease, wall_ms
from server.orders.errors import ChangedMeanwhile, OrdersUnavailable
from server.orders.intent import FINAL, Intent

EVERY_SEC = 5.0
"""Of the venue's time."""

LEAST_SEC = 0.25
"""Of real time, however fast the venue's clock runs."""

log = structlog.get_logger(__name__)


async def always() -> bool:
    """Of a process that may look after its account at any time."""
    return True


class Guardian:
    """``running`` gives the decision keys that workflows pursue; ``foreign_stop_ratio`` how far a position
    that nobody here opened gets its stop away. Of several processes one at a time does the work, of those
    that may (``leads``); ``holder`` names this one among them, and ``wall_ms`` is the clock that their lease
    goes by.
    """

    def __init__(
        self,
        desk: Desk,
        running: Callable[[], Awaitable[frozenset[str]]],
        foreign_stop_ratio: Callable[[], Decimal],
        *,
        leads: Callable[[], Awaitable[bool]] = always,
        holder: str | None = None,
        wall_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self.desk = desk
        self.last: Report | None = None
        self._running, self._foreign_stop_ratio = running, foreign_stop_ratio
        self._leads = leads
        self._lease = WatchLease(desk.orders, desk.venue.name, desk.account, holder, wall_ms)
        self._leading = False
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._missing: dict[str, int] = {}
        self._loose: frozenset[str] = frozenset()
        self._told: set[tuple[str, str]] = set()
        self._undecided = Undecided(desk)

    # -- one of many processes

    async def watch(self) -> None:
        """Looks until it is cancelled; nothing of it runs on afterwards."""
        try:
            while True:
                await self.look_if_leading()
                await asyncio.gather(self.desk.venue.wait(EVERY_SEC), asyncio.sleep(LEAST_SEC))
        finally:
            await self._drop()

    async def resign(self) -> None:
        """Leaves the watch to others at once."""
        await self._lease.release()

    async def look_if_leading(self) -> None:
        """One look, unless another process does it. Nothing that goes wrong ends the watch."""
        try:
            if not await self._leads():
                if self._leading:
                    await self._step_down()
                    await self.resign()
            elif await self._lease.taken():
                self._leading = True
                await self._look_while_leading()
            else:
                await self._step_down()
        except (OrdersUnavailable, ExchangeError) as error:
            log.warning("guardian.unanswered", error=str(error))
        except Exception:
            log.exception("guardian.failed", exchange=self.desk.venue.name)

    async def _look_while_leading(self) -> None:
        """One look, broken off where the lease is another's by then. Raises what `look` raises."""
        looking, keeping = asyncio.ensure_future(self.look()), asyncio.ensure_future(self._lease.lost())
        try:
            await asyncio.wait((looking, keeping), return_when=asyncio.FIRST_COMPLETED)
            if looking.done():
                self.last = looking.result()
                return
            keeping.result()
            log.warning("guardian.superseded", exchange=self.desk.venue.name)
        finally:
            looking.cancel()
            keeping.cancel()
            await asyncio.gather(looking, keeping, return_exceptions=True)
        await self._step_down()

    async def _step_down(self) -> None:
        """Another process says from now on how many positions have no stop, and pursues what was adopted."""
        if self._leading:
            self._leading = False
            self.desk.metrics.now(self.desk.venue.name, unprotected=0, unsettled=0)
            self._missing.clear()
            self._told.clear()
            self._loose = frozenset()
            self._undecided = Undecided(self.desk)
            await self._drop()

    async def _drop(self) -> None:
        """Ends what it has adopted: it goes on wherever it is adopted next."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settle_down(self) -> None:
        """Waits for the orders this guardian has taken up; for tests and for an orderly end."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # -- one look

    async def look(self) -> Report:
        """Looks once at everything. Raises ``OrdersUnavailable`` where the intents cannot be read."""
        desk, report = self.desk, Report()
        view = await self._view(report)
        if view is None:
            return report
        report.positions = len(view.positions)
        try:
            await self._protect_all(view, report)
            for order in view.orders:
                if is_ours(order.client_order_id) and not order.reduce_only:
                    await self._safely(order.client_order_id, partial(self._ownerless, order, report), report)
            for intent in view.intents:
                work = partial(self._intent, intent, view, report)
                await self._safely(intent.decision_key, work, report)
            await self._left_over(view, report)
        finally:
            # Also of a look that is broken off: what has been seen so far is true.
            unprotected, unsettled = len(report.unprotected), len(report.unsettled)
            desk.metrics.now(desk.venue.name, unprotected=unprotected, unsettled=unsettled)
        return report

    async def _view(self, report: Report) -> View | None:
        """None where the venue does not answer. Raises ``OrdersUnavailable``."""
        desk = self.desk
        own, taken = await self._under_way(report)
        # After the intents: what is under way was brought so far by a workflow, so none is missing for that.
        try:
            running = await self._running()
        except DurableError as error:
            running = None
            report.unanswered.append(str(error))
        else:
            await self._safely("undecided", partial(self._undecided.look, running), report)
        try:
            orders = await desk.sightings.open_orders()
            positions = await desk.sightings.positions()
            triggers = await desk.sightings.triggers()
        except ExchangeError as error:
            report.unanswered.append(str(error))
            log.warning("guardian.unanswered", error=str(error))
            return None
        places = frozenset((intent.symbol, intent.side) for intent in own)
        if any((position.symbol, position.side) not in places for position in positions):
            # An entry may have been begun and filled between the two readings.
            begun, also_taken = await self._under_way(report)
            places |= {(intent.symbol, intent.side) for intent in begun}
            taken |= also_taken
        return View(own, places, taken, running, orders, positions, triggers)

    async def _under_way(self, report: Report) -> tuple[Sequence[Intent], frozenset[Place]]:
        """Intents that can be read, and the places of all. Raises ``OrdersUnavailable``."""
        found = await self.desk.orders.all_under_way(self.desk.venue.name, self.desk.account)
        broken = [(one.decision_key, one.symbol, one.side, one.error) for one in found.unreadable]
        readable: list[Intent] = []
        for intent in found.intents:
            try:
                progress_of(intent)
                ticket_of(intent)
            except ValueError as error:
                told = str(error).partition("\n")[0]
                broken.append((intent.decision_key, intent.symbol, intent.side, told))
            else:
                readable.append(intent)
        for key, symbol, _, error in broken:
            if key not in report.broken:
                report.broken.append(key)
            self._alarm("order_unreadable", key, decision_key=key, symbol=symbol, error=error)
        places = {(intent.symbol, intent.side) for intent in readable}
        return readable, frozenset(places | {(symbol, side) for _, symbol, side, _ in broken})

    async def _protect_all(self, view: View, report: Report) -> None:
        """Everything that has no stop, at once: none of them waits for another."""
        works: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        for intent in view.intents:
            found = view.held(intent)
            if found.position is None or found.covered:
                continue
            if intent.state == "open":
                report.unprotected.append(intent.decision_key)
                works.append((intent.decision_key, partial(self._cover, intent, report)))
            elif intent.state == "resting":
                report.unprotected.append(intent.decision_key)
                progress = progress_of(intent)
                if progress.protected and progress.unprotected_since is None:
                    works.append((intent.decision_key, partial(self._lost, intent)))
        for position in view.positions:
            if (position.symbol, position.side) in view.own:
                continue
            key = f"{position.symbol}:{position.side}"
            report.foreign.append(key)
            if not held_of(position.symbol, position.side, view.positions, view.triggers).covered:
                report.unprotected.append(key)
                works.append((key, partial(self._foreign, position)))
        await asyncio.gather(*(self._safely(key, work, report) for key, work in works))

    async def _cover(self, intent: Intent, report: Report) -> None:
        covered = await tending.cover(self.desk, intent)
        if covered.state == "closing":
            self._adopt(covered, report)

    async def _lost(self, intent: Intent) -> None:
        await tending.lost(self.desk, intent)

    async def _foreign(self, position: Position) -> None:
        """A position that nobody here opened; nothing but a stop is done to it."""
        try:
            await unowned.protect_foreign(self.desk, position, self._foreign_stop_ratio())
        except ExchangeError as error:
            facts = {"symbol": position.symbol, "side": position.side}
            self.desk.alarm("unprotected", **facts, detail=str(error))
            raise

    async def _ownerless(self, order: OpenOrder, report: Report) -> None:
        if await unowned.cancel_ownerless(self.desk, order):
            report.cancelled.append(order.client_order_id)

    async def _intent(self, intent: Intent, view: View, report: Report) -> None:
        """An intent that has no position without a stop: that has been seen to."""
        key, found = intent.decision_key, view.held(intent)
        if intent.state == "submitting":
            report.unsettled.append(key)
        if intent.state != "open":
            if view.running is not None and key not in view.running:
                await self._adopt_if_left(intent, report)
        elif found.position is None:
            await self._gone(intent, report)
        elif found.covered:
            self._missing.pop(key, None)
            self._well("position_not_found", key)
            await tending.tend(self.desk, intent, found)

    async def _gone(self, intent: Intent, report: Report) -> None:
        key = intent.decision_key
        since = self._missing.setdefault(key, await self.desk.now())
        if await tending.account(self.desk, intent, since) is None:
            self._alarm("position_not_found", key, **identity(intent))
            return
        self._missing.pop(key, None)
        report.closed.append(key)

    async def _left_over(self, view: View, report: Report) -> None:
        """Triggers of ours whose position is gone; seen twice, for a venue may be late with what it shows."""
        places = view.taken | {(position.symbol, position.side) for position in view.positions}
        loose = {
            trigger.order_id: trigger
            for trigger in view.triggers
            if is_ours(trigger.client_order_id) and (trigger.symbol, trigger.side) not in places
        }
        again = [trigger for order_id, trigger in loose.items() if order_id in self._loose]
        self._loose = frozenset(loose)
        for trigger in again:
            work = partial(unowned.cancel_left_over, self.desk, trigger)
            if await self._safely(trigger.client_order_id, work, report):
                report.cancelled.append(trigger.client_order_id)

    # -- entries that nobody pursues

    async def _adopt_if_left(self, intent: Intent, report: Report) -> None:
        """A workflow that has ended since its intent was read has left nothing to adopt."""
        if intent.decision_key in self._tasks:
            return
        now = await self.desk.intent(intent.decision_key)
        if now.state not in FINAL and now.state != "open":
            self._adopt(now, report)

    def _adopt(self, intent: Intent, report: Report) -> None:
        """Goes on with an entry whose workflow is not there any more."""
        key = intent.decision_key
        if key in self._tasks:
            return
        report.adopted.append(key)
        self._alarm("order_adopted", key, **identity(intent), state=intent.state)
        task = asyncio.create_task(self._pursue(intent))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _pursue(self, intent: Intent) -> None:
        error = await adopted(self.desk, intent)
        if error is not None:
            self._alarm("pursuit_failed", intent.decision_key, **identity(intent), error=error)
        else:
            self._well("order_adopted", intent.decision_key)
            self._well("pursuit_failed", intent.decision_key)

    # -- stops and targets on demand

    async def realign(self) -> Realigned:
        """``process_tp_sl``: moves the stop and the target of open positions to their real entries.

        A position without a target, or with several, is let be. Raises ``VenueUnavailable``,
        ``OrdersUnavailable``.
        """
        desk, report, answer = self.desk, Report(), Realigned()
        intents, _ = await self._under_way(report)
        positions = await desk.sightings.positions()
        triggers = await desk.sightings.triggers()

        for intent in intents:
            found = held_of(intent.symbol, intent.side, positions, triggers)
            work = partial(realign_one, desk, intent, found, answer)
            await self._safely(intent.decision_key, work, report)
        return answer

    # -- what goes wrong with one of them

    async def _safely(self, key: str, work: Callable[[], Awaitable[None]], report: Report) -> bool:
        """Whether it was done. What another worker, the venue or the database prevents now is done at the
        next look; a defect that one of them meets is told, and keeps nobody from the others.
        """
        try:
            await work()
        except (ChangedMeanwhile, ExchangeError, OrdersUnavailable) as error:
            log.info("guardian.later", subject=key, error=str(error))
            return False
        except Exception as error:
            log.exception("guardian.failed", exchange=self.desk.venue.name, subject=key)
            report.broken.append(key)
            self._alarm("not_looked_after", key, subject=key, error=type(error).__name__)
            return False
        self._well("not_looked_after", key)
        return True

    def _alarm(self, name: str, key: str, **facts: str) -> None:
        """Once for each: what lasts is not told again at every look."""
        if (name, key) not in self._told:
            self._told.add((name, key))
            self.desk.alarm(name, **facts)

    def _well(self, name: str, key: str) -> None:
        """It is over: should it come again, it is told again."""
        self._told.discard((name, key))

"""One world: a venue, a database, processes that die and come back, a market, an operator; no real time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import structlog
from bitmart_world import BitmartSide
from course import Course
from inline_database import File, InlineDatabase
from invariants import broken
from memory_durable import MemoryDurable, Records
from paper_world import PaperSide
from plans import Plans
from virtual_time import VirtualClock, VirtualLoop
from wire import Chaos, Wire

from server.exchange.errors import ExchangeError
from server.exchange.looked_at import LookedAt
from server.execution.desk import Desk
from server.execution.dispatch import Dispatcher
from server.execution.guardian import Guardian
from server.execution.operations import NotPossible, Operations
from server.execution.workflow import WORKFLOW, TradeEntry
from server.instants import machine_ms
from server.metrics import Metrics
from server.orders.errors import NoSuchOrder, OrdersUnavailable
from server.orders.intent import FINAL, Intent
from server.orders.store import Orders
from server.switches.store import Switches
from server.switches.switch import GLOBAL

ACCOUNT = "main"
SETTLED_WITHIN_SEC = 900.0
"""After the signal: by then every entry is done, and what is open has its stop."""
OVER_WITHIN_SEC = 3000.0
"""After the signal: by then everything is final, because the market has run away."""


Side: TypeAlias = "PaperSide | BitmartSide"


class Crash(BaseException):
    """The process is no more; nothing of it may run on."""


class Broken(AssertionError):
    """An invariant does not hold."""


class Process:
    """Everything that is lost when a process dies."""

    def __init__(self, world: World) -> None:
        self.world, self.dead = world, False
        self.died = asyncio.Event()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.orders = Orders(InlineDatabase(self))
        self.venue = world.side.connect(self)
        self.line = Wire(world, self, self.venue)
        seen = LookedAt(self.line) if world.course.looks_only else self.line
        plans: Any = world.plans
        self.desk = Desk(seen, ACCOUNT, self.orders, Metrics(), plans)
        desks = {self.line.name: self.desk}
        self.durable = MemoryDurable(
            world.records,
            {WORKFLOW: TradeEntry(desks, plans)},
            self._recording,
            self.spawn,
            world.clock.now_ms,
        )
        self.guardian = Guardian(
            self.desk, self._running, lambda: Decimal("0.02"), wall_ms=world.clock.now_ms
        )
        self.dispatcher = Dispatcher(self.durable, desks, plans, "sync", 3.0)
        guardians = {self.line.name: self.guardian}
        self.operations = Operations(self.orders, desks, guardians, self.durable)

    def check(self) -> None:
        """Nothing of a dead process goes on."""
        if self.dead:
            raise Crash

    def die(self) -> None:
        """As after kill -9."""
        self.dead = True
        self.died.set()
        raise Crash

    def spawn(self, work: Coroutine[Any, Any, Any] | Awaitable[Any]) -> asyncio.Task[Any]:
        """Runs something in this process; what it raises that nobody expects is found at the end."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task  # type: ignore[return-value]

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Crash):
            self.world.unexpected.append(error)

    async def live(self) -> None:
        """Takes up the work and guards it, as the service does."""
        await asyncio.sleep(self.world.rng.choice((0.0, 0.0, 2.0)))
        await self.world.side.opened(self.venue)
        self.durable.resume()
        while True:
            if self.desk.may_change:
                await self.guardian.look_if_leading()
            # Later on everything happens at full minutes: one look a little after each of them is enough.
            left = 5.0 if self.world.busy else self.world.until_minute() + 4.0
            while left > 0:
                await asyncio.sleep(min(left, 5.0))
                left = 0 if self.world.busy or self.world.exposure.since else left - 5.0

    async def bury(self) -> None:
        """Ends every task of a dead process. None of them can do anything any more."""
        tasks = [*self.tasks, *self.guardian._tasks.values()]  # pyright: ignore[reportPrivateUsage]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _running(self) -> frozenset[str]:
        return frozenset(one.workflow_id for one in await self.durable.unfinished())

    # -- what befalls its writes

    async def _recording(self, what: str) -> None:
        self.check()
        fault = self.world.chaos.draw(f"workflow {what}", ("crash_before",))
        if fault is not None:
            self.die()

    async def before_read(self) -> None:
        self.check()

    async def before_write(self) -> None:
        self.check()
        self._fault = self.world.chaos.draw(
            "write", ("crash_before", "crash_after", "database_before", "database_after")
        )
        if self._fault == "crash_before":
            self.die()
        if self._fault == "database_before":
            raise OSError("the simulated disk does not answer")

    async def after_write(self) -> None:
        self.world.writes += 1
        if self._fault == "crash_after":
            self.die()
        if self._fault == "database_after":
            raise OSError("the simulated disk's answer was lost")


@dataclass
class Exposure:
    """Positions without a stop, by the loop's seconds: since when, and the spells that are over."""

    since: dict[tuple[str, str], float] = field(default_factory=dict)
    spells: list[tuple[float, float]] = field(default_factory=list)


class World:
    """Made of a seed; `run` it once."""

    def __init__(
        self, seed: int, folder: Path, course: Course | None = None, side: type[Side] = PaperSide
    ) -> None:
        self.course = course or side.drawn(seed)
        self.folder, self._kind = folder, side
        self.rng = self.course.rng
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop, self.course.begins_ms)
        self.records = Records()
        self.chaos = Chaos(self.course, self.loop.time)
        self.exposure = Exposure()
        self.unexpected: list[BaseException] = []
        self.logged: list[dict[str, Any]] = []
        self.alarms: list[str] = []
        self.trace: list[str] = []
        self.violations: list[str] = []
        self.writes = 0
        self.deaths = 0
        self.busy = True
        self.process: Process | None = None
        self.final: list[Intent] = []
        self._wires: set[asyncio.Task[Any]] = set()

    def run(self) -> World:
        """Lives through it. Raises `Broken` where an invariant does not hold."""
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, self._logs], cache_logger_on_first_use=False
        )
        asyncio.set_event_loop(self.loop)
        file = File(self.folder)
        try:
            self.loop.set_exception_handler(lambda loop, context: None)
            self.loop.run_until_complete(self._run())
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()
            file.close()
        return self

    def _logs(self, _: object, level: str, fields: dict[str, Any]) -> Any:
        self.logged.append(dict(fields))
        name = str(fields.get("event"))
        if name.startswith("alarm."):
            self.alarms.append(name)
        if level != "debug":
            self.trace.append(f"{self.loop.time():9.3f} {level:9} {name} " + _shown(fields))
        raise structlog.DropEvent

    def story(self) -> list[tuple[object, ...]]:
        """What became of everything, without the clock of this machine."""
        return [
            (event.kind, event.at, sorted(event.details.items(), key=str))
            for journey in self.journeys.values()
            for event in journey
        ]

    @property
    def another(self) -> bool:
        """Whether more than one decision holds the symbol."""
        return len(self.final) > 1

    def until_minute(self) -> float:
        """Seconds until the venue's next full minute."""
        return (60_000 - self.clock.now_ms() % 60_000) / 1000

    def note(self, what: str) -> None:
        """A line for whoever reads how it went."""
        self.trace.append(f"{self.loop.time():9.3f} -- {what}")

    # -- the wire

    def send(self, request: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A request on its way: no death of the process takes it back."""
        task = asyncio.ensure_future(request)
        self._wires.add(task)
        task.add_done_callback(self._wires.discard)
        return task

    async def looked(self) -> None:
        """Whoever stands beside the venue looks whether everything is as it should be at every moment."""
        now = self.loop.time()
        truth = await self.side.truth()
        for key in self.plans.keys:
            live = [o for o in truth.live_entries if o in self.plans.names_of(key)]
            if len(live) > 1:
                self.violations.append(f"{now:.3f}: {key} has {len(live)} live entry orders: {live}")
        naked = set(truth.uncovered)
        for place in naked - self.exposure.since.keys():
            self.exposure.since[place] = now
        for place in self.exposure.since.keys() - naked:
            self.exposure.spells.append((self.exposure.since.pop(place), now))

    # -- the course of it

    async def _run(self) -> None:
        self.side = self._kind(self)
        self.hands = self.side.hands
        self.plans = Plans(self.course, self.side.name, ACCOUNT)
        await self.side.begin()
        market = self.loop.create_task(self._market())
        others = self.loop.create_task(self._happen())
        first = True
        try:
            while True:
                self.process = process = Process(self)
                process.spawn(process.live())
                if first:
                    process.spawn(self._deliver(0))
                    first = False
                over = self.loop.create_task(self._until_over(process))
                died = self.loop.create_task(process.died.wait())
                await asyncio.wait({over, died}, return_when=asyncio.FIRST_COMPLETED)
                died.cancel()
                if not process.dead:
                    await over
                    break
                over.cancel()
                self.deaths += 1
                await process.bury()
                self.note("the process has died")
                downtime = self.rng.uniform(0, self.course.downtime)
                self.chaos.excuse(downtime + 35.0)
                await asyncio.sleep(downtime)
                if not self.records.by_id and not await self._known(process):
                    first = self.rng.random() < 0.9
        finally:
            for task in (market, others):
                task.cancel()
            await asyncio.gather(market, others, return_exceptions=True)
            process.dead = True
            await process.bury()
            await asyncio.gather(*self._wires)
        reader = self.reader()
        self.final = await self.intents(reader)
        self.journeys = {i.decision_key: await reader.journey(i.decision_key) for i in self.final}
        self.holds = await reader.holds(self.side.name, ACCOUNT, 0)
        problems = await broken(self, reader)
        if problems:
            raise Broken("; ".join(problems))

    async def _known(self, process: Process) -> bool:
        return False

    def reader(self) -> Orders:
        """The database as nobody's faults touch it."""
        return Orders(InlineDatabase(_NoGate()))

    async def _deliver(self, number: int) -> None:
        """A READY verdict arrives."""
        process = self.process
        assert process is not None
        submission = self.plans.submission(number, self.clock.now_ms())
        self.note(f"verdict {number}: {submission.decision_key}")
        if self.course.direct and number == 0:
            await self._record(process, number)
        try:
            answer = await process.dispatcher.enter(submission)
            self.note(f"answer {answer['status']} {answer['reason']}")
            self.plans.answers.append((number, answer))
        except OrdersUnavailable as error:
            self.note(f"answer {error}")

    async def _record(self, process: Process, number: int) -> None:
        """A ticket that was made directly: its intent is recorded before the workflow begins."""
        try:
            await self.plans.record(process.orders, number, self.clock.now_ms(), self.side.market)
        except OrdersUnavailable:
            self.note("not recorded")

    async def _market(self) -> None:
        """Every minute the market is looked at, so that nothing that happens in it goes unseen."""
        while True:
            await asyncio.sleep(self.until_minute())
            await self.side.minute()
            await self.looked()

    async def _happen(self) -> None:
        for at, what in self.course.happenings:
            await asyncio.sleep(max(0.0, at - self.loop.time()))
            process = self.process
            assert process is not None
            self.note(f"happens: {what}")
            self.chaos.fired[f"happens {what}"] += 1
            try:
                await self._befall(what, process)
            except (ExchangeError, OrdersUnavailable, NotPossible, NoSuchOrder, Crash) as error:
                self.note(f"{what} came to nothing: {error!r}")
            except Exception as error:
                if "a simulated defect" not in str(error):
                    self.unexpected.append(error)

    async def _befall(self, what: str, process: Process) -> None:
        rng, operations = self.rng, process.operations
        name = self.plans.first_name
        if what == "kill" and not process.dead:
            process.dead = True
            process.died.set()
        elif what == "cancel":
            await operations.cancel(name, "the simulation wants it", "operator")
        elif what == "retry":
            await operations.retry(name, "the simulation wants it", "operator")
        elif what == "halt":
            await operations.halt("the simulation wants it", "operator")
        elif what == "resume":
            await self.reader().resume("it goes on", "operator")
        elif what == "switch_off":
            await Switches(self.reader().database).turn(
                GLOBAL, on=False, reason="the simulation wants it", actor="operator", now_ms=machine_ms()
            )
        elif what == "outage":
            self.chaos.away_until = self.loop.time() + rng.choice((2, 10, 45))
            self.chaos.excuse(self.chaos.away_until - self.loop.time() + 12)
        elif what == "clock_jump":
            self.clock.jump(rng.choice((500, 5_000, 70_000)))
        elif what == "sleep":
            seconds = rng.choice((1.0, 12.0, 90.0))
            self.chaos.excuse(seconds + 8)
            self.loop.pass_time(seconds)
        elif what == "stop_taken":
            await self.hands.take_stop()
        elif what == "stop_moved":
            await self.hands.move_stop(Decimal(-200))
        elif what == "order_gone":
            await self.hands.lose_order()
        elif what == "order_forgotten":
            await self.hands.forget_order()
        elif what == "close_by_hand" and not (await self.side.truth()).live_entries:
            await self.hands.close()
        elif what == "again":
            process.spawn(self._deliver(0))
        elif what == "another":
            process.spawn(self._deliver(1))
        elif what == "align":
            await operations.align(self.side.name)
        await self.looked()

    async def _until_over(self, process: Process) -> None:
        """Returns when everything is final; an invariant where that takes too long."""
        last = max([at for at, _ in self.course.happenings], default=0.0)
        while True:
            await asyncio.sleep(5.0 if self.busy else 20.0)
            now = self.loop.time()
            rows = File.current.handle.execute("SELECT decision_key, state FROM order_intent").fetchall()
            open_ones = [state for _, state in rows if state not in FINAL]
            running = self.records.of_state("running")
            self.busy = now < last + 15 or any(s != "open" for s in open_ones) or bool(running)
            if now > self.course.chaos_sec + last + 400:
                self.chaos.over = True
            if now > self.course.chaos_sec + 120:
                self.side.calm()
            if now > last + 10 and not running and not open_ones and not self._delivering(process):
                return
            if now > SETTLED_WITHIN_SEC and (running or any(s != "open" for s in open_ones)):
                raise Broken(f"after {now:.0f} s these still wait: {rows}, {len(running)} workflows")
            if now > OVER_WITHIN_SEC:
                raise Broken(f"after {now:.0f} s these are not final: {rows}")

    def _delivering(self, process: Process) -> bool:
        return not self.records.by_id and not self.plans.answers and self.loop.time() < 60

    async def intents(self, orders: Orders) -> list[Intent]:
        """Every intent there is."""
        found = await orders.many(self.plans.keys)
        return [found[key] for key in self.plans.keys if key in found]


class _NoGate:
    async def before_read(self) -> None: ...
    async def before_write(self) -> None: ...
    async def after_write(self) -> None: ...


def _shown(fields: dict[str, Any]) -> str:
    hidden = ("event", "run_id", "decision_key", "symbol", "exchange", "exc_info")
    shown = " ".join(f"{k}={v}" for k, v in fields.items() if k not in hidden)
    error = sys.exc_info()[1] if fields.get("exc_info") else None
    return shown if error is None else f"{shown} {error!r}"

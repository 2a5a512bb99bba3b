"""Waits for slots by the clock of the venue, takes them and runs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

import structlog

from server.exchange.errors import ExchangeError
from server.exchange.paper import PaperExchange
from server.exchange.port import Exchange
from server.instants import iso, machine_ms
from server.run.request import RequestProblem, RunInProgress, RunRequest, RunUnavailable
from server.run.result import RunResult
from server.schedule.errors import ScheduleUnavailable
from server.schedule.slots import SlotKey, Slots, SlotStatus
from server.switches.durations import duration

ACTOR = "schedule"

RENEW_SEC = 10.0
_LONGEST_WAIT_SEC = 5.0
"""Of the venue's seconds: a clock that jumps is noticed that soon."""
_AGAIN_SEC = 2.0
"""After a venue that did not say what time it is."""
_MOST_MISSED = 100
"""Of the slots that a clock has jumped over, the newest are recorded."""

log = structlog.get_logger(__name__)


class Runs(Protocol):
    """What a slot is run by: `server.run.runner.Runner` is one."""

    async def run(self, request: RunRequest) -> RunResult: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``profiles`` are run every ``every_ms``, ``offset_ms`` after the slot begins, so that its candle has
    closed, each split between ``workers``. Dry, unless ``live``.
    """

    every_ms: int
    offset_ms: int
    profiles: tuple[str, ...]
    workers: int
    live: bool

    @property
    def late_ms(self) -> int:
        """A slot that has not begun so long after its time is missed."""
        return self.every_ms // 2

    def slot_at(self, now_ms: int) -> int:
        """The newest slot whose time has come."""
        due_ms = now_ms - self.offset_ms
        return due_ms - due_ms % self.every_ms

    @property
    def kind(self) -> str:
        return "with orders" if self.live else "dry"

    def __str__(self) -> str:
        return f"{', '.join(self.profiles)} every {duration(self.every_ms)}, {self.kind}"


class Timetable:
    """One process's part in the schedule of one venue."""

    def __init__(
        self,
        plan: Plan,
        venue: Exchange,
        runs: Runs,
        slots: Slots,
        process: str,
        wall_ms: Callable[[], int] = machine_ms,
    ) -> None:
        self.plan = plan
        self._venue, self._runs, self._slots = venue, runs, slots
        self._process, self._wall_ms = process, wall_ms
        self._going: set[asyncio.Task[None]] = set()

    async def keep(self) -> None:
        """Takes every slot from now on, until it is cancelled; runs that are going are cut off then."""
        watching = asyncio.create_task(self._watched())
        try:
            await self._take_all()
        finally:
            ending = [watching, *self._going]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            await self._left()

    # Time

    async def _take_all(self) -> None:
        seen = self.plan.slot_at(await self._now())
        while True:
            now_ms = await self._next(seen)
            slot_ms = self.plan.slot_at(now_ms)
            if slot_ms > seen:
                # Slots are left behind where the clock has jumped, or this process was held up.
                await self._pass_over(range(seen + self.plan.every_ms, slot_ms, self.plan.every_ms), now_ms)
                if now_ms - self.plan.offset_ms - slot_ms > self.plan.late_ms:
                    await self._pass_over(range(slot_ms, slot_ms + 1), now_ms)
                else:
                    self._begin(slot_ms, now_ms)
            # Also where the clock was set back: what is taken already stays taken.
            seen = slot_ms

    async def _next(self, seen: int) -> int:
        """The venue's present, once its newest slot is no longer ``seen``."""
        while True:
            now_ms = await self._now()
            if self.plan.slot_at(now_ms) != seen:
                return now_ms
            left_ms = seen + self.plan.every_ms + self.plan.offset_ms - now_ms
            await self._venue.wait(min(max(left_ms, 1) / 1000, _LONGEST_WAIT_SEC))

    async def _now(self) -> int:
        while True:
            try:
                return await self._venue.now_ms()
            except ExchangeError as error:
                log.warning("schedule.clock_unavailable", exchange=self._venue.name, error=str(error))
                await asyncio.sleep(_AGAIN_SEC)

    # Slots

    def _key(self, profile: str, slot_ms: int) -> SlotKey:
        return SlotKey(self._venue.name, profile, session_of(self._venue), slot_ms)

    async def _pass_over(self, missed: Sequence[int], now_ms: int) -> None:
        if not missed:
            return
        keys = [self._key(profile, at) for at in missed[-_MOST_MISSED:] for profile in self.plan.profiles]
        log.warning("schedule.missed", exchange=self._venue.name, first=iso(missed[0]), slots=len(missed))
        try:
            await self._slots.missed(
                keys,
                f"it was {iso(now_ms)} before anybody could begin it",
                every_ms=self.plan.every_ms,
                dry_run=not self.plan.live,
                process=self._process,
                begun_at=now_ms,
                now_ms=self._wall_ms(),
            )
        except ScheduleUnavailable as error:
            log.warning("schedule.missed_not_recorded", error=str(error))

    def _begin(self, slot_ms: int, now_ms: int) -> None:
        for profile in self.plan.profiles:
            task = asyncio.create_task(self._take(self._key(profile, slot_ms), now_ms))
            self._going.add(task)
            task.add_done_callback(self._going.discard)

    async def _take(self, key: SlotKey, now_ms: int) -> None:
        run_id = str(uuid4())
        try:
            mine = await self._slots.take(
                key,
                run_id=run_id,
                every_ms=self.plan.every_ms,
                dry_run=not self.plan.live,
                process=self._process,
                begun_at=now_ms,
                now_ms=self._wall_ms(),
            )
        except ScheduleUnavailable as error:
            log.error("schedule.slot_not_taken", slot=iso(key.slot_ms), error=str(error))
            return
        if mine:
            await self._run(key, run_id)

    async def _run(self, key: SlotKey, run_id: str) -> None:
        request = RunRequest(
            actor=ACTOR,
            run_id=run_id,
            profile=key.profile,
            exchange=key.exchange,
            workers=self.plan.workers,
            dry_run=not self.plan.live,
            may_trade=self.plan.live,
        )
        try:
            async with self._renewed(key):
                result = await self._runs.run(request)
        except asyncio.CancelledError:
            await asyncio.shield(self._end(key, "died", "its process was told to stop"))
            raise
        except RunInProgress as error:
            await self._end(key, "skipped", str(error), ran=False)
        except RequestProblem as error:
            await self._end(key, "failed", str(error), ran=False)
        except RunUnavailable as error:
            await self._end(key, "failed", str(error))
        except Exception as error:  # whatever it is, the next slot has its chance
            log.exception("schedule.run_failed", slot=iso(key.slot_ms), profile=key.profile)
            await self._end(key, "failed", f"{type(error).__name__}; the log has the details")
        else:
            told = None if result.status == "success" else f"the run ended as {result.status}"
            await self._end(key, "failed" if result.status == "error" else "done", told)

    async def _end(self, key: SlotKey, status: SlotStatus, reason: str | None, *, ran: bool = True) -> None:
        log.info(
            "schedule.slot", slot=iso(key.slot_ms), profile=key.profile, status=status, reason=reason or ""
        )
        try:
            await self._slots.end(key, status, reason, self._wall_ms(), ran=ran)
        except ScheduleUnavailable as error:
            log.error("schedule.end_not_recorded", slot=iso(key.slot_ms), error=str(error))

    @asynccontextmanager
    async def _renewed(self, key: SlotKey) -> AsyncGenerator[None]:
        async def renew() -> None:
            while True:
                await asyncio.sleep(RENEW_SEC)
                with suppress(ScheduleUnavailable):
                    await self._slots.still_run(key, self._wall_ms())

        renewing = asyncio.create_task(renew())
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    # Whether anybody does

    async def _watched(self) -> None:
        about = f"every {duration(self.plan.every_ms)}, {self.plan.kind}"
        while True:
            for profile in self.plan.profiles:
                try:
                    await self._slots.watch(self._venue.name, profile, self._process, about, self._wall_ms())
                except ScheduleUnavailable as error:
                    log.warning("schedule.watch_not_recorded", error=str(error))
            await asyncio.sleep(RENEW_SEC)

    async def _left(self) -> None:
        for profile in self.plan.profiles:
            with suppress(ScheduleUnavailable):
                await self._slots.leave(self._venue.name, profile, self._process)


def session_of(venue: Exchange) -> int:
    """Which clock the venue has: a simulated one may be at the same instant twice, a real one may not."""
    return venue.session_began_ms if isinstance(venue, PaperExchange) else 0

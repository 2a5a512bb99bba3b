"""Whether the schedule runs that should run."""

from __future__ import annotations

from collections.abc import Sequence

from server.instants import iso, machine_ms
from server.overview.finding import Finding
from server.overview.looking import Look
from server.schedule.errors import ScheduleUnavailable
from server.schedule.slots import Slot, SlotFilter, Slots, Watch
from server.schedule.timetable import RENEW_SEC
from server.settings import Settings

NAME = "schedule"
_TAKEN_OVER_MS = int(RENEW_SEC * 1000)
"""Another process that has the schedule says so within that time."""
_START = "start entrygate serve again, with the same ENTRYGATE_EVERY or --every"


async def scheduled(look: Look, settings: Settings) -> Finding:
    """A process that died with its schedule, one that was never started, or what the last slots came to."""
    slots, now_ms = Slots(look.service.database), machine_ms()
    try:
        watches = await slots.watches()
        dead = [watch for watch in watches if watch.until + _TAKEN_OVER_MS <= now_ms]
        if dead:
            told = "; ".join(f"{_of(watch)} until {iso(watch.until)}" for watch in dead)
            return Finding(NAME, "fail", f"the process has died that ran {told}", _START)
        absent = _absent(look, settings, watches)
        if absent:
            detail = f"ENTRYGATE_EVERY is set, and no process runs {', '.join(absent)}"
            return Finding(NAME, "fail", detail, "start entrygate serve")
        if not watches:
            return Finding(NAME, "ok", "off; nothing runs by itself")
        last = [await _last(slots, watch, now_ms) for watch in watches]
    except ScheduleUnavailable as error:
        return Finding(NAME, "fail", str(error), "see that the database of ENTRYGATE_DATABASE_URL answers")
    told = "; ".join(_told(watch, slot) for watch, slot in zip(watches, last, strict=True))
    ill = [slot for slot in last if slot is not None and slot.status not in ("begun", "done")]
    if ill:
        return Finding(NAME, "warn", told, "entrygate schedule shows what became of each slot")
    return Finding(NAME, "ok", told)


def _absent(look: Look, settings: Settings, watches: Sequence[Watch]) -> list[str]:
    if settings.every is None:
        return []
    ruleset, venue = look.service.rulesets.current, look.default.venue.name
    wanted = settings.profiles or (ruleset.default_profile,)
    there = {(watch.exchange, watch.profile) for watch in watches}
    return [f"{name} on {venue}" for name in wanted if (venue, name) not in there]


async def _last(slots: Slots, watch: Watch, now_ms: int) -> Slot | None:
    wanted = SlotFilter(exchange=watch.exchange, profile=watch.profile)
    return next(iter((await slots.page(wanted, now_ms=now_ms, page_size=1)).items), None)


def _of(watch: Watch) -> str:
    return f"{watch.profile} on {watch.exchange} {watch.about}"


def _told(watch: Watch, slot: Slot | None) -> str:
    if slot is None:
        return f"{_of(watch)}, no slot yet"
    reason = "" if slot.reason is None else f": {slot.reason}"
    return f"{_of(watch)}, the last slot {iso(slot.slot_ms)} {slot.status}{reason}"

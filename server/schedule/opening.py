"""The schedule of a service, from its settings to its end."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from engine.documents.nearest import nearest
from server.exchange.paper import PaperExchange
from server.exchange.port import Exchange
from server.schedule.slots import Slots
from server.schedule.timetable import Plan, Timetable
from server.service import Service
from server.settings import SettingsError


@asynccontextmanager
async def scheduled(service: Service, *, live: bool) -> AsyncGenerator[Timetable | None]:
    """Keeps the schedule while the block lasts; None where the settings have none. ``live``: orders are
    placed. Raises ``SettingsError`` for a schedule that could not be kept.
    """
    if service.settings.every is None:
        yield None
        return
    venue = service.runner.default_venue(service.rulesets.current)
    timetable = Timetable(
        _plan(service, venue, service.settings.every, live=live),
        venue,
        service.runner,
        Slots(service.database),
        f"{socket.gethostname()}:{os.getpid()}",
    )
    keeping = asyncio.create_task(timetable.keep())
    try:
        yield timetable
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def profiles_of(service: Service) -> tuple[str, ...]:
    """The profiles that are scheduled where the schedule is on."""
    return service.settings.profiles or (service.rulesets.current.default_profile,)


def _plan(service: Service, venue: Exchange, every_ms: int, *, live: bool) -> Plan:
    problems: list[str] = []
    known, profiles = service.rulesets.current.profiles, profiles_of(service)
    for name in profiles:
        if name not in known:
            meant = nearest(name, known)
            hint = f"; did you mean '{meant}'?" if meant else f"; there is {', '.join(known)}"
            problems.append(f"the schedule: there is no profile '{name}'{hint}")
    if isinstance(venue, PaperExchange):
        obstacle = venue.orders_obstacle()
        if obstacle is not None:
            problems.append(f"the schedule: {obstacle}")
    elif live and not service.settings.live:
        problems.append(f"the schedule: orders for {venue.name} need ENTRYGATE_LIVE=1")
    if problems:
        raise SettingsError(problems)
    offset_ms = round(service.settings.every_offset_sec * 1000)
    return Plan(
        every_ms=every_ms,
        offset_ms=offset_ms,
        profiles=profiles,
        workers=service.settings.every_workers,
        live=live,
    )

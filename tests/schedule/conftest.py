"""A clock that a test moves, a schedule that follows it, and the slots of a new database of either kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from schedule_steps import START, HandClock, Scheduled

from server.database import Database, DatabaseAddress, upgrade
from server.exchange.paper import PaperExchange, PaperOptions
from server.instants import iso
from server.schedule.slots import Slots
from server.schedule.timetable import Plan, Timetable
from server.service import Service, service
from server.settings import load_settings


@pytest.fixture
async def slots(database_url: str) -> AsyncIterator[tuple[Slots, Slots]]:
    """Two processes' views of one database."""
    address = DatabaseAddress.parse(database_url)
    upgrade(address)
    both = Database.open(address), Database.open(address)
    yield Slots(both[0]), Slots(both[1])
    for database in both:
        await database.close()


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Service]:
    """A service that looks only: it can run dry."""
    settings = load_settings(database_url=f"sqlite:///{tmp_path / 'entrygate.db'}", paper_at=iso(START))
    async with service(settings) as made:
        yield made


@pytest.fixture
async def scheduled(opened: Service) -> AsyncIterator[Scheduled]:
    """The schedule of its default profile, every minute."""
    clock = HandClock(START)
    plan = Plan(every_ms=60_000, offset_ms=2_000, profiles=("scalper_micro",), workers=2, live=False)
    kept = Slots(opened.database)
    venue = PaperExchange(PaperOptions(), clock=clock)
    keeping = asyncio.create_task(Timetable(plan, venue, opened.runner, kept, "me").keep())
    await clock.somebody_waits()
    yield Scheduled(clock, kept, opened.journal, keeping)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)

"""What tests of the schedule share."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

from server.instants import at, iso, machine_ms
from server.journal import Journal, RunFilter
from server.schedule.slots import Slot, SlotFilter, Slots

START = at("2025-06-01T07:46:30Z")
"""Half a minute into a slot."""

MINUTE_MS = 60_000
SLOT = at("2025-06-01T07:47:00Z")


class HandClock:
    """Moved by hand, back too; who waits is woken by every move."""

    speed: float = 1.0

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms
        self._moved = asyncio.Event()
        self._waiting = asyncio.Event()

    def now_ms(self) -> int:
        return self._at_ms

    def obstacle(self) -> str | None:
        return None

    async def wait(self, seconds: float) -> None:
        moved = self._moved
        self._waiting.set()
        await moved.wait()

    async def somebody_waits(self) -> None:
        await self._waiting.wait()

    async def move(self, at_ms: int) -> None:
        """Sets the clock, and returns when whoever waited for it waits again."""
        self._at_ms = at_ms
        self._waiting.clear()
        self._moved.set()
        self._moved = asyncio.Event()
        await self._waiting.wait()


@dataclass
class Scheduled:
    """A schedule that runs, and what it has come to."""

    clock: HandClock
    slots: Slots
    journal: Journal
    keeping: asyncio.Task[None]

    async def told(self) -> list[str]:
        """Slots by their start, each with what became of it."""
        return [f"{iso(one.slot_ms)[11:16]} {one.status}" for one in await self.all()]

    async def all(self) -> list[Slot]:
        page = await self.slots.page(SlotFilter(), now_ms=machine_ms(), page_size=500)
        return sorted(page.items, key=lambda one: one.slot_ms)

    async def becomes(self, told: list[str]) -> None:
        """Fails with what is there where it does not become so."""
        for _ in range(400):
            if await self.told() == told:
                return
            await asyncio.sleep(0.05)
        assert await self.told() == told

    async def runs(self) -> int:
        return (await self.journal.runs(RunFilter())).total


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

"""Many who ask the database at once are served by one reading, and by none that began before they asked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import pytest

from server.execution.shared import SharedReads
from server.orders.errors import OrdersUnavailable


class Table:
    """Rows that a reading takes as they are when it begins; it is let go on by `release`."""

    def __init__(self, **rows: int) -> None:
        self.rows = rows
        self.readings: list[frozenset[str]] = []
        self.broken: frozenset[str] = frozenset()
        self._go_on = asyncio.Event()

    async def read(self, keys: Collection[str]) -> Mapping[str, int]:
        self.readings.append(frozenset(keys))
        found = {key: self.rows[key] for key in keys if key in self.rows}
        await self._go_on.wait()
        if self.broken & set(keys):
            raise OrdersUnavailable("a row cannot be read")
        return found

    def release(self) -> None:
        self._go_on.set()


async def asked(shared: SharedReads[int], *keys: str) -> list[asyncio.Task[int | None]]:
    tasks = [asyncio.create_task(shared.get(key)) for key in keys]
    await asyncio.sleep(0)
    return tasks


async def test_what_is_asked_during_a_reading_is_read_together_after_it() -> None:
    table = Table(a=1, b=2, c=3)
    shared = SharedReads(table.read)
    first = await asked(shared, "a")
    later = await asked(shared, "b", "c", "b", "none")
    table.release()
    assert await asyncio.gather(*first, *later) == [1, 2, 3, 2, None]
    assert table.readings == [{"a"}, {"b", "c", "none"}]


async def test_nobody_gets_what_was_read_before_they_asked() -> None:
    table = Table(a=1)
    shared = SharedReads(table.read)
    before = await asked(shared, "a")
    table.rows["a"] = 2
    after = await asked(shared, "a")
    table.release()
    assert await asyncio.gather(*before, *after) == [1, 2]


async def test_a_row_that_cannot_be_read_spoils_no_other() -> None:
    table = Table(a=1, b=2, c=3)
    table.broken = frozenset({"b"})
    shared = SharedReads(table.read)
    tasks = [*await asked(shared, "a"), *await asked(shared, "b", "c")]
    table.release()
    a, b, c = await asyncio.gather(*tasks, return_exceptions=True)
    assert (a, c) == (1, 3)
    assert isinstance(b, OrdersUnavailable)
    assert {"b", "c"} in table.readings
    table.broken = frozenset()
    assert await shared.get("b") == 2


async def test_a_reading_whose_asker_is_gone_is_made_by_the_next() -> None:
    table = Table(a=1, b=2)
    shared = SharedReads(table.read)
    first, second = (await asked(shared, "a", "b"))[:2]
    first.cancel()
    table.release()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 2

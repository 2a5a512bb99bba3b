"""What holds on every connection, and what happens to those who write at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from server.database import Database, DatabaseAddress, upgrade
from server.database import tables as t


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    address = DatabaseAddress.parse(database_url)
    upgrade(address)
    database = Database.open(address)
    yield database
    await database.close()


async def test_an_open_database_answers(database: Database) -> None:
    await database.check()


async def test_sqlite_is_in_wal_and_holds_foreign_keys(tmp_path: Path) -> None:
    address = DatabaseAddress.of_file(tmp_path / "x.db")
    upgrade(address)
    database = Database.open(address)
    async with database.read() as connection:
        asked = ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        answers = [await connection.scalar(text(f"PRAGMA {name}")) for name in asked]
    assert answers == ["wal", 1, 2, 30_000]
    await database.close()


async def test_a_row_that_refers_to_nothing_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(insert(t.run_part).values(run_id=1, part=0, symbols_id=1))


async def test_writers_wait_for_each_other(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as connection:
            seen = await connection.scalar(select(func.count()).select_from(t.symbol))
            await asyncio.sleep(0.01)
            await connection.execute(insert(t.symbol).values(name=f"S{number}-{seen}"))

    await asyncio.gather(*(write(number) for number in range(12)))
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(t.symbol)) == 12


async def test_a_transaction_that_raises_stores_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.write() as connection:
            await connection.execute(insert(t.symbol).values(name="BTCUSDT"))
            raise RuntimeError
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(t.symbol)) == 0

"""A process that loses its lease cuts off what it runs, takes a new one, and goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from durable_processes import until
from durable_tales import argument, tale, what

from server.database import DatabaseAddress
from server.durable import Done, DurableError
from server.durable.engine import open_durable
from server.durable.lease import take_lease


async def test_a_lost_lease_cuts_off_what_runs_and_a_new_one_resumes_it(
    address: DatabaseAddress, told: Path
) -> None:
    async with open_durable(address, {"tale": tale}) as durable:
        assert durable.healthy
        await durable.start("tale", "one", argument(told, ["step", "a", 0], ["step", "b", 2]))
        await until(lambda: "b begins" in what(told, "one"))
        await asyncio.to_thread(_break, address)
        await until(lambda: not durable.healthy)
        with pytest.raises(DurableError, match="lost its lease"):
            await durable.start("tale", "two", argument(told))
        assert await durable.result("one", 20) == Done([{"name": "a"}, {"name": "b"}])
        assert durable.healthy
    steps = [line for line in what(told, "one") if line != "tale"]
    assert steps == ["a begins", "a ends", "b begins", "b begins", "b ends"]


async def test_a_slot_is_held_by_one_and_free_when_it_is_released(address: DatabaseAddress) -> None:
    first, second = await take_lease(address), await take_lease(address)
    assert (first.slot, second.slot) == (0, 1)
    assert not await first.is_free(1)
    assert await first.is_free(2)
    assert await first.held()
    await second.release()
    # PostgreSQL drops the locks of a closed connection in its own time.
    looks = 1000
    while looks and not await first.is_free(1):
        looks -= 1
    assert looks
    await asyncio.to_thread(_break, address)
    assert not await first.held()
    await first.release()


def _break(address: DatabaseAddress) -> None:
    if address.file is not None:
        address.file.with_name(f"{address.file.name}.slot0").unlink()
        return
    with psycopg.connect(address.url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'entrygate lease' AND datname = current_database()"
        )

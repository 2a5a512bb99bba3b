"""A venue in a process of its own, and processes that trade there until they are killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from killed_processes import ROOT, LocalVenue, Traders, eventually


@pytest.fixture
async def venue() -> AsyncIterator[LocalVenue]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.venues.bitmart_server", "--no-limits"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[1]
    async with httpx.AsyncClient(base_url=url) as client:
        local = LocalVenue(url, client)

        async def answers() -> bool:
            with suppress(httpx.TransportError):
                return (await client.get("/_control/state")).status_code == 200
            return False

        await eventually(answers, "the venue answers")
        yield local
    process.kill()
    await process.wait()


@pytest.fixture
async def traders(database_url: str, venue: LocalVenue) -> AsyncIterator[Traders]:
    made = Traders(database_url, venue)
    yield made
    await made.end()

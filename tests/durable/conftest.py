"""A database for tales, and processes that tell them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from durable_processes import Tellers

from server.database import DatabaseAddress, upgrade


@pytest.fixture
def address(database_url: str) -> DatabaseAddress:
    """A new database of either kind, with the application's tables."""
    address = DatabaseAddress.parse(database_url)
    upgrade(address)
    return address


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Where tales are told."""
    return tmp_path / "told"


@pytest.fixture
async def tellers(address: DatabaseAddress) -> AsyncIterator[Tellers]:
    made = Tellers(address.url.render_as_string(hide_password=False))
    yield made
    for process in made.made:
        if process.returncode is None:
            process.kill()
            await process.wait()

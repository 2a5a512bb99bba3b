"""A journal on a new database of either kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.database import Database, DatabaseAddress, upgrade
from server.journal import Journal


@pytest.fixture
async def journal(database_url: str) -> AsyncIterator[Journal]:
    address = DatabaseAddress.parse(database_url)
    upgrade(address)
    database = Database.open(address)
    yield Journal(database)
    await database.close()


@pytest.fixture
async def sqlite_journal(tmp_path: Path) -> AsyncIterator[Journal]:
    address = DatabaseAddress.of_file(tmp_path / "journal.db")
    upgrade(address)
    database = Database.open(address)
    yield Journal(database)
    await database.close()

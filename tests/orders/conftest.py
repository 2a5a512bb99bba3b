"""A store of orders on a new database of either kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.database import Database, DatabaseAddress, upgrade
from server.orders.store import Orders


@pytest.fixture
async def orders(database_url: str) -> AsyncIterator[Orders]:
    address = DatabaseAddress.parse(database_url)
    upgrade(address)
    database = Database.open(address)
    yield Orders(database)
    await database.close()


@pytest.fixture
async def other(orders: Orders) -> AsyncIterator[Orders]:
    """Another process's view of the same database: connections of its own."""
    database = Database.open(orders.database.address)
    yield Orders(database)
    await database.close()

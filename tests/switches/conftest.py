"""Stores of switches, the blacklist and run locks on a new database of either kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from engine.models.service import ExclusionRules
from server.database import Database, DatabaseAddress, upgrade
from server.switches.run_locks import RunLocks
from server.switches.store import Blacklist, Switches

RULES = ExclusionRules(off_sec=300, extend_sec=60)


@pytest.fixture
def address(database_url: str) -> DatabaseAddress:
    address = DatabaseAddress.parse(database_url)
    upgrade(address)
    return address


@pytest.fixture
async def databases(address: DatabaseAddress) -> AsyncIterator[tuple[Database, Database]]:
    """Two processes' views of one database."""
    both = Database.open(address), Database.open(address)
    yield both
    for database in both:
        await database.close()


@pytest.fixture
def switches(databases: tuple[Database, Database]) -> Switches:
    return Switches(databases[0])


@pytest.fixture
def other(databases: tuple[Database, Database]) -> Switches:
    return Switches(databases[1])


@pytest.fixture
def blacklist(databases: tuple[Database, Database]) -> Blacklist:
    return Blacklist(databases[0])


@pytest.fixture
def run_locks(databases: tuple[Database, Database]) -> Iterator[tuple[RunLocks, RunLocks]]:
    yield RunLocks(databases[0]), RunLocks(databases[1])

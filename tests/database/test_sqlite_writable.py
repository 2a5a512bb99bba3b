"""An SQLite file that can only be read is told apart before anything is begun on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from server.database import DatabaseAddress, sqlite, upgrade


def test_a_file_that_can_only_be_read(tmp_path: Path) -> None:
    address = DatabaseAddress.of_file(tmp_path / "orders.db")
    upgrade(address)
    with create_engine(address.sync_url).connect() as connection:
        sqlite.prove_writable(connection)
    only_read = create_engine(f"sqlite:///file:{address.file}?mode=ro&uri=true")
    with only_read.connect() as connection, pytest.raises(OperationalError, match="readonly"):
        sqlite.prove_writable(connection)

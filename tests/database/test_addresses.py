"""How a database may be named."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.database import DatabaseAddress, DatabaseError


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"])
def test_a_file_is_reached_by_both_drivers(scheme: str, tmp_path: Path) -> None:
    address = DatabaseAddress.parse(f"{scheme}:///{tmp_path}/some file.db")
    assert address.file == tmp_path / "some file.db"
    assert str(address.async_url) == f"sqlite+aiosqlite:///{tmp_path}/some file.db"
    assert str(address.sync_url) == f"sqlite+pysqlite:///{tmp_path}/some file.db"
    assert address == DatabaseAddress.of_file(tmp_path / "some file.db")


def test_a_relative_file_does_not_depend_on_the_folder_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert DatabaseAddress.parse("sqlite:///x.db").file == tmp_path / "x.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_by_psycopg(scheme: str) -> None:
    address = DatabaseAddress.parse(f"{scheme}://me:hunter2@host:5433/gate?sslmode=require")
    assert address.file is None
    for url in (address.async_url, address.sync_url):
        assert url.drivername == "postgresql+psycopg"
        assert (url.password, url.port, url.database, url.query) == (
            "hunter2",
            5433,
            "gate",
            {"sslmode": "require"},
        )
    assert str(address) == "postgresql://me:***@host:5433/gate?sslmode=require"
    assert "hunter2" not in repr(address)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("entrygate.db", "not a database URL"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        ("sqlite:///x.db?mode=ro", "SQLite needs a file without options"),
        ("mysql://me:hunter2@host/gate", "no driver for 'mysql'; use sqlite or postgresql"),
        ("postgresql+asyncpg://me:hunter2@host/gate", "no driver for 'postgresql\\+asyncpg'"),
        ("postgresql://me:hunter2@host:port/gate", "not a database URL"),
    ],
)
def test_what_cannot_be_used_is_refused_without_its_password(text: str, said: str) -> None:
    with pytest.raises(DatabaseError, match=said) as caught:
        DatabaseAddress.parse(text)
    assert "hunter2" not in str(caught.value)

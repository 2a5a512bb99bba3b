"""Where the database is: one spelling per kind, however it was written, its password never in a message."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DIALECTS = {
    "sqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgresql+psycopg": "postgresql",
}


class DatabaseError(Exception):
    """The database cannot be named, reached or brought to the schema this version needs."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """An SQLite file or a PostgreSQL database; ``str`` of it hides the password."""

    url: URL

    @staticmethod
    def parse(text: str) -> DatabaseAddress:
        """Reads ``sqlite:///file.db`` or ``postgresql://user@host/name``. Raises ``DatabaseError``."""
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            # The text may carry a password, also in the parser's own message.
            raise DatabaseError(
                "not a database URL; write sqlite:///path/to/file.db or postgresql://user:password@host/name"
            ) from None
        dialect = _DIALECTS.get(url.drivername)
        if dialect is None:
            raise DatabaseError(f"no driver for '{url.drivername}'; use sqlite or postgresql")
        if dialect == "postgresql":
            return DatabaseAddress(url.set(drivername=dialect))
        if url.database in (None, "", ":memory:") or url.query:
            raise DatabaseError("SQLite needs a file without options: sqlite:///path/to/file.db")
        path = Path(url.database).expanduser().absolute()
        return DatabaseAddress(URL.create(dialect, database=str(path)))

    @staticmethod
    def of_file(path: Path) -> DatabaseAddress:
        """The address of an SQLite file."""
        return DatabaseAddress(URL.create("sqlite", database=str(path.expanduser().absolute())))

    @property
    def file(self) -> Path | None:
        """The SQLite file; ``None`` for PostgreSQL."""
        return Path(self.url.database or "") if self.url.drivername == "sqlite" else None

    @property
    def async_url(self) -> URL:
        """For an asynchronous engine."""
        return self.url.set(drivername="sqlite+aiosqlite" if self.file else "postgresql+psycopg")

    @property
    def sync_url(self) -> URL:
        """For a synchronous engine, which migrations need."""
        return self.url.set(drivername="sqlite+pysqlite" if self.file else "postgresql+psycopg")

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)

"""Bringing a database to the schema this version needs, from code; no configuration file, no working folder.

One process migrates at a time: SQLite holds the write lock of the file, PostgreSQL an advisory lock, and both
hold it before the database's revision is read. A migration is one transaction, also on SQLite.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from server.database import sqlite
from server.database.address import DatabaseAddress, DatabaseError

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x454E5452_47415445
"""Key of PostgreSQL's advisory lock: "ENTRGATE"."""


def upgrade(address: DatabaseAddress) -> tuple[str, ...]:
    """Applies what is missing, after waiting for another process that does; the revisions, oldest first.

    Raises ``DatabaseError`` where the database does not answer, or is newer than this version.
    """
    if address.file is not None:
        try:
            address.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseError(f"{address}: {error.strerror} ({address.file.parent})") from error
    with _connected(address, write=True) as connection:
        if address.file is None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        missing = _missing(_revision(connection))
        if missing:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return missing


def current(address: DatabaseAddress) -> str | None:
    """The database's revision; ``None`` for one that has no tables yet. Raises ``DatabaseError``."""
    if address.file is not None and not address.file.exists():
        return None
    with _connected(address, write=False) as connection:
        return _revision(connection)


def pending(address: DatabaseAddress) -> tuple[str, ...]:
    """Revisions that ``upgrade`` would apply, oldest first. Raises ``DatabaseError``."""
    return _missing(current(address))


def head() -> str:
    """The revision this version needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def _missing(revision: str | None) -> tuple[str, ...]:
    script = ScriptDirectory.from_config(_config())
    try:
        steps = script.iterate_revisions("head", revision or "base")
        return tuple(step.revision for step in reversed(list(steps)))
    except RevisionError as error:
        raise DatabaseError(
            f"the database is at revision '{revision}', which this version does not know; a newer one used it"
        ) from error


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _connected(address: DatabaseAddress, *, write: bool) -> Generator[Connection]:
    engine = create_engine(address.sync_url, hide_parameters=True, execution_options={sqlite.WRITES: write})
    if address.file is not None:
        sqlite.install(engine)
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseError(f"{address}: {cause}") from error
    finally:
        engine.dispose()

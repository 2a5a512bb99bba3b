"""From an empty database to the schema this version needs, whoever else is doing the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from server.database import Database, DatabaseAddress, DatabaseError, current, head, pending, upgrade
from server.database.switch_tables import metadata

STARTS = 4


@pytest.fixture
def address(database_url: str) -> DatabaseAddress:
    return DatabaseAddress.parse(database_url)


def tables(address: DatabaseAddress) -> set[str]:
    engine = create_engine(address.sync_url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_an_empty_database_is_brought_to_the_head_once(address: DatabaseAddress) -> None:
    assert current(address) is None
    steps = pending(address)
    assert steps[-1] == head()
    assert upgrade(address) == steps
    assert current(address) == head()
    assert pending(address) == ()
    assert upgrade(address) == ()


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(address: DatabaseAddress) -> None:
    upgrade(address)
    engine = create_engine(address.sync_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_asking_what_is_pending_does_not_make_a_file(tmp_path: Path) -> None:
    address = DatabaseAddress.of_file(tmp_path / "new" / "entrygate.db")
    assert pending(address)
    assert not (tmp_path / "new").exists()


def test_the_folder_is_made(tmp_path: Path) -> None:
    upgrade(DatabaseAddress.of_file(tmp_path / "a" / "b%20" / "entrygate.db"))
    assert (tmp_path / "a" / "b%20" / "entrygate.db").is_file()


def test_a_database_of_a_newer_version_is_left_alone(address: DatabaseAddress) -> None:
    upgrade(address)
    engine = create_engine(address.sync_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for ask in (upgrade, pending):
        with pytest.raises(DatabaseError, match="revision '9999', which this version does not know"):
            ask(address)


def test_what_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database " * 100)
    with pytest.raises(DatabaseError, match=r"notes\.txt: file is not a database"):
        upgrade(DatabaseAddress.of_file(tmp_path / "notes.txt"))
    with pytest.raises(DatabaseError, match=r"Not a directory|File exists"):
        upgrade(DatabaseAddress.of_file(tmp_path / "notes.txt" / "entrygate.db"))


async def test_a_server_that_is_not_there_says_so_without_the_password() -> None:
    address = DatabaseAddress.parse("postgresql://me:hunter2@127.0.0.1:1/gate")
    with pytest.raises(DatabaseError, match=r"me:\*\*\*@127\.0\.0\.1:1") as caught:
        upgrade(address)
    assert "hunter2" not in str(caught.value)
    database = Database.open(address)
    with pytest.raises(DatabaseError, match="does not answer") as caught:
        await database.check()
    assert "hunter2" not in str(caught.value)
    await database.close()


UPGRADE = """
import sys
from server.database import DatabaseAddress, upgrade
print("ready", flush=True)
sys.stdin.readline()
print(*upgrade(DatabaseAddress.parse(sys.argv[1])))
"""


def test_processes_that_start_together_migrate_once(address: DatabaseAddress, database_url: str) -> None:
    steps = [*pending(address)]
    command = [sys.executable, "-c", UPGRADE, database_url]
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(STARTS)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * STARTS, answers
    assert sorted(out.split() for out, _ in answers) == [[]] * (STARTS - 1) + [steps]
    assert current(address) == head()


KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from server.database import DatabaseAddress, upgrade

def dies(connection, cursor, statement, *rest):
    if statement.lstrip().startswith("CREATE TABLE decision"):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", dies)
upgrade(DatabaseAddress.parse(sys.argv[1]))
"""


def test_a_process_killed_while_migrating_leaves_nothing_half_made(
    address: DatabaseAddress, database_url: str
) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, database_url], check=False).returncode == -9
    assert tables(address) <= {"alembic_version"}
    assert current(address) is None
    assert upgrade(address)
    assert "decision" in tables(address)

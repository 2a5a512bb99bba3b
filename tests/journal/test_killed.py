"""A process that is killed while it records leaves the run whole or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from journal_runs import SHORTS, SYMBOLS, compiled, record, shipped, verdicts

from server.database import Database, DatabaseAddress, upgrade
from server.journal import Journal, NoSuchRun

KILLED = """
import asyncio, os, signal, sys
from sqlalchemy import Engine, event
from journal_runs import SHORTS, record, shipped, verdicts
from server.database import Database, DatabaseAddress
from server.journal import Journal

run_id, database_url, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
executed = 0

def dies(*_):
    global executed
    executed += 1
    if executed == last:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    made = record(shipped(), [verdicts(shipped(), SHORTS)], run_id=run_id)
    journal = Journal(Database.open(DatabaseAddress.parse(database_url)))
    event.listen(Engine, "after_cursor_execute", dies)
    event.listen(Engine, "commit", dies)
    await journal.record(made)
    await journal.database.close()

asyncio.run(main())
"""


async def test_a_run_is_recorded_whole_or_not_at_all(tmp_path: Path, database_url: str) -> None:
    """Killed after its first, third, … statement and, at the latest, when it is about to commit."""
    address = DatabaseAddress.parse(database_url)
    upgrade(address)
    database = Database.open(address)
    journal = Journal(database)
    paths = os.pathsep.join(path for path in sys.path if path)
    statements, killed = 1, 0
    while True:
        run_id = f"00000000-0000-4000-8000-{statements:012}"
        command = [sys.executable, "-c", KILLED, run_id, database_url, str(statements)]
        ended = await asyncio.create_subprocess_exec(*command, env={**os.environ, "PYTHONPATH": paths})
        if await ended.wait() == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        try:
            await journal.run(run_id)
        except NoSuchRun:
            killed += 1
        else:
            raise AssertionError(f"a run killed at statement {statements} is there")
        assert (await journal.decisions()).total == 0
        statements += 3
    assert killed >= 4
    assert len((await journal.run(run_id)).decisions) == len(SYMBOLS)
    made = record(shipped(), [verdicts(shipped(), SHORTS)])
    await journal.record(made)
    assert (await journal.restored(f"{made.run_id}.ETHUSDT", compiled)).decision.status == "READY"
    assert (await journal.decisions()).total == 2 * len(SYMBOLS)
    await database.close()

"""A process that is killed while it records leaves the run whole or not at all."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from journal_runs import SHORTS, SYMBOLS, compiled, record, shipped, verdicts

from server.database import Database, DatabaseAddress, upgrade
from server.journal import Journal, NoSuchRun

KILLED = """
# One child after the other records a run; the n-th is killed after its n-th statement or before its commit.
import asyncio, os, signal, sys
from journal_runs import SHORTS, record, shipped, verdicts
from sqlalchemy import Engine, event
from server.database import Database, DatabaseAddress
from server.journal import Journal

batch = verdicts(shipped(), SHORTS)
address = DatabaseAddress.parse(sys.argv[1])

async def run(last):
    executed = 0

    def dies(*_):
        nonlocal executed
        executed += 1
        if executed == last:
            os.kill(os.getpid(), signal.SIGKILL)

    journal = Journal(Database.open(address))
    event.listen(Engine, "after_cursor_execute", dies)
    event.listen(Engine, "commit", dies)
    await journal.record(record(shipped(), [batch], run_id=f"00000000-0000-4000-8000-{last:012}"))
    await journal.database.close()

last, ended = 0, signal.SIGKILL
while ended == signal.SIGKILL:
    last += 1
    child = os.fork()
    if not child:
        asyncio.run(run(last))
        os._exit(0)
    ended = os.waitpid(child, 0)[1]
print(last, ended)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
async def test_a_run_is_recorded_whole_or_not_at_all(database_url: str) -> None:
    address = DatabaseAddress.parse(database_url)
    upgrade(address)
    paths = os.pathsep.join(path for path in sys.path if path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, database_url),
        env={**os.environ, "PYTHONPATH": paths},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    last, ended = map(int, out.split())
    assert ended == 0
    assert last > 10, "a record takes more than ten statements"

    database = Database.open(address)
    journal = Journal(database)
    for killed in range(1, last):
        with pytest.raises(NoSuchRun):
            await journal.run(f"00000000-0000-4000-8000-{killed:012}")
    survivor = await journal.run(f"00000000-0000-4000-8000-{last:012}")
    assert len(survivor.decisions) == len(SYMBOLS)
    made = record(shipped(), [verdicts(shipped(), SHORTS)])
    await journal.record(made)
    assert (await journal.restored(f"{made.run_id}.ETHUSDT", compiled)).decision.status == "READY"
    assert ((await journal.runs()).total, (await journal.decisions()).total) == (2, 2 * len(SYMBOLS))
    await database.close()

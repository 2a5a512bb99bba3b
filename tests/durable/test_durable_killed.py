"""A process that dies, or is told to go, leaves everything to be finished by the next one."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest
from durable_processes import Tellers, command, until
from durable_tales import argument, read, tale, what
from sqlalchemy import create_engine, text

from server.database import DatabaseAddress
from server.durable import Done
from server.durable.engine import open_durable


def _recorded(address: DatabaseAddress, workflow_id: str) -> list[str]:
    """What the steps of a workflow have recorded; a timer records when it ends, in seconds."""
    table = "operation_outputs" if address.file else "dbos.operation_outputs"
    query = text(f"SELECT output FROM {table} WHERE workflow_uuid = :id ORDER BY function_id")
    engine = create_engine(address.sync_url)
    try:
        with engine.connect() as connection:
            return [row[0] for row in connection.execute(query, {"id": workflow_id})]
    finally:
        engine.dispose()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_what_a_process_had_begun_is_finished_after_a_restart(
    tellers: Tellers, address: DatabaseAddress, told: Path, how: signal.Signals
) -> None:
    process = await tellers.open(concurrency=1)
    await command(process, "enqueue", "first", argument(told, ["sleep", 4]))
    await command(process, "enqueue", "second", argument(told, ["step", "a", 0]))
    await until(lambda: what(told, "first") == ["tale"])
    await command(
        process, "start", "cut", argument(told, ["step", "a", 0], ["step", "b", 2], ["step", "c", 0])
    )
    await command(process, "start", "waits", argument(told, ["step", "a", 0], ["sleep", 3], ["step", "b", 0]))
    await until(lambda: "b begins" in what(told, "cut") and len(_recorded(address, "waits")) == 2)
    deadline = _recorded(address, "waits")[1]
    killed = time.time()
    process.send_signal(how)
    assert await process.wait() == (-how if how is signal.SIGKILL else 0)
    # It takes most of a second, and a busy machine several; what ran was cut off, as the steps show below.
    assert time.time() - killed < 10
    assert "b ends" not in what(told, "cut")
    assert what(told, "second") == []

    async with open_durable(address, {"tale": tale}) as durable:
        ends = {i: await durable.result(i, 15) for i in ("cut", "waits", "first", "second")}
    assert ends == {
        "cut": Done([{"name": "a"}, {"name": "b"}, {"name": "c"}]),
        "waits": Done([{"name": "a"}, {"name": "b"}]),
        "first": Done([]),
        "second": Done([{"name": "a"}]),
    }
    assert [line for line in what(told, "cut") if line != "tale"] == [
        *("a begins", "a ends", "b begins"),
        *("b begins", "b ends", "c begins", "c ends"),
    ]
    assert [line for line in what(told, "waits") if line != "tale"] == [
        *("a begins", "a ends", "woke", "b begins", "b ends")
    ]
    assert _recorded(address, "waits")[1] == deadline
    waits = [line for line in read(told) if line.workflow_id == "waits"]
    woke = next(line.at for line in waits if line.what == "woke")
    resumed = [line.at for line in waits if line.what == "tale"][-1]
    assert 0 <= woke - max(float(deadline), resumed) < 2, "the timer is the one from before"
    assert what(told, "second") == ["tale", "a begins", "a ends"]


async def test_processes_share_a_queue_and_a_killed_ones_work(
    tellers: Tellers, address: DatabaseAddress, told: Path
) -> None:
    processes = await asyncio.gather(*(tellers.open(concurrency=4) for _ in range(3)))
    ids = [f"tale {number:02}" for number in range(12)]
    story = argument(told, ["step", "a", 0], ["step", "b", 3], ["step", "c", 0])
    async with open_durable(address, {"tale": tale}, takes_work=False) as durable:
        await asyncio.gather(*(durable.enqueue("tale", i, story) for i in ids))
        await until(lambda: len(read(told, lambda told: told.what == "b begins")) == len(ids))
        victim = processes[0]
        killed = time.time()
        victim.kill()
        assert await victim.wait() == -signal.SIGKILL
        orphans = {
            line.workflow_id
            for line in read(told)
            if line.process == victim.pid and "b ends" not in what(told, line.workflow_id)
        }
        assert len(orphans) == 4
        ends = await asyncio.gather(*(durable.result(i, 20) for i in ids))
    assert ends == [Done([{"name": "a"}, {"name": "b"}, {"name": "c"}])] * len(ids)
    lines = read(told)
    for workflow_id in ids:
        counted = {w: what(told, workflow_id).count(w) for w in ("tale", "a ends", "b begins", "c ends")}
        again = workflow_id in orphans
        assert counted == {"tale": 1 + again, "a ends": 1, "b begins": 1 + again, "c ends": 1}
    for orphan in orphans:
        taken = [line for line in lines if line.workflow_id == orphan and line.what == "tale"][-1]
        assert taken.process != victim.pid
        assert taken.at - killed < 6

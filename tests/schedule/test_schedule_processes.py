"""Two services on one database and a fast clock, one is killed: each slot is run once, and none late."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
from schedule_steps import MINUTE_MS, free_port

from server.database import Database, DatabaseAddress
from server.instants import iso, machine_ms
from server.journal import Journal, RunFilter
from server.schedule.slots import Slot, SlotFilter, Slots

ROOT = Path(__file__).resolve().parents[2]
SERVE = (sys.executable, "-c", "from server.cli import main; main()", "serve", "--json")
PATIENCE_SEC = 120
SPEED = 30
"""A slot lasts two seconds."""


@pytest.fixture
def environment(tmp_path: Path, database_url: str) -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ENTRYGATE_")}
    return inherited | {"PYTHONPATH": str(ROOT), "ENTRYGATE_DATABASE_URL": database_url}


@pytest.fixture
def services(environment: Mapping[str, str], tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two of them, the second beside the first."""
    started: list[subprocess.Popen[str]] = []
    for _ in range(2):
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        clock = ("--start", "2025-06-01T07:30:00Z", "--speed", str(SPEED))
        command = [*SERVE, *clock, "--every", "1m", "--port", str(free_port())]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **quiet)
        started.append(process)
        assert process.stdout is not None
        said = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        assert said["schedule"] == "scalper_micro every 1m, dry"
    yield started
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.open(DatabaseAddress.parse(database_url))
    yield opened
    await opened.close()


async def test_each_slot_is_run_once_and_that_of_a_killed_process_not_again(
    services: list[subprocess.Popen[str]], database: Database
) -> None:
    slots = Slots(database)
    taken = await _until(slots, lambda found: any(one.status == "begun" for one in found))
    begun = next(one for one in taken if one.status == "begun")
    pid = int(begun.process.rpartition(":")[2])
    os.kill(pid, signal.SIGKILL)
    (survivor,) = (process for process in services if process.pid != pid)
    await _until(slots, lambda found: sum(_goes_on(one, begun) for one in found) > 1)
    survivor.send_signal(signal.SIGTERM)
    survivor.wait(30)

    found = await _all(slots)
    assert [one.slot_ms for one in found] == list(
        range(found[0].slot_ms, found[-1].slot_ms + 1, MINUTE_MS)
    ), "every slot is accounted for"
    runs = (await Journal(database).runs(RunFilter(), page_size=500)).items
    kept = {run.run_id: run for run in runs}
    assert len(kept) == len(runs)
    ids = [one.run_id for one in found if one.run_id is not None]
    assert len(set(ids)) == len(ids)
    assert kept.keys() <= set(ids), "no run without a slot"
    for one in found:
        if one.status == "done":
            assert one.run_id is not None
            late_ms = kept[one.run_id].as_of - one.slot_ms
            assert 0 <= late_ms < MINUTE_MS, f"{iso(one.slot_ms)} was run {late_ms} ms late"
    left = next(one for one in found if one.slot_ms == begun.slot_ms)
    assert (left.process, left.run_id) == (begun.process, begun.run_id), "nobody took its slot over"


def _goes_on(one: Slot, killed: Slot) -> bool:
    """The survivor took it; it may be skipped, as long as nobody knows that the other one is dead."""
    later = one.slot_ms > killed.slot_ms and one.process != killed.process
    return later and one.status in ("done", "skipped")


async def _all(slots: Slots) -> list[Slot]:
    page = await slots.page(SlotFilter(), now_ms=machine_ms(), page_size=500)
    return sorted(page.items, key=lambda one: one.slot_ms)


async def _until(slots: Slots, holds: Callable[[list[Slot]], bool]) -> list[Slot]:
    deadline = time.monotonic() + PATIENCE_SEC
    while not holds(found := await _all(slots)):
        assert time.monotonic() < deadline, [(iso(one.slot_ms), one.status, one.reason) for one in found]
        await asyncio.sleep(0.02)
    return found

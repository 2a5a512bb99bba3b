"""The schedule as people see it: on the command line, over HTTP, from the doctor, and what starts none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from litestar.testing import AsyncTestClient
from schedule_steps import MINUTE_MS, SLOT, free_port
from syrupy.assertion import SnapshotAssertion

from server.api import create_app
from server.cli.app import run_command
from server.database import Database, DatabaseAddress, upgrade
from server.instants import machine_ms
from server.overview.health import examine
from server.schedule.slots import ALIVE_MS, SlotKey, Slots
from server.settings import Settings, load_settings, variable

Command = Callable[..., tuple[int, list[str]]]
PROFILE = "scalper_micro"
RUN_ID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    url = f"sqlite:///{tmp_path / 'kept.db'}"
    monkeypatch.setenv("ENTRYGATE_DATABASE_URL", url)
    upgrade(DatabaseAddress.parse(url))
    return url


@pytest.fixture
async def slots(url: str) -> AsyncIterator[Slots]:
    database = Database.open(DatabaseAddress.parse(url))
    yield Slots(database)
    await database.close()


@pytest.fixture
async def entrygate(url: str, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Command]:
    def run(line: str) -> tuple[int, list[str]]:
        code = run_command(line.split())
        out, err = capsys.readouterr()
        return code, (out + err).splitlines()

    yield run
    structlog.reset_defaults()


async def kept(slots: Slots) -> None:
    """One slot of each kind that a service leaves behind."""
    now_ms = machine_ms() - 1_000
    common = {"every_ms": MINUTE_MS, "dry_run": True, "process": "gate-1:7"}

    async def taken(minute: int, at_ms: int) -> SlotKey:
        key = SlotKey("paper", PROFILE, 5, SLOT + minute * MINUTE_MS)
        await slots.take(key, run_id=RUN_ID, begun_at=key.slot_ms + 2_040, now_ms=at_ms, **common)
        return key

    await taken(0, now_ms - 2 * ALIVE_MS)
    first = await taken(1, now_ms)
    await taken(2, now_ms + 1)
    await slots.end(first, "done", None, now_ms + 2)
    missed = [SlotKey("paper", PROFILE, 5, SLOT + 3 * MINUTE_MS)]
    late = {"begun_at": SLOT + 4 * MINUTE_MS, "now_ms": now_ms + 3}
    await slots.missed(missed, "it was 2025-06-01T07:51:00Z before anybody could begin it", **late, **common)
    failed = await taken(4, now_ms + 4)
    await slots.end(failed, "failed", "profile: there is no profile 'scalper_mikro'", now_ms + 5)


async def test_the_command_word_by_word(slots: Slots, entrygate: Command, golden: SnapshotAssertion) -> None:
    lines = [
        "schedule",
        "schedule --status died",
        "schedule --from 2025-06-01T07:50:00Z --to 2025-06-01T07:50:00Z --json",
        "schedule --exchange bitmart",
        "schedule --status dead",
        "schedule --from yesterday",
    ]
    told = [{"command": "schedule", "says": (await asyncio.to_thread(entrygate, "schedule"))[1]}]
    await kept(slots)
    for line in lines:
        code, says = await asyncio.to_thread(entrygate, line)
        told.append({"command": line, "code": code, "says": [_same(one) for one in says]})
    assert told == golden


async def test_the_list_over_http(slots: Slots, url: str) -> None:
    await kept(slots)
    async with AsyncTestClient(create_app(load_settings()), raise_server_exceptions=False) as api:

        async def listed(**query: Any) -> list[str]:
            return [one["status"] for one in (await api.get("/api/schedule", params=query)).json()["items"]]

        assert await listed() == ["failed", "missed", "skipped", "done", "died"]
        assert await listed(status="DONE") == ["done"]
        assert await listed(page=2, page_size=4) == ["died"]
        assert await listed(profile="crash") == []
        assert await listed(exchange="paper", **{"from": "2025-06-01T07:50:00Z"}) == ["failed", "missed"]
        (done,) = (await api.get("/api/schedule", params={"status": "done"})).json()["items"]
        assert (done["run_id"], done["late_sec"], done["slot"]) == (RUN_ID, 2.04, "2025-06-01T07:48:00Z")
        refused = await api.get("/api/schedule", params={"status": "late"})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "status")


async def test_the_doctor_says_when_it_should_run_and_does_not(
    slots: Slots, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found() -> tuple[str, str]:
        (finding,) = [one for one in await examine(load_settings()) if one.name == "schedule"]
        return finding.level, finding.detail

    assert await found() == ("ok", "off; nothing runs by itself")
    monkeypatch.setenv("ENTRYGATE_EVERY", "1m")
    assert await found() == ("fail", f"ENTRYGATE_EVERY is set, and no process runs {PROFILE} on paper")
    await slots.watch("paper", PROFILE, "one", "every 1m, dry", machine_ms())
    assert await found() == ("ok", f"{PROFILE} on paper every 1m, dry, no slot yet")
    await kept(slots)
    level, told = await found()
    assert level == "warn"
    assert told.endswith("slot 2025-06-01T07:51:00Z failed: profile: there is no profile 'scalper_mikro'")
    await slots.watch("paper", PROFILE, "one", "every 1m, dry", machine_ms() - 2 * ALIVE_MS)
    level, told = await found()
    assert (level, told.partition(" until")[0]) == (
        "fail",
        f"the process has died that ran {PROFILE} on paper every 1m, dry",
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("serve --every 7m", "--every: expected a part of a day without remainder: 1m, 5m, 1h, 1d"),
        ("serve --every soon", "--every: expected a duration such as"),
        ("serve --live", "--live is for --every"),
        ("serve --profile crash", "--profile is for --every"),
        ("serve --every 1m --at 2025-06-01T07:46:00Z", "the schedule: the paper venue's clock stands at"),
        (
            "serve --every 1m --start 2025-06-01T07:46:00Z --profile scalper_mikro",
            "the schedule: there is no profile 'scalper_mikro'; did you mean 'scalper_micro'?",
        ),
    ],
)
async def test_a_schedule_that_could_not_be_kept_is_refused(entrygate: Command, line: str, says: str) -> None:
    code, told = await asyncio.to_thread(entrygate, f"{line} --port {free_port()}")
    assert (code, told[0][: len(says)]) == (2, says)


def _same(line: str) -> str:
    """Instants of this machine's clock differ from run to run."""
    return re.sub(r"(?<!-)\b20(?!25-06)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "(instant)", line)

"""A run is in the journal from its start, and one that died is told apart; older journals stay readable."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from journal_runs import MINUTE, SHORTS, record, shipped, verdicts
from sqlalchemy import create_engine, text

from server.database import Database, DatabaseAddress, pending, upgrade
from server.database.migration import _config  # pyright: ignore[reportPrivateUsage]
from server.journal import Journal, JournalError, RunError, RunFilter, RunRecord, RunStart, codec
from server.journal.journal import now_ms


def start_of(made: RunRecord) -> RunStart:
    """The run as it was when it began."""
    return RunStart(**{name: getattr(made, name) for name in RunStart.__dataclass_fields__})


def a_run(minute: int = 0, **more: Any) -> RunRecord:
    return record(shipped(), [verdicts(shipped(), SHORTS + minute * MINUTE)], **more)


async def statuses(journal: Journal, **wanted: Any) -> list[str]:
    return [run.status for run in (await journal.runs(RunFilter(**wanted))).items]


async def test_a_run_is_listed_from_its_start_to_its_end(journal: Journal) -> None:
    made = a_run()
    await journal.begin(start_of(made), now_ms() + 30_000)
    begun = (await journal.run(made.run_id)).to_json()
    assert (begun["status"], begun["finished_at"], begun["decisions"]) == ("running", None, [])
    assert await statuses(journal, status="interrupted") == []

    await journal.record(made)
    assert (await journal.run(made.run_id)).to_json() == await recorded_at_once(journal, made)
    assert await statuses(journal) == ["success", "success"]
    with pytest.raises(JournalError, match="already stored"):
        await journal.record(made)


async def recorded_at_once(journal: Journal, made: RunRecord) -> dict[str, Any]:
    """The same run without a start of its own."""
    other = a_run()
    await journal.record(other)
    return (await journal.run(other.run_id)).to_json() | {
        "run_id": made.run_id,
        "decisions": [d.to_json() for d in (await journal.run(made.run_id)).decisions],
    }


async def test_a_run_whose_process_is_gone_is_interrupted(journal: Journal) -> None:
    made = a_run()
    await journal.begin(start_of(made), now_ms() - 1)
    assert await statuses(journal) == ["interrupted"]
    assert await statuses(journal, status="interrupted") == ["interrupted"]
    assert await statuses(journal, status="running") == []

    await journal.still_running(made.run_id, now_ms() + 30_000)  # it was only slow
    assert await statuses(journal, status="running") == ["running"]
    assert await statuses(journal, status="interrupted") == []
    await journal.record(made)
    assert await statuses(journal) == ["success"]


async def test_a_run_that_cannot_go_on_says_why(journal: Journal) -> None:
    failed, stopped = a_run(0), a_run(1)
    for made in (failed, stopped):
        await journal.begin(start_of(made), now_ms() + 30_000)
    error = RunError(None, "run", "run_failed", "RunUnavailable: the venue did not answer")
    await journal.stopped(failed.run_id, failed.finished_at, error)
    await journal.stopped(stopped.run_id, stopped.finished_at)

    assert await statuses(journal) == ["interrupted", "error"]
    found = await journal.run(failed.run_id)
    assert (found.run.errors, found.run.summary.finished_at) == ((asdict(error),), failed.finished_at)


async def test_runs_are_filtered(journal: Journal) -> None:
    dry, live = a_run(0), a_run(1, dry_run=False, exchange="bitmart", status="partial_success")
    for made in (dry, live):
        await journal.record(made)

    async def ids(**wanted: Any) -> list[str]:
        return [run.run_id for run in (await journal.runs(RunFilter(**wanted))).items]

    assert await ids() == [live.run_id, dry.run_id]
    assert (
        await ids(dry_run=True) == await ids(exchange="paper") == await ids(status="success") == [dry.run_id]
    )
    assert await ids(dry_run=False) == await ids(exchange="bitmart") == [live.run_id]
    assert await ids(from_ms=SHORTS + 1) == await ids(status="partial_success") == [live.run_id]
    assert await ids(to_ms=SHORTS + 1, dry_run=False) == []


def block(value: object) -> tuple[bytes, bytes]:
    content = codec.document(value)
    return codec.digest(content), codec.compress(content)


ASKED = {"excluded": [{"symbol": "ADAUSDT", "reason": "blacklisted"}], "warnings": ["late"]}
OLD_ROWS: list[tuple[str, str, tuple[Any, ...]]] = [
    ("ruleset", "id, fingerprint, profile, first_seen, canonical", (1, "f", "scalper_micro", 1, b"")),
    ("block", "id, sha256, payload", (1, *block(ASKED))),
    ("block", "id, sha256, payload", (2, *block([]))),
    (
        "run",
        "id, run_id, as_of, started_at, finished_at, ruleset_id, mode, exchange, market_type, dry_run, actor,"
        " workers, status, ready, invalid, failed, request_id, errors_id",
        (1, "r", 9, 10, 11, 1, "pragmatic", "paper", "perpetual", True, "cli", 1, "success", 0, 0, 0, 1, 2),
    ),
]


async def test_an_older_journal_is_read_as_it_was(tmp_path: Path) -> None:
    """Brought from the schema before run history to this one, with a run in it."""
    address = DatabaseAddress.of_file(tmp_path / "old.db")
    engine = create_engine(address.sync_url)
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    with engine.begin() as connection:
        for table, columns, values in OLD_ROWS:
            names = ", ".join(f":{name}" for name in columns.split(", "))
            row = dict(zip(columns.split(", "), values, strict=True))
            connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({names})"), row)
    engine.dispose()

    assert pending(address)
    upgrade(address)
    database = Database.open(address)
    journal = Journal(database)
    (found,) = (await journal.runs()).items
    detail = await journal.run(found.run_id)
    await database.close()

    assert (found.status, found.finished_at, found.excluded, found.degraded) == ("success", 11, 0, False)
    assert detail.run.excluded == ({"symbol": "ADAUSDT", "reason": "blacklisted"},)
    assert (detail.run.warnings, detail.run.timings) == (("late",), {})

"""Everything that runs of a period did about one symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from server.database import tables as t
from server.journal import codec
from server.journal.answers import Decision, Json
from server.journal.journal import Journal, now_ms
from server.journal.reading import DecisionFilter, RunFilter, conditions_of, contents
from server.journal.writing import INTERRUPTED, RUNNING

MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class CourseRun:
    """A run of the period, whether it looked at the symbol or not."""

    run_id: str
    as_of: int
    profile: str
    status: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """Why a run did not look at the symbol."""

    reason: str
    details: Json


@dataclass(frozen=True, slots=True)
class Course:
    """Runs, earliest as-of instant first; of each at most one of a decision and an exclusion, by run id."""

    runs: tuple[CourseRun, ...]
    decisions: Mapping[str, Decision]
    excluded: Mapping[str, Excluded]


async def course_of(journal: Journal, symbol: str, wanted: RunFilter) -> Course:
    """The course of a symbol. Raises ``JournalError``."""
    return await journal.ask(lambda connection: _course(journal, connection, symbol, wanted))


async def newest_instant(journal: Journal, wanted: RunFilter) -> int | None:
    """The latest as-of instant of the runs that pass, ms UTC. Raises ``JournalError``."""
    query = select(func.max(t.run.c.as_of)).where(*conditions_of(wanted))
    return await journal.ask(lambda connection: connection.scalar(query))


async def count_runs(journal: Journal, wanted: RunFilter) -> int:
    """How many runs pass. Raises ``JournalError``."""
    query = select(func.count()).select_from(t.run).where(*conditions_of(wanted))
    return await journal.ask(lambda connection: connection.scalar(query)) or 0


def _course(journal: Journal, connection: Connection, symbol: str, wanted: RunFilter) -> Course:
    r, x = t.run.c, t.exclusion.c
    where, now = conditions_of(wanted), now_ms()
    query = select(r.run_id, r.as_of, t.ruleset.c.profile, r.status, r.alive_until)
    query = query.join(t.ruleset, t.ruleset.c.id == r.ruleset_id).where(*where).order_by(r.as_of, r.id)
    runs = tuple(
        CourseRun(run_id, as_of, profile, INTERRUPTED if status == RUNNING and (until or 0) < now else status)
        for run_id, as_of, profile, status, until in connection.execute(query)
    )
    number = select(t.symbol.c.id).where(t.symbol.c.name == symbol).scalar_subquery()
    left_out = select(r.run_id, x.reason, x.details_id).where(x.symbol_id == number, x.run_id == r.id, *where)
    rows = connection.execute(left_out).all()
    details = contents(connection, {row.details_id for row in rows}) if rows else {}
    said = {block: codec.read_document(content) for block, content in details.items()}
    excluded = {row.run_id: Excluded(row.reason, said[row.details_id]) for row in rows}
    asked = DecisionFilter(symbol, wanted.profile, from_ms=wanted.from_ms, to_ms=wanted.to_ms)
    found, _ = journal.reader.decisions(connection, asked, 0, MOST)
    known = {run.run_id for run in runs}
    return Course(runs, {d.run_id: d for d in found if d.run_id in known}, excluded)

"""The journal: what every run decided, why, and the facts it decided on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from engine.verdict import ProfileRules, VerdictBatch
from server.database import Database
from server.database import tables as t
from server.journal import codec
from server.journal.answers import Decision, Page, Restored, RunDetail, RunSummary, offset_of
from server.journal.columns import redecide, stored_timeframe
from server.journal.errors import JournalError, NoSuchDecision, NoSuchRun, NotRestorable
from server.journal.lookups import Lookup
from server.journal.outcome import Outcome
from server.journal.reading import DecisionFilter, Reader, RunFilter, contents
from server.journal.record import RunError, RunRecord, RunStart
from server.journal.walk_columns import WALK, stored_walk
from server.journal.writing import RUNNING, Writer, encode

T = TypeVar("T")

Stored = tuple[Decision, str, bytes, tuple[str, ...], list[tuple[str, bytes, bytes]]]
"""A decision, the mode and canonical ruleset of its run, the symbols of its batch, its timeframes' blocks."""

CompileProfile = Callable[[Mapping[str, Any]], ProfileRules]
"""From a canonical ruleset, as it was recorded, to rules that decide."""


class Journal:
    """Writes and reads the journal of one database, whose tables are there (``server.database.upgrade``)."""

    def __init__(self, database: Database) -> None:
        self.database = database
        symbols, outcomes = Lookup(t.symbol, ("name",)), Lookup(t.outcome, Outcome._fields)
        self._writer = Writer(symbols, outcomes)
        self.reader = Reader(symbols, outcomes)

    async def begin(self, start: RunStart, alive_until: int) -> None:
        """Stores that a run has begun; it counts as running until ``alive_until``, ms UTC of this machine.

        Raises ``JournalError``, ``ValueError`` as ``record`` does.
        """
        start.check()
        with _told(f"run {start.run_id} could not be stored"):
            stored = await self.database.change(lambda c: self._writer.begin(c, start, alive_until))
        self._writer.remember(stored)

    async def still_running(self, run_id: str, alive_until: int) -> None:
        """The run goes on. Raises ``JournalError``."""
        change = update(t.run).where(t.run.c.run_id == run_id, t.run.c.status == RUNNING)
        with _told(f"run {run_id} could not be stored"):
            await self.database.change(lambda c: c.execute(change.values(alive_until=alive_until)))

    async def stopped(self, run_id: str, at_ms: int, error: RunError | None = None) -> None:
        """A run that was begun comes to no end: by an error, or interrupted. Raises ``JournalError``."""
        with _told(f"run {run_id} could not be stored"):
            await self.database.change(lambda c: self._writer.stop(c, run_id, at_ms, error))

    async def record(self, record: RunRecord) -> None:
        """Stores a run: all of it, or nothing.

        Raises ``JournalError`` where it could not be stored, ``ValueError`` where it contradicts itself.
        """
        run = await asyncio.to_thread(encode, record)
        with _told(f"run {record.run_id} could not be stored"):
            stored = await self.database.change(lambda c: self._writer.write(c, record, run))
        self._writer.remember(stored)

    async def runs(
        self, wanted: RunFilter | None = None, *, page: int = 1, page_size: int = 50
    ) -> Page[RunSummary]:
        """Runs that pass the filter, newest begun first."""
        offset, asked = offset_of(page, page_size), wanted or RunFilter()
        items, total = await self.ask(lambda c: self.reader.runs(c, asked, now_ms(), offset, page_size))
        return Page(items, page, page_size, total)

    async def run(self, run_id: str) -> RunDetail:
        """A run with its decisions, in the order its symbols had. Raises ``NoSuchRun``."""

        def whole(connection: Connection) -> RunDetail:
            found = self.reader.run(connection, run_id, now_ms())
            if found is None:
                raise NoSuchRun(run_id)
            number, run = found
            order = [symbol for _, symbols in parts_of(connection, number) for symbol in symbols]
            places = {symbol: place for place, symbol in enumerate(order)}
            decisions = self.reader.of_runs(connection, [number])
            ordered = sorted(decisions, key=lambda d: (places.get(d.symbol, len(places)), d.symbol))
            return RunDetail(run, tuple(ordered))

        return await self.ask(whole)

    async def decisions(
        self, wanted: DecisionFilter | None = None, *, page: int = 1, page_size: int = 50
    ) -> Page[Decision]:
        """Decisions that pass the filter, newest recorded first."""
        offset, asked = offset_of(page, page_size), wanted or DecisionFilter()
        items, total = await self.ask(lambda c: self.reader.decisions(c, asked, offset, page_size))
        return Page(items, page, page_size, total)

    async def decision(self, decision_id: str) -> Decision:
        """One decision by its id, ``<run_id>.<SYMBOL>``. Raises ``NoSuchDecision``."""
        return await self.ask(lambda connection: self._decision(connection, decision_id))

    async def restored(self, decision_id: str, compile_profile: CompileProfile) -> Restored:
        """The decision, decided again on the facts and by the rules that were stored with it.

        Raises ``NoSuchDecision``; ``NotRestorable`` where the symbol failed before there was a verdict, or
        where this version does not come to the same outcomes.
        """
        run_id, _, symbol = decision_id.partition(".")

        def stored(connection: Connection) -> Stored:
            decision = self._decision(connection, decision_id)
            if decision.status == "ERROR":
                raise NotRestorable(f"{decision_id} failed with {decision.reason} before there was a verdict")
            query = select(t.run.c.id, t.run.c.mode, t.ruleset.c.canonical)
            query = query.join(t.ruleset, t.ruleset.c.id == t.run.c.ruleset_id)
            number, mode, canonical = connection.execute(query.where(t.run.c.run_id == run_id)).one()
            part, symbols = next((p, s) for p, s in parts_of(connection, number) if symbol in s)
            return decision, mode, canonical, symbols, _timeframes(connection, number, part)

        decision, mode, canonical, symbols, timeframes = await self.ask(stored)

        def again() -> VerdictBatch:
            rules = compile_profile(codec.read_document(codec.expand(canonical)))
            walk = next((content for content in timeframes if content[0] == WALK), None)
            stored = [stored_timeframe(*content) for content in timeframes if content is not walk]
            selector = None if walk is None else stored_walk(walk[1], walk[2], len(symbols))
            return redecide(rules, symbols, decision.as_of, mode, stored, selector)

        batch = await asyncio.to_thread(again)
        row = symbols.index(symbol)
        verdict = batch.verdict(row)
        now = (
            verdict.status,
            verdict.side,
            verdict.execution_timeframe,
            verdict.reason,
            verdict.blocking_timeframe,
        )
        then = (
            decision.status,
            decision.side,
            decision.execution_timeframe,
            decision.reason,
            decision.blocking_timeframe,
        )
        if now != then:
            raise NotRestorable(f"{decision_id} was stored as {then} and would now be {now}")
        return Restored(decision, batch, row)

    def _decision(self, connection: Connection, decision_id: str) -> Decision:
        run_id, _, symbol = decision_id.partition(".")
        found = self.reader.decision(connection, run_id, symbol)
        if found is None:
            raise NoSuchDecision(decision_id)
        return found

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """What a function reads of the journal's tables. Raises ``JournalError``."""
        with _told("the journal cannot be read"):
            return await self.database.ask(question)


@contextmanager
def _told(what: str) -> Generator[None]:
    """A database that fails becomes a ``JournalError``."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).strip()
        raise JournalError(f"{what}: {cause}") from error


def now_ms() -> int:
    """By the clock of this machine."""
    return time.time_ns() // 1_000_000


def parts_of(connection: Connection, run: int) -> list[tuple[int, tuple[str, ...]]]:
    """The batches of a run with their symbols."""
    query = select(t.run_part.c.part, t.run_part.c.symbols_id).where(t.run_part.c.run_id == run)
    rows = connection.execute(query.order_by(t.run_part.c.part)).all()
    found = contents(connection, [block for _, block in rows])
    return [(part, tuple(codec.read_document(found[block]))) for part, block in rows]


def _timeframes(connection: Connection, run: int, part: int) -> list[tuple[str, bytes, bytes]]:
    columns = t.run_block.c
    query = select(columns.timeframe, columns.layout_id, columns.columns_id)
    query = query.where(columns.run_id == run, columns.part == part)
    rows = connection.execute(query).all()
    found = contents(connection, [block for _, *blocks in rows for block in blocks])
    return [(timeframe, found[layout], found[values]) for timeframe, layout, values in rows]

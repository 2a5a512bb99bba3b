"""The journal: what every run decided, why, and the facts it decided on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.verdict import ProfileRules, VerdictBatch
from server.database import Database
from server.database import tables as t
from server.journal import codec
from server.journal.answers import Decision, Page, Restored, RunDetail, RunSummary, offset_of
from server.journal.columns import redecide, stored_timeframe
from server.journal.errors import JournalError, NoSuchDecision, NoSuchRun, NotRestorable
from server.journal.lookups import Lookup
from server.journal.outcome import Outcome
from server.journal.reading import DecisionFilter, Reader, contents
from server.journal.record import RunRecord
from server.journal.writing import Writer, encode

CompileProfile = Callable[[Mapping[str, Any]], ProfileRules]
"""From a canonical ruleset, as it was recorded, to rules that decide."""


class Journal:
    """Writes and reads the journal of one database, whose tables are there (``server.database.upgrade``)."""

    def __init__(self, database: Database) -> None:
        self.database = database
        symbols, outcomes = Lookup(t.symbol, ("name",)), Lookup(t.outcome, Outcome._fields)
        self._writer = Writer(symbols, outcomes)
        self._reader = Reader(symbols, outcomes)

    async def record(self, record: RunRecord) -> None:
        """Stores a run: all of it, or nothing.

        Raises ``JournalError`` where it could not be stored, ``ValueError`` where it contradicts itself.
        """
        run = await asyncio.to_thread(encode, record)
        try:
            async with self.database.write() as connection:
                stored = await self._writer.write(connection, record, run)
        except (SQLAlchemyError, OSError) as error:
            raise JournalError(f"run {record.run_id} could not be stored: {_cause(error)}") from error
        self._writer.remember(stored)

    async def runs(
        self, *, profile: str | None = None, page: int = 1, page_size: int = 50
    ) -> Page[RunSummary]:
        """Runs, newest recorded first."""
        offset = offset_of(page, page_size)
        async with self._reading() as connection:
            items, total = await self._reader.runs(connection, profile, offset, page_size)
        return Page(items, page, page_size, total)

    async def run(self, run_id: str) -> RunDetail:
        """A run with its decisions, in the order its symbols had. Raises ``NoSuchRun``."""
        async with self._reading() as connection:
            found = await self._reader.run(connection, run_id)
            if found is None:
                raise NoSuchRun(run_id)
            summary, number, request, errors = found
            decisions = await self._reader.of_runs(connection, [number])
            order = [symbol for _, symbols in await _parts(connection, number) for symbol in symbols]
        places = {symbol: place for place, symbol in enumerate(order)}
        ordered = sorted(decisions, key=lambda d: (places.get(d.symbol, len(places)), d.symbol))
        return RunDetail(summary, request, tuple(errors), tuple(ordered))

    async def decisions(
        self, wanted: DecisionFilter | None = None, *, page: int = 1, page_size: int = 50
    ) -> Page[Decision]:
        """Decisions that pass the filter, newest recorded first."""
        offset = offset_of(page, page_size)
        async with self._reading() as connection:
            items, total = await self._reader.decisions(
                connection, wanted or DecisionFilter(), offset, page_size
            )
        return Page(items, page, page_size, total)

    async def decision(self, decision_id: str) -> Decision:
        """One decision by its id, ``<run_id>.<SYMBOL>``. Raises ``NoSuchDecision``."""
        async with self._reading() as connection:
            return await self._decision(connection, decision_id)

    async def restored(self, decision_id: str, compile_profile: CompileProfile) -> Restored:
        """The decision, decided again on the facts and by the rules that were stored with it.

        Raises ``NoSuchDecision``; ``NotRestorable`` where the symbol failed before there was a verdict, or
        where this version does not come to the same outcomes.
        """
        run_id, _, symbol = decision_id.partition(".")
        async with self._reading() as connection:
            decision = await self._decision(connection, decision_id)
            if decision.status == "ERROR":
                raise NotRestorable(f"{decision_id} failed with {decision.reason} before there was a verdict")
            query = select(t.run.c.id, t.run.c.mode, t.ruleset.c.canonical)
            query = query.join(t.ruleset, t.ruleset.c.id == t.run.c.ruleset_id).where(
                t.run.c.run_id == run_id
            )
            number, mode, canonical = (await connection.execute(query)).one()
            parts = await _parts(connection, number)
            part, symbols = next((part, symbols) for part, symbols in parts if symbol in symbols)
            timeframes = await _timeframes(connection, number, part)

        def again() -> VerdictBatch:
            rules = compile_profile(codec.read_document(codec.expand(canonical)))
            return redecide(
                rules, symbols, decision.as_of, mode, [stored_timeframe(*stored) for stored in timeframes]
            )

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

    async def _decision(self, connection: AsyncConnection, decision_id: str) -> Decision:
        run_id, _, symbol = decision_id.partition(".")
        found = await self._reader.decision(connection, run_id, symbol)
        if found is None:
            raise NoSuchDecision(decision_id)
        return found

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with self.database.read() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise JournalError(f"the journal cannot be read: {_cause(error)}") from error


async def _parts(connection: AsyncConnection, run: int) -> list[tuple[int, tuple[str, ...]]]:
    query = select(t.run_part.c.part, t.run_part.c.symbols_id).where(t.run_part.c.run_id == run)
    rows = (await connection.execute(query.order_by(t.run_part.c.part))).all()
    found = await contents(connection, [block for _, block in rows])
    return [(part, tuple(codec.read_document(found[block]))) for part, block in rows]


async def _timeframes(connection: AsyncConnection, run: int, part: int) -> list[tuple[str, bytes, bytes]]:
    columns = t.run_block.c
    query = select(columns.timeframe, columns.layout_id, columns.columns_id)
    query = query.where(columns.run_id == run, columns.part == part)
    rows = (await connection.execute(query)).all()
    found = await contents(connection, [block for _, *blocks in rows for block in blocks])
    return [(timeframe, found[layout], found[values]) for timeframe, layout, values in rows]


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip()

"""Lists of runs and decisions. Newest recorded first; what is asked for is found through an index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import tables as t
from server.journal import codec
from server.journal.answers import Decision, Json, RunSummary
from server.journal.lookups import Names
from server.journal.vocabulary import SIDES, STATUSES, TIMEFRAMES, DecisionStatus, code_of

Condition = ColumnElement[bool]

_RUN = (
    t.run.c.run_id,
    t.run.c.as_of,
    t.run.c.started_at,
    t.run.c.finished_at,
    t.ruleset.c.profile,
    t.ruleset.c.fingerprint,
    t.run.c.mode,
    t.run.c.exchange,
    t.run.c.market_type,
    t.run.c.dry_run,
    t.run.c.actor,
    t.run.c.workers,
    t.run.c.status,
    t.run.c.ready,
    t.run.c.invalid,
    t.run.c.failed,
)
_RUNS = t.run.join(t.ruleset, t.ruleset.c.id == t.run.c.ruleset_id)

_READY = STATUSES.index("READY")
_TRADE = and_(
    t.trade_decision.c.symbol_id == t.decision.c.symbol_id,
    t.trade_decision.c.run_id == t.decision.c.run_id,
)
_DECISIONS = (
    t.decision.join(t.run, t.run.c.id == t.decision.c.run_id)
    .join(t.ruleset, t.ruleset.c.id == t.run.c.ruleset_id)
    .outerjoin(t.trade_decision, and_(t.decision.c.status == _READY, _TRADE))
)
_DECISION = (
    t.decision.c.symbol_id,
    t.decision.c.status,
    t.decision.c.side,
    t.decision.c.execution_timeframe,
    t.decision.c.reason_id,
    t.decision.c.blocking_timeframe,
    t.run.c.run_id,
    t.run.c.as_of,
    t.ruleset.c.profile,
    t.ruleset.c.fingerprint,
    t.trade_decision.c.payload,
)
_DecisionRow = tuple[
    int, int, int | None, int | None, int | None, int | None, str, int, str, str, bytes | None
]
_COUNTED = {"READY": t.run.c.ready, "INVALID": t.run.c.invalid, "ERROR": t.run.c.failed}


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Every part that is given must hold. ``from_ms`` is the first as-of instant and ``to_ms`` the first
    after the last. ``reason`` is a symbol's own reason, or one of its trade entry (also ``blocked_by``).
    """

    symbol: str | None = None
    profile: str | None = None
    status: DecisionStatus | None = None
    reason: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads through a connection that the caller opened."""

    symbols: Names
    reasons: Names

    async def runs(
        self, connection: AsyncConnection, profile: str | None, offset: int, limit: int
    ) -> tuple[tuple[RunSummary, ...], int]:
        """A slice of the runs, and how many there are."""
        where = [] if profile is None else [t.ruleset.c.profile == profile]
        total = await connection.scalar(select(func.count()).select_from(_RUNS).where(*where))
        query = select(*_RUN).select_from(_RUNS).where(*where).order_by(t.run.c.id.desc())
        rows = await connection.execute(query.limit(limit).offset(offset))
        return tuple(RunSummary(*row) for row in rows), total or 0

    async def run(
        self, connection: AsyncConnection, run_id: str
    ) -> tuple[RunSummary, int, Json, list[Json]] | None:
        """A run with its row number, its request and its errors."""
        query = select(t.run.c.id, t.run.c.request_id, t.run.c.errors_id, *_RUN).select_from(_RUNS)
        row = (await connection.execute(query.where(t.run.c.run_id == run_id))).one_or_none()
        if row is None:
            return None
        number, request, errors, *summary = row
        found = await contents(connection, [request, errors])
        return (
            RunSummary(*summary),
            number,
            codec.read_document(found[request]),
            codec.read_document(found[errors]),
        )

    async def of_run(self, connection: AsyncConnection, number: int) -> tuple[Decision, ...]:
        """Every decision of a run."""
        query = select(*_DECISION).select_from(_DECISIONS).where(t.decision.c.run_id == number)
        return await self._read(connection, query)

    async def decision(self, connection: AsyncConnection, run_id: str, symbol: str) -> Decision | None:
        """One decision."""
        number = await self.symbols.find(connection, symbol)
        run = await connection.scalar(select(t.run.c.id).where(t.run.c.run_id == run_id))
        if number is None or run is None:
            return None
        where = (t.decision.c.symbol_id == number, t.decision.c.run_id == run)
        found = await self._read(connection, select(*_DECISION).select_from(_DECISIONS).where(*where))
        return found[0] if found else None

    async def decisions(
        self, connection: AsyncConnection, wanted: DecisionFilter, offset: int, limit: int
    ) -> tuple[tuple[Decision, ...], int]:
        """A slice of the decisions that pass the filter, and how many there are."""
        runs = _run_conditions(wanted)
        rows = await self._row_conditions(connection, wanted)
        if rows is None:
            return (), 0
        if wanted.from_ms is not None or wanted.to_ms is not None:
            # Bounds on the run's number let the decisions' own index skip what is outside the period.
            ends = select(func.min(t.run.c.id), func.max(t.run.c.id)).select_from(_RUNS).where(*runs)
            first, last = (await connection.execute(ends)).one()
            if first is None:
                return (), 0
            rows = [*rows, t.decision.c.run_id.between(first, last)]
        if wanted.symbol is None and wanted.reason is None:
            counted = t.run.c.ready + t.run.c.invalid + t.run.c.failed
            column = counted if wanted.status is None else _COUNTED[wanted.status]
            count = select(func.coalesce(func.sum(column), 0)).select_from(_RUNS).where(*runs)
        else:
            count = select(func.count()).select_from(_DECISIONS).where(*runs, *rows)
        total = int(await connection.scalar(count) or 0)
        query = (
            select(*_DECISION)
            .select_from(_DECISIONS)
            .where(*runs, *rows)
            .order_by(t.decision.c.run_id.desc(), t.decision.c.symbol_id)
            .limit(limit)
            .offset(offset)
        )
        return (await self._read(connection, query) if offset < total else ()), total

    async def _row_conditions(
        self, connection: AsyncConnection, wanted: DecisionFilter
    ) -> list[Condition] | None:
        """Conditions on the decision's own row; ``None`` where nothing can pass."""
        conditions: list[Condition] = []
        if wanted.symbol is not None:
            symbol = await self.symbols.find(connection, wanted.symbol)
            if symbol is None:
                return None
            conditions.append(t.decision.c.symbol_id == symbol)
        if wanted.status is not None:
            conditions.append(t.decision.c.status == code_of(STATUSES, wanted.status))
            if wanted.status == "READY":
                # True of every READY row, and what the index on reasons finds them by.
                conditions.append(t.decision.c.reason_id.is_(None))
        if wanted.reason is not None:
            reason = await self.reasons.find(connection, wanted.reason)
            if reason is None:
                return None
            own = t.decision.c.reason_id == reason
            trade = or_(t.trade_decision.c.reason_id == reason, t.trade_decision.c.blocked_by_id == reason)
            # A code belongs to one stage. Asking which keeps an "or" over two tables out of the query.
            stages = [
                condition
                for table, condition in ((t.decision, own), (t.trade_decision, trade))
                if await connection.scalar(select(1).select_from(table).where(condition).limit(1))
            ]
            if not stages:
                return None
            conditions.append(or_(*stages))
        return conditions

    async def _read(
        self, connection: AsyncConnection, query: Select[*tuple[Any, ...]]
    ) -> tuple[Decision, ...]:
        rows = [cast(_DecisionRow, tuple(row)) for row in await connection.execute(query)]
        symbols = await self.symbols.names(connection, {row[0] for row in rows})
        reasons = await self.reasons.names(connection, {row[4] for row in rows})

        def made(row: _DecisionRow) -> Decision:
            symbol, status, side, timeframe, reason, blocking = row[:6]
            payload = row[10]
            return Decision(
                *row[6:10],
                symbols[symbol],
                STATUSES[status],
                None if side is None else SIDES[side],
                None if timeframe is None else TIMEFRAMES[timeframe],
                None if reason is None else reasons[reason],
                None if blocking is None else TIMEFRAMES[blocking],
                None if payload is None else codec.read_document(codec.expand(payload)),
            )

        return tuple([made(row) for row in rows])


def _run_conditions(wanted: DecisionFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if wanted.profile is not None:
        conditions.append(t.ruleset.c.profile == wanted.profile)
    if wanted.from_ms is not None:
        conditions.append(t.run.c.as_of >= wanted.from_ms)
    if wanted.to_ms is not None:
        conditions.append(t.run.c.as_of < wanted.to_ms)
    return conditions


async def contents(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, bytes]:
    """What blocks contain. Raises ``JournalError`` for one that is damaged."""
    query = select(t.block.c.id, t.block.c.sha256, t.block.c.payload).where(t.block.c.id.in_(set(numbers)))
    return {
        number: codec.read_block(key, payload) for number, key, payload in await connection.execute(query)
    }

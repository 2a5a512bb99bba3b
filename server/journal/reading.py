"""Lists of runs and decisions. Newest recorded first; what is asked for is found through an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy import ColumnElement, case, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import tables as t
from server.journal import codec
from server.journal.answers import Decision, Json, RunSummary
from server.journal.lookups import Lookup
from server.journal.outcome import DecisionStatus, Outcome

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

_PAYLOAD = (
    select(t.trade_decision.c.payload)
    .where(
        t.trade_decision.c.symbol_id == t.decision.c.symbol_id,
        t.trade_decision.c.run_id == t.decision.c.run_id,
    )
    .scalar_subquery()
)
_READY = select(t.outcome.c.id).where(t.outcome.c.status == "READY")
_DECISION = (
    t.decision.c.symbol_id,
    t.decision.c.run_id,
    t.decision.c.outcome_id,
    case((t.decision.c.outcome_id.in_(_READY), _PAYLOAD)),  # looked up for the few that can have one
)
_DecisionRow = tuple[int, int, int, bytes | None]

RunHead = tuple[str, int, str, str]
"""What a decision says of its run: id, as-of instant, profile, fingerprint. It never changes."""

HEADS_KEPT = 50_000
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


@dataclass(slots=True)
class Reader:
    """Reads through a connection that the caller opened."""

    symbols: Lookup
    outcomes: Lookup
    _heads: dict[int, RunHead] = field(default_factory=dict[int, RunHead])

    async def runs(
        self, connection: AsyncConnection, profile: str | None, offset: int, limit: int
    ) -> tuple[tuple[RunSummary, ...], int]:
        """A slice of the runs, and how many there are."""
        where = _run_conditions(DecisionFilter(profile=profile))
        total = await connection.scalar(select(func.count()).select_from(t.run).where(*where))
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

    async def of_runs(
        self, connection: AsyncConnection, numbers: Sequence[int], status: DecisionStatus | None = None
    ) -> tuple[Decision, ...]:
        """Every decision of some runs, newest run first."""
        every = t.decision.c.symbol_id.in_(select(t.symbol.c.id))
        where: list[Condition] = [t.decision.c.run_id.in_(numbers), every]
        if status is not None:
            where.append(await self._of_outcome(connection, lambda outcome: outcome.status == status))
        return await self._read(connection, where)

    async def decision(self, connection: AsyncConnection, run_id: str, symbol: str) -> Decision | None:
        """One decision."""
        number = await self.symbols.find(connection, (symbol,))
        run = await connection.scalar(select(t.run.c.id).where(t.run.c.run_id == run_id))
        if number is None or run is None:
            return None
        found = await self._read(connection, [t.decision.c.symbol_id == number, t.decision.c.run_id == run])
        return found[0] if found else None

    async def decisions(
        self, connection: AsyncConnection, wanted: DecisionFilter, offset: int, limit: int
    ) -> tuple[tuple[Decision, ...], int]:
        """A slice of the decisions that pass the filter, and how many there are."""
        if wanted.symbol is None and wanted.reason is None:
            return await self._by_run(connection, wanted, offset, limit)
        where = await self._row_conditions(connection, wanted)
        if where is None:
            return (), 0
        if of_runs := _run_conditions(wanted):
            where.append(t.decision.c.run_id.in_(select(t.run.c.id).where(*of_runs)))
        if runs := _period_conditions(wanted):
            # Bounds on the run's number let the decisions' own index skip what is outside the period.
            first, last = (select(end(t.run.c.id)).where(*runs) for end in (func.min, func.max))
            where.append(t.decision.c.run_id.between(first.scalar_subquery(), last.scalar_subquery()))
        found = await self._read(connection, where, offset, limit + 1)
        if found and len(found) <= limit:
            return found, offset + len(found)
        count = select(func.count()).select_from(t.decision).where(*where)
        return found[:limit], int(await connection.scalar(count) or 0)

    async def _by_run(
        self, connection: AsyncConnection, wanted: DecisionFilter, offset: int, limit: int
    ) -> tuple[tuple[Decision, ...], int]:
        """Without a symbol or a reason, what each run counted says where a page begins."""
        counted = t.run.c.ready + t.run.c.invalid + t.run.c.failed
        own = counted if wanted.status is None else _COUNTED[wanted.status]
        where = _run_conditions(wanted)
        total = int(await connection.scalar(select(func.sum(own)).where(*where)) or 0)
        upto = func.sum(own).over(order_by=t.run.c.id.desc())
        sums = select(t.run.c.id, (upto - own).label("before"), upto.label("upto")).where(*where).subquery()
        page = select(sums.c.id, sums.c.before).where(sums.c.upto > offset, sums.c.before < offset + limit)
        runs = (await connection.execute(page.order_by(sums.c.before))).all()
        if not runs:
            return (), total
        found = await self.of_runs(connection, [run.id for run in runs], wanted.status)
        start = offset - int(runs[0].before)
        return found[start : start + limit], total

    async def _row_conditions(
        self, connection: AsyncConnection, wanted: DecisionFilter
    ) -> list[Condition] | None:
        """Conditions on the decision's own row; ``None`` where nothing can pass."""
        conditions: list[Condition] = []
        if (status := wanted.status) is not None:
            conditions.append(await self._of_outcome(connection, lambda outcome: outcome.status == status))
        if wanted.symbol is not None:
            symbol = await self.symbols.find(connection, (wanted.symbol,))
            if symbol is None:
                return None
            conditions.append(t.decision.c.symbol_id == symbol)
        if wanted.reason is not None:
            reason = await self._reason_condition(connection, wanted.reason)
            if reason is None:
                return None
            conditions.append(reason)
        return conditions

    async def _of_outcome(self, connection: AsyncConnection, wanted: Callable[[Outcome], bool]) -> Condition:
        keys = await self.outcomes.load(connection)
        return t.decision.c.outcome_id.in_([n for n, key in keys.items() if wanted(Outcome.of(key))])

    async def _reason_condition(self, connection: AsyncConnection, reason: str) -> Condition | None:
        """A code belongs to one stage; asking which keeps an "or" over two tables out of the query."""
        keys = await self.outcomes.load(connection)
        outcomes = [number for number, key in keys.items() if Outcome.of(key).reason == reason]
        own = t.decision.c.outcome_id.in_(outcomes)
        trade = or_(t.trade_decision.c.reason == reason, t.trade_decision.c.blocked_by == reason)
        if not await connection.scalar(select(1).select_from(t.trade_decision).where(trade).limit(1)):
            return own if outcomes else None
        traded = tuple_(t.decision.c.symbol_id, t.decision.c.run_id).in_(
            select(t.trade_decision.c.symbol_id, t.trade_decision.c.run_id).where(trade)
        )
        return or_(own, traded) if outcomes else traded

    async def _read(
        self,
        connection: AsyncConnection,
        where: Sequence[Condition],
        offset: int | None = None,
        limit: int | None = None,
    ) -> tuple[Decision, ...]:
        query = select(*_DECISION).where(*where)
        query = query.order_by(t.decision.c.run_id.desc(), t.decision.c.symbol_id).offset(offset).limit(limit)
        rows = cast("Sequence[_DecisionRow]", (await connection.execute(query)).all())
        symbols = await self.symbols.keys(connection, {row[0] for row in rows})
        numbers = {row[2] for row in rows}
        keys = await self.outcomes.keys(connection, numbers)
        outcomes = {number: Outcome.of(keys[number]) for number in numbers}
        heads = await self._run_heads(connection, {row[1] for row in rows})
        said = {(s, o): (symbols[s][0], *outcomes[o]) for s, o in {(row[0], row[2]) for row in rows}}
        make = Decision._make
        return tuple(
            [
                make((*heads[run], *said[symbol, outcome], trade and _trade(trade)))
                for symbol, run, outcome, trade in rows
            ]
        )

    async def _run_heads(self, connection: AsyncConnection, numbers: set[int]) -> Mapping[int, RunHead]:
        """At least the heads of these runs; those of neighbours are read with them."""
        missing = sorted(numbers - self._heads.keys())
        if len(self._heads) > HEADS_KEPT:
            self._heads, missing = {}, sorted(numbers)
        c = t.run.c
        query = select(c.id, c.run_id, c.as_of, t.ruleset.c.profile, t.ruleset.c.fingerprint)
        for start in range(0, len(missing), 500):
            some = missing[start : start + 500]
            near = some[-1] - some[0] < 2 * len(some)
            which = c.id.between(some[0], some[-1]) if near else c.id.in_(some)
            rows = await connection.execute(query.select_from(_RUNS).where(which))
            self._heads.update({number: (*head,) for number, *head in rows})
        return self._heads


def _run_conditions(wanted: DecisionFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if wanted.profile is not None:
        of_profile = select(t.ruleset.c.id).where(t.ruleset.c.profile == wanted.profile)
        conditions.append(t.run.c.ruleset_id.in_(of_profile))
    return conditions + _period_conditions(wanted)


def _period_conditions(wanted: DecisionFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if wanted.from_ms is not None:
        conditions.append(t.run.c.as_of >= wanted.from_ms)
    if wanted.to_ms is not None:
        conditions.append(t.run.c.as_of < wanted.to_ms)
    return conditions


def _trade(payload: bytes) -> Json:
    """A trade-entry decision as it was handed in."""
    return codec.read_document(codec.expand(payload))


async def contents(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, bytes]:
    """What blocks contain. Raises ``JournalError`` for one that is damaged."""
    query = select(t.block.c.id, t.block.c.sha256, t.block.c.payload).where(t.block.c.id.in_(set(numbers)))
    return {
        number: codec.read_block(key, payload) for number, key, payload in await connection.execute(query)
    }

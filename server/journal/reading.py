"""Lists of runs and decisions. Newest recorded first; what is asked for is found through an index."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, or_, select, tuple_

from server.database import tables as t
from server.journal import codec
from server.journal.answers import Decision, Json, RunSummary, StoredRun
from server.journal.lookups import Lookup
from server.journal.outcome import DecisionStatus, Outcome
from server.journal.writing import INTERRUPTED, RUNNING

Condition = ColumnElement[bool]

_RUN = (
    t.run.c.id,
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
    t.run.c.excluded,
    t.run.c.degraded,
    t.run.c.alive_until,
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

RunStatusName = Literal["running", "success", "partial_success", "error", "interrupted"]
"""Of a stored run. ``interrupted``: it was stopped, or its process was gone before its end."""

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


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Every part that is given must hold; instants as in `DecisionFilter`."""

    profile: str | None = None
    exchange: str | None = None
    status: RunStatusName | None = None
    dry_run: bool | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(slots=True)
class Reader:
    """Reads through a connection that the caller opened."""

    symbols: Lookup
    outcomes: Lookup
    _heads: dict[int, RunHead] = field(default_factory=dict[int, RunHead])

    def runs(
        self, connection: Connection, wanted: RunFilter, now_ms: int, offset: int, limit: int
    ) -> tuple[tuple[RunSummary, ...], int]:
        """A slice of the runs that pass the filter, newest begun first, and how many pass."""
        where = _wanted_runs(wanted, now_ms)
        total = connection.scalar(select(func.count()).select_from(t.run).where(*where))
        query = select(*_RUN).select_from(_RUNS).where(*where).order_by(t.run.c.id.desc())
        rows = connection.execute(query.limit(limit).offset(offset)).all()
        return tuple(_summary(row, now_ms) for row in rows), total or 0

    def run(self, connection: Connection, run_id: str, now_ms: int) -> tuple[int, StoredRun] | None:
        """A run with its row number and everything but its decisions."""
        more = (t.run.c.request_id, t.run.c.errors_id, t.run.c.warnings_id, t.run.c.timings)
        query = select(*_RUN, *more).select_from(_RUNS).where(t.run.c.run_id == run_id)
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        *_, request, errors, warnings, timings = row
        found = contents(connection, [block for block in (request, errors, warnings) if block is not None])
        asked: Json = codec.read_document(found[request])
        excluded = self._excluded(connection, row.id)
        return row.id, StoredRun(
            _summary(row, now_ms),
            asked,
            tuple(codec.read_document(found[errors])),
            # What was recorded before these had a place of their own has them in its request.
            tuple(excluded or asked.get("excluded", ())),
            tuple(asked.get("warnings", ()) if warnings is None else codec.read_document(found[warnings])),
            {} if timings is None else {stage: us / 1e6 for stage, us in json.loads(timings).items()},
        )

    def _excluded(self, connection: Connection, run: int) -> list[Json]:
        """The symbols that a run left out, in alphabetical order."""
        c = t.exclusion.c
        every = c.symbol_id.in_(select(t.symbol.c.id))
        query = select(t.symbol.c.name, c.reason, c.details_id).where(every, c.run_id == run)
        query = query.where(t.symbol.c.id == c.symbol_id).order_by(t.symbol.c.name)
        rows = connection.execute(query).all()
        details = contents(connection, [row.details_id for row in rows]) if rows else {}
        return [
            {"symbol": row.name, "reason": row.reason, **codec.read_document(details[row.details_id])}
            for row in rows
        ]

    def of_runs(
        self, connection: Connection, numbers: Sequence[int], status: DecisionStatus | None = None
    ) -> tuple[Decision, ...]:
        """Every decision of some runs, newest run first."""
        every = t.decision.c.symbol_id.in_(select(t.symbol.c.id))
        where: list[Condition] = [t.decision.c.run_id.in_(numbers), every]
        if status is not None:
            where.append(self._of_outcome(connection, lambda outcome: outcome.status == status))
        return self._read(connection, where)

    def decision(self, connection: Connection, run_id: str, symbol: str) -> Decision | None:
        """One decision."""
        number = self.symbols.find(connection, (symbol,))
        run = connection.scalar(select(t.run.c.id).where(t.run.c.run_id == run_id))
        if number is None or run is None:
            return None
        found = self._read(connection, [t.decision.c.symbol_id == number, t.decision.c.run_id == run])
        return found[0] if found else None

    def decisions(
        self, connection: Connection, wanted: DecisionFilter, offset: int, limit: int
    ) -> tuple[tuple[Decision, ...], int]:
        """A slice of the decisions that pass the filter, and how many there are."""
        if wanted.symbol is None and wanted.reason is None:
            return self._by_run(connection, wanted, offset, limit)
        where = self._row_conditions(connection, wanted)
        if where is None:
            return (), 0
        if of_runs := _run_conditions(wanted):
            where.append(t.decision.c.run_id.in_(select(t.run.c.id).where(*of_runs)))
        if runs := _period_conditions(wanted):
            # Bounds on the run's number let the decisions' own index skip what is outside the period.
            first, last = (select(end(t.run.c.id)).where(*runs) for end in (func.min, func.max))
            where.append(t.decision.c.run_id.between(first.scalar_subquery(), last.scalar_subquery()))
        found = self._read(connection, where, offset, limit + 1)
        if found and len(found) <= limit:
            return found, offset + len(found)
        count = select(func.count()).select_from(t.decision).where(*where)
        return found[:limit], int(connection.scalar(count) or 0)

    def _by_run(
        self, connection: Connection, wanted: DecisionFilter, offset: int, limit: int
    ) -> tuple[tuple[Decision, ...], int]:
        """Without a symbol or a reason, what each run counted says where a page begins."""
        counted = t.run.c.ready + t.run.c.invalid + t.run.c.failed
        own = counted if wanted.status is None else _COUNTED[wanted.status]
        where = _run_conditions(wanted)
        total = int(connection.scalar(select(func.sum(own)).where(*where)) or 0)
        upto = func.sum(own).over(order_by=t.run.c.id.desc())
        sums = select(t.run.c.id, (upto - own).label("before"), upto.label("upto")).where(*where).subquery()
        page = select(sums.c.id, sums.c.before).where(sums.c.upto > offset, sums.c.before < offset + limit)
        runs = (connection.execute(page.order_by(sums.c.before))).all()
        if not runs:
            return (), total
        found = self.of_runs(connection, [run.id for run in runs], wanted.status)
        start = offset - int(runs[0].before)
        return found[start : start + limit], total

    def _row_conditions(self, connection: Connection, wanted: DecisionFilter) -> list[Condition] | None:
        """Conditions on the decision's own row; ``None`` where nothing can pass."""
        conditions: list[Condition] = []
        if (status := wanted.status) is not None:
            conditions.append(self._of_outcome(connection, lambda outcome: outcome.status == status))
        if wanted.symbol is not None:
            symbol = self.symbols.find(connection, (wanted.symbol,))
            if symbol is None:
                return None
            conditions.append(t.decision.c.symbol_id == symbol)
        if wanted.reason is not None:
            reason = self._reason_condition(connection, wanted.reason)
            if reason is None:
                return None
            conditions.append(reason)
        return conditions

    def _of_outcome(self, connection: Connection, wanted: Callable[[Outcome], bool]) -> Condition:
        keys = self.outcomes.load(connection)
        return t.decision.c.outcome_id.in_([n for n, key in keys.items() if wanted(Outcome.of(key))])

    def _reason_condition(self, connection: Connection, reason: str) -> Condition | None:
        """A code belongs to one stage; asking which keeps an "or" over two tables out of the query."""
        keys = self.outcomes.load(connection)
        outcomes = [number for number, key in keys.items() if Outcome.of(key).reason == reason]
        own = t.decision.c.outcome_id.in_(outcomes)
        trade = or_(t.trade_decision.c.reason == reason, t.trade_decision.c.blocked_by == reason)
        if not connection.scalar(select(1).select_from(t.trade_decision).where(trade).limit(1)):
            return own if outcomes else None
        traded = tuple_(t.decision.c.symbol_id, t.decision.c.run_id).in_(
            select(t.trade_decision.c.symbol_id, t.trade_decision.c.run_id).where(trade)
        )
        return or_(own, traded) if outcomes else traded

    def _read(
        self,
        connection: Connection,
        where: Sequence[Condition],
        offset: int | None = None,
        limit: int | None = None,
    ) -> tuple[Decision, ...]:
        query = select(*_DECISION).where(*where)
        query = query.order_by(t.decision.c.run_id.desc(), t.decision.c.symbol_id).offset(offset).limit(limit)
        rows = cast("Sequence[_DecisionRow]", (connection.execute(query)).all())
        symbols = self.symbols.keys(connection, {row[0] for row in rows})
        numbers = {row[2] for row in rows}
        keys = self.outcomes.keys(connection, numbers)
        outcomes = {number: Outcome.of(keys[number]) for number in numbers}
        heads = self._run_heads(connection, {row[1] for row in rows})
        said = {(s, o): (symbols[s][0], *outcomes[o], None) for s, o in {(row[0], row[2]) for row in rows}}
        # A page may have thousands: this is what reading one costs, so nothing is done twice for a row.
        make = Decision._make
        found = [make(heads[run] + said[symbol, outcome]) for symbol, run, outcome, _ in rows]
        for place, (_, _, _, trade) in enumerate(rows):
            if trade is not None:
                found[place] = found[place]._replace(trade=_trade(trade))
        return tuple(found)

    def _run_heads(self, connection: Connection, numbers: set[int]) -> Mapping[int, RunHead]:
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
            rows = connection.execute(query.select_from(_RUNS).where(which))
            self._heads.update({number: (*head,) for number, *head in rows})
        return self._heads


def _summary(row: Sequence[Any], now_ms: int) -> RunSummary:
    _, *parts, alive_until = row[: len(_RUN)]
    found = RunSummary(*parts)
    died = found.status == RUNNING and (alive_until is None or alive_until < now_ms)
    return replace(found, status=INTERRUPTED) if died else found


def conditions_of(wanted: RunFilter) -> list[Condition]:
    """Conditions on a run's row, of all that is asked but its status, which changes with the time."""
    conditions = _run_conditions(DecisionFilter(profile=wanted.profile)) + _period_conditions(wanted)
    if wanted.exchange is not None:
        conditions.append(t.run.c.exchange == wanted.exchange)
    if wanted.dry_run is not None:
        conditions.append(t.run.c.dry_run.is_(wanted.dry_run))
    return conditions


def _wanted_runs(wanted: RunFilter, now_ms: int) -> list[Condition]:
    conditions = conditions_of(wanted)
    lives = and_(t.run.c.status == RUNNING, t.run.c.alive_until >= now_ms)
    if wanted.status == RUNNING:
        conditions.append(lives)
    elif wanted.status == INTERRUPTED:
        conditions += [t.run.c.status.in_((RUNNING, INTERRUPTED)), not_(lives)]
    elif wanted.status is not None:
        conditions.append(t.run.c.status == wanted.status)
    return conditions


def _run_conditions(wanted: DecisionFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if wanted.profile is not None:
        of_profile = select(t.ruleset.c.id).where(t.ruleset.c.profile == wanted.profile)
        conditions.append(t.run.c.ruleset_id.in_(of_profile))
    return conditions + _period_conditions(wanted)


def _period_conditions(wanted: DecisionFilter | RunFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if wanted.from_ms is not None:
        conditions.append(t.run.c.as_of >= wanted.from_ms)
    if wanted.to_ms is not None:
        conditions.append(t.run.c.as_of < wanted.to_ms)
    return conditions


def _trade(payload: bytes) -> Json:
    """A trade-entry decision as it was handed in."""
    return codec.read_document(codec.expand(payload))


def contents(connection: Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    """What blocks contain. Raises ``JournalError`` for one that is damaged."""
    query = select(t.block.c.id, t.block.c.sha256, t.block.c.payload).where(t.block.c.id.in_(set(numbers)))
    return {number: codec.read_block(key, payload) for number, key, payload in connection.execute(query)}

"""Storing a run: its row at its start, the rest encoded first, then written in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select, update

from engine.verdict import VerdictBatch
from engine.verdict.batch import SIDES
from server.database import tables as t
from server.journal import codec
from server.journal.columns import contents
from server.journal.errors import JournalError
from server.journal.lookups import Key, Lookup, insert_missing
from server.journal.outcome import Outcome
from server.journal.record import RunError, RunRecord, RunStart

Row = dict[str, Any]

RUNNING, INTERRUPTED = "running", "interrupted"
"""Status of a run that has begun, and of one that was stopped before its end."""


@dataclass(frozen=True, slots=True)
class Part:
    """One batch: hashes of its symbols' block and, per timeframe, of its layout's and its columns'."""

    symbols: bytes
    timeframes: tuple[tuple[str, bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A run ready to be written; decisions are still by name, which the transaction turns into numbers."""

    request: bytes
    errors: bytes
    warnings: bytes
    parts: tuple[Part, ...]
    decisions: tuple[tuple[str, Outcome], ...]
    trades: tuple[tuple[str, Row], ...]
    excluded: tuple[tuple[str, str, bytes], ...]
    blocks: Mapping[bytes, bytes] = field(repr=False)


def encode(record: RunRecord) -> Encoded:
    """Everything to store of a run. Needs no database, so it can be done in a thread."""
    record.check()
    blocks: dict[bytes, bytes] = {}

    def block(content: bytes) -> bytes:
        key = codec.digest(content)
        blocks[key] = content
        return key

    parts = tuple(
        Part(
            block(codec.document(list(batch.symbols))),
            tuple((c.timeframe, block(c.layout), block(c.columns)) for c in contents(batch)),
        )
        for batch in record.batches
    )
    failed = ((error.symbol or "", Outcome("ERROR", reason=error.code)) for error in record.failed())
    decisions = (*(row for batch in record.batches for row in _decisions(batch)), *failed)
    return Encoded(
        block(codec.document(record.request)),
        block(codec.document([error.to_json() for error in record.errors])),
        block(codec.document(list(record.warnings))),
        parts,
        decisions,
        tuple((symbol, _trade(trade)) for symbol, trade in record.trades.items()),
        tuple((e["symbol"], e["reason"], block(codec.document(_details(e)))) for e in record.excluded),
        blocks,
    )


def _decisions(batch: VerdictBatch) -> Iterable[tuple[str, Outcome]]:
    for row, symbol in enumerate(batch.symbols):
        selected = int(batch.selected[row])
        if selected >= 0:
            side = SIDES[int(batch.context_side[row])]
            yield symbol, Outcome("READY", side, batch.rules.execution[selected])
        else:
            reason, blocking = batch.reason(row), batch.blocking_timeframe(row)
            yield symbol, Outcome("INVALID", reason=reason, blocking_timeframe=blocking)


def _trade(trade: Mapping[str, Any]) -> Row:
    return {
        "status": trade["status"],
        "reason": trade.get("reason"),
        "blocked_by": trade.get("blocked_by"),
        "payload": codec.compress(codec.document(trade)),
    }


def _details(excluded: Mapping[str, Any]) -> Row:
    """What is known of an exclusion besides symbol and reason."""
    return {key: value for key, value in excluded.items() if key not in ("symbol", "reason")}


@dataclass(frozen=True, slots=True)
class Committed:
    """Numbers that a transaction used."""

    symbols: Mapping[Key, int]
    outcomes: Mapping[Key, int]
    fingerprint: str
    ruleset: int


@dataclass(slots=True)
class Writer:
    """Writes encoded runs. ``known_rulesets`` are those known to be stored, by fingerprint."""

    symbols: Lookup
    outcomes: Lookup
    known_rulesets: dict[str, int] = field(default_factory=dict[str, int])

    def begin(self, connection: Connection, start: RunStart, alive_until: int) -> Committed:
        """A run that has begun, within the caller's transaction; ``remember`` the answer after the commit."""
        ruleset = self._ruleset(connection, start)
        request, none = codec.document(start.request), codec.document([])
        blocks = {codec.digest(content): content for content in (request, none)}
        numbers = _blocks(connection, blocks)
        row = _row(start, ruleset) | {
            "status": RUNNING,
            "alive_until": alive_until,
            "request_id": numbers[codec.digest(request)],
            "errors_id": numbers[codec.digest(none)],
        }
        connection.execute(insert(t.run).values(row | dict.fromkeys(("ready", "invalid", "failed"), 0)))
        return Committed({}, {}, start.fingerprint, ruleset)

    def stop(self, connection: Connection, run_id: str, at_ms: int, error: RunError | None) -> None:
        """Ends a run that was begun, without decisions."""
        values: Row = {"status": INTERRUPTED if error is None else "error", "finished_at": at_ms}
        if error is not None:
            errors = codec.document([error.to_json()])
            values["errors_id"] = _blocks(connection, {codec.digest(errors): errors})[codec.digest(errors)]
        begun = t.run.c.run_id == run_id, t.run.c.status == RUNNING
        connection.execute(update(t.run).where(*begun).values(alive_until=None, **values))

    def write(self, connection: Connection, record: RunRecord, run: Encoded) -> Committed:
        """Writes within the caller's transaction; ``remember`` the answer after the commit."""
        names = [symbol for symbol, *_ in (*run.decisions, *run.excluded)]
        symbols = self.symbols.numbered(connection, [(name,) for name in names])
        keys = {outcome: outcome.key() for _, outcome in run.decisions}
        outcomes = self.outcomes.numbered(connection, keys.values())
        ruleset = self._ruleset(connection, record)
        blocks = _blocks(connection, run.blocks)
        statuses = [outcome.status for _, outcome in run.decisions]
        row = _row(record, ruleset) | {
            "finished_at": record.finished_at,
            "status": record.status,
            "alive_until": None,
            "ready": statuses.count("READY"),
            "invalid": statuses.count("INVALID"),
            "failed": statuses.count("ERROR"),
            "excluded": len(run.excluded),
            "degraded": record.degraded,
            "request_id": blocks[run.request],
            "errors_id": blocks[run.errors],
            "warnings_id": blocks[run.warnings],
            "timings": _timings(record.timings),
        }
        run_id = _finished(connection, row)
        _parts(connection, run_id, run.parts, blocks)
        decisions: list[Row] = [
            {"symbol_id": symbols[symbol,], "run_id": run_id, "outcome_id": outcomes[keys[outcome]]}
            for symbol, outcome in run.decisions
        ]
        trades: list[Row] = [
            {"symbol_id": symbols[symbol,], "run_id": run_id} | trade for symbol, trade in run.trades
        ]
        excluded: list[Row] = [
            {"symbol_id": symbols[name,], "run_id": run_id, "reason": reason, "details_id": blocks[details]}
            for name, reason, details in run.excluded
        ]
        for table, rows in ((t.decision, decisions), (t.trade_decision, trades), (t.exclusion, excluded)):
            if rows:
                connection.execute(insert(table), rows)
        return Committed(symbols, outcomes, record.fingerprint, ruleset)

    def remember(self, stored: Committed) -> None:
        """Keeps the numbers of a run that is stored for good."""
        self.symbols.remember(stored.symbols)
        self.outcomes.remember(stored.outcomes)
        self.known_rulesets[stored.fingerprint] = stored.ruleset

    def _ruleset(self, connection: Connection, record: RunStart) -> int:
        if record.fingerprint in self.known_rulesets:
            return self.known_rulesets[record.fingerprint]
        wanted = codec.document(record.ruleset)
        row = {
            "fingerprint": record.fingerprint,
            "profile": record.profile,
            "first_seen": record.started_at,
            "canonical": codec.compress(wanted),
        }
        insert_missing(connection, t.ruleset, [row])
        found = connection.execute(
            select(t.ruleset.c.id, t.ruleset.c.canonical).where(t.ruleset.c.fingerprint == record.fingerprint)
        )
        number, canonical = found.one()
        if codec.expand(canonical) != wanted:
            raise JournalError(f"fingerprint {record.fingerprint} is already that of another ruleset")
        return number


def _row(start: RunStart, ruleset: int) -> Row:
    """What is known of a run from its start."""
    same = ("run_id", "as_of", "started_at", "mode", "exchange", "market_type", "dry_run", "actor", "workers")
    return {name: getattr(start, name) for name in same} | {"ruleset_id": ruleset}


def _timings(seconds: Mapping[str, float]) -> str:
    return json.dumps({stage: round(s * 1e6) for stage, s in seconds.items()}, separators=(",", ":"))


def _finished(connection: Connection, row: Row) -> int:
    """The number of the run's row, which is there where it was begun. Raises ``JournalError``."""
    begun = select(t.run.c.id, t.run.c.status).where(t.run.c.run_id == row["run_id"])
    found = connection.execute(begun).first()
    if found is None:
        return connection.execute(insert(t.run).values(row).returning(t.run.c.id)).scalar_one()
    number, status = found
    if status not in (RUNNING, INTERRUPTED):
        raise JournalError(f"run {row['run_id']} is already stored")
    connection.execute(update(t.run).where(t.run.c.id == number).values(row))
    return number


def _blocks(connection: Connection, wanted: Mapping[bytes, bytes]) -> dict[bytes, int]:
    keys = sorted(wanted)
    query = select(t.block.c.sha256, t.block.c.id)
    known = connection.execute(query.where(t.block.c.sha256.in_(keys)))
    found: dict[bytes, int] = {row.sha256: row.id for row in known}
    if missing := [key for key in keys if key not in found]:
        rows = [{"sha256": key, "payload": codec.compress(wanted[key])} for key in missing]
        insert_missing(connection, t.block, rows)
        stored = connection.execute(query.where(t.block.c.sha256.in_(missing)))
        found.update({row.sha256: row.id for row in stored})
    return found


def _parts(connection: Connection, run_id: int, parts: Sequence[Part], blocks: Mapping[bytes, int]) -> None:
    if not parts:
        return
    connection.execute(
        insert(t.run_part),
        [{"run_id": run_id, "part": i, "symbols_id": blocks[p.symbols]} for i, p in enumerate(parts)],
    )
    rows: list[Row] = [
        {
            "run_id": run_id,
            "part": index,
            "timeframe": timeframe,
            "layout_id": blocks[layout],
            "columns_id": blocks[columns],
        }
        for index, part in enumerate(parts)
        for timeframe, layout, columns in part.timeframes
    ]
    if rows:
        connection.execute(insert(t.run_block), rows)

"""Storing a run: everything is encoded first, then written in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.verdict import VerdictBatch
from engine.verdict.batch import SIDES
from server.database import tables as t
from server.journal import codec
from server.journal.columns import contents
from server.journal.errors import JournalError
from server.journal.lookups import Key, Lookup, insert_missing
from server.journal.outcome import Outcome
from server.journal.record import RunRecord

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One batch: hashes of its symbols' block and, per timeframe, of its layout's and its columns'."""

    symbols: bytes
    timeframes: tuple[tuple[str, bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A run ready to be written; decisions are still by name, which the transaction turns into numbers."""

    canonical: bytes
    request: bytes
    errors: bytes
    parts: tuple[Part, ...]
    decisions: tuple[tuple[str, Outcome], ...]
    trades: tuple[tuple[str, Row], ...]
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
        codec.document(record.ruleset),
        block(codec.document(record.request)),
        block(codec.document([error.to_json() for error in record.errors])),
        parts,
        decisions,
        tuple((symbol, _trade(trade)) for symbol, trade in record.trades.items()),
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

    async def write(self, connection: AsyncConnection, record: RunRecord, run: Encoded) -> Committed:
        """Writes within the caller's transaction; ``remember`` the answer after the commit."""
        symbols = await self.symbols.numbered(connection, [(symbol,) for symbol, _ in run.decisions])
        keys = {outcome: outcome.key() for _, outcome in run.decisions}
        outcomes = await self.outcomes.numbered(connection, keys.values())
        ruleset = await self._ruleset(connection, record, run)
        blocks = await _blocks(connection, run.blocks)
        statuses = [outcome.status for _, outcome in run.decisions]
        inserted = await connection.execute(
            insert(t.run)
            .values(
                run_id=record.run_id,
                as_of=record.as_of,
                started_at=record.started_at,
                finished_at=record.finished_at,
                ruleset_id=ruleset,
                mode=record.mode,
                exchange=record.exchange,
                market_type=record.market_type,
                dry_run=record.dry_run,
                actor=record.actor,
                workers=record.workers,
                status=record.status,
                ready=statuses.count("READY"),
                invalid=statuses.count("INVALID"),
                failed=statuses.count("ERROR"),
                request_id=blocks[run.request],
                errors_id=blocks[run.errors],
            )
            .returning(t.run.c.id)
        )
        run_id: int = inserted.scalar_one()
        await _parts(connection, run_id, run.parts, blocks)
        decisions: list[Row] = [
            {"symbol_id": symbols[symbol,], "run_id": run_id, "outcome_id": outcomes[keys[outcome]]}
            for symbol, outcome in run.decisions
        ]
        if decisions:
            await connection.execute(insert(t.decision), decisions)
        trades: list[Row] = [
            {"symbol_id": symbols[symbol,], "run_id": run_id} | trade for symbol, trade in run.trades
        ]
        if trades:
            await connection.execute(insert(t.trade_decision), trades)
        return Committed(symbols, outcomes, record.fingerprint, ruleset)

    def remember(self, stored: Committed) -> None:
        """Keeps the numbers of a run that is stored for good."""
        self.symbols.remember(stored.symbols)
        self.outcomes.remember(stored.outcomes)
        self.known_rulesets[stored.fingerprint] = stored.ruleset

    async def _ruleset(self, connection: AsyncConnection, record: RunRecord, run: Encoded) -> int:
        if record.fingerprint in self.known_rulesets:
            return self.known_rulesets[record.fingerprint]
        row = {
            "fingerprint": record.fingerprint,
            "profile": record.profile,
            "first_seen": record.started_at,
            "canonical": codec.compress(run.canonical),
        }
        await insert_missing(connection, t.ruleset, [row])
        found = await connection.execute(
            select(t.ruleset.c.id, t.ruleset.c.canonical).where(t.ruleset.c.fingerprint == record.fingerprint)
        )
        number, canonical = found.one()
        if codec.expand(canonical) != run.canonical:
            raise JournalError(f"fingerprint {record.fingerprint} is already that of another ruleset")
        return number


async def _blocks(connection: AsyncConnection, wanted: Mapping[bytes, bytes]) -> dict[bytes, int]:
    keys = sorted(wanted)
    query = select(t.block.c.sha256, t.block.c.id)
    known = await connection.execute(query.where(t.block.c.sha256.in_(keys)))
    found: dict[bytes, int] = {row.sha256: row.id for row in known}
    if missing := [key for key in keys if key not in found]:
        rows = [{"sha256": key, "payload": codec.compress(wanted[key])} for key in missing]
        await insert_missing(connection, t.block, rows)
        stored = await connection.execute(query.where(t.block.c.sha256.in_(missing)))
        found.update({row.sha256: row.id for row in stored})
    return found


async def _parts(
    connection: AsyncConnection, run_id: int, parts: Sequence[Part], blocks: Mapping[bytes, int]
) -> None:
    if not parts:
        return
    await connection.execute(
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
        await connection.execute(insert(t.run_block), rows)

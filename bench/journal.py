"""A day of the journal: 200 symbols × 1,440 minutes of ``scalper_micro``, recorded as runs do, into SQLite.

The 200 names are the recorded symbols on five different days, each with its prices times a factor of its own
and rounded to the symbol's tick, so that no two columns are alike. Trade-entry decisions of READY symbols are
a real one with other digits in every number.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import re
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from bench.folder import profile
from bench.table import Row, Tell, span
from engine.candles import CandleSet, resample
from engine.facts import Health, History, Recorded
from engine.ruleset import Profile
from engine.verdict import ProfileRules, VerdictBatch, decide
from server import trade_entry
from server.database import Database, DatabaseAddress, upgrade
from server.exchange.paper.options import PaperOptions
from server.exchange.paper.venue import PaperExchange
from server.exchange.port import Contract
from server.instants import iso
from server.journal import DecisionFilter, Journal, RunFilter, RunRecord
from server.journal.stretch import Stretches
from server.orders.store import Orders
from server.overview.statistics import statistics
from server.overview.why import why
from server.trade_entry.decide import MAIN_ACCOUNT
from server.trade_entry.guards import fetch_account
from server.trade_entry.identity import decision_key

NAMES = 200
MINUTE_MS, DAY_MS = 60_000, 86_400_000
DAY = int(datetime(2025, 6, 2, tzinfo=UTC).timestamp() * 1000)
DAYS = 5
READS = 30


def run(tell: Tell) -> list[Row]:
    """Bytes per decision, how long a record takes, how long a symbol's day and questions about it take."""
    return asyncio.run(_measured(tell))


async def _measured(tell: Tell) -> list[Row]:
    rules = profile()
    with tempfile.TemporaryDirectory() as folder:
        address = DatabaseAddress.of_file(Path(folder) / "journal.db")
        upgrade(address)
        database = Database.open(address)
        trade = await _trade(rules, database)
        journal = Journal(database)
        spent: list[float] = []
        count = ready = 0
        last = ""
        for record in _records(rules, await _names(), trade):
            begun = time.perf_counter()
            await journal.record(record)
            spent.append(time.perf_counter() - begun)
            count += len(record.batches[0])
            ready += len(record.trades)
            last = record.run_id
            if len(spent) % 240 == 0:
                tell(f"{len(spent)} of 1440 minutes recorded")
        tell("reading a symbol's day, asking why, restoring decisions")
        gc.collect()
        gc.disable()
        reads = [await _day(journal, f"NAME{number}USDT") for number in range(READS)]
        gc.enable()
        questions = [await _questions(journal, database, f"NAME{number}USDT") for number in range(3)]
        restored = [await _restored(journal, f"{last}.NAME{number}USDT") for number in range(READS)]
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        await database.close()
        assert address.file is not None
        size = address.file.stat().st_size
        alone = [_rows_alone(address.file, f"NAME{number}USDT") for number in range(READS)]
    return [
        Row("a day recorded", f"{count:,} decisions, {ready:,} of them with a trade entry"),
        Row(
            "size",
            f"{size / 2**20:,.1f} MiB, {size / count:,.0f} bytes per decision",
            "< 30 MiB",
            size < 30 * 2**20,
        ),
        Row("one symbol's day read", _spread(reads), "< 5 ms", min(reads) < 0.005),
        Row("its rows by sqlite3 alone", _spread(alone)),
        Row("one run recorded", _spread(spent)),
        Row("one decision restored", _spread(restored)),
        Row("'why' over a symbol-day", _spread([why for why, _, _ in questions])),
        Row("    its columns read and decided again", _spread([read for _, read, _ in questions])),
        Row("statistics of the whole day", _spread([stats for _, _, stats in questions])),
    ]


def _spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    return f"{span(ordered[0])}, half of them within {span(ordered[len(ordered) // 2])}"


async def _day(journal: Journal, symbol: str) -> float:
    begun = time.perf_counter()
    wanted = DecisionFilter(symbol=symbol, from_ms=DAY, to_ms=DAY + DAY_MS)
    found = await journal.decisions(wanted, page_size=1440)
    spent = time.perf_counter() - begun
    assert (len(found.items), found.total) == (1440, 1440)
    return spent


def _rows_alone(file: Path, symbol: str) -> float:
    """What is below any journal: the same rows as tuples, by the driver."""
    query = """
        SELECT symbol_id, decision.run_id, outcome_id, run.run_id, as_of, ruleset_id FROM decision
        JOIN run ON run.id = decision.run_id WHERE symbol_id = ? ORDER BY decision.run_id DESC
    """
    with closing(sqlite3.connect(file)) as connection:
        (number,) = connection.execute("SELECT id FROM symbol WHERE name = ?", [symbol]).fetchone()
        begun = time.perf_counter()
        rows = connection.execute(query, [number]).fetchall()
        spent = time.perf_counter() - begun
    assert len(rows) == 1440
    return spent


async def _restored(journal: Journal, decision_id: str) -> float:
    begun = time.perf_counter()
    await journal.restored(decision_id, _rules_of)
    return time.perf_counter() - begun


async def _questions(journal: Journal, database: Database, symbol: str) -> tuple[float, float, float]:
    """Seconds of "why", of what it cannot do without, and of the statistics of every symbol."""
    wanted = RunFilter(from_ms=DAY, to_ms=DAY + DAY_MS)
    begun = time.perf_counter()
    said = await why(journal, Orders(database), _rules_of, symbol, wanted, 5)
    asked = time.perf_counter()
    rows = 0
    async for stretch in Stretches(journal, _rules_of, wanted, symbol=symbol).read():
        rows += len(stretch.batch)
    read = time.perf_counter()
    counted = await statistics(journal, _rules_of, None, wanted)
    assert (said["profiles"][0]["runs"], rows, counted["decisions"]) == (1440, 1440, 1440 * NAMES)
    return asked - begun, read - asked, time.perf_counter() - read


def _rules_of(canonical: Mapping[str, Any]) -> ProfileRules:
    return Profile.from_canonical(canonical).rules


def _records(rules: Profile, candles: Mapping[str, CandleSet], trade: str) -> Iterator[RunRecord]:
    rng = random.Random(7)
    canonical = rules.canonical()
    for batch in _batches(rules, candles):
        as_of = int(batch.as_of[0])
        ready = [
            symbol for symbol, is_ready in zip(batch.symbols, batch.ready.tolist(), strict=True) if is_ready
        ]
        yield RunRecord(
            run_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            started_at=as_of + rng.randrange(1000),
            finished_at=as_of + 1000 + rng.randrange(1000),
            as_of=as_of,
            profile=rules.name,
            fingerprint=rules.fingerprint,
            ruleset=canonical,
            mode=batch.mode,
            exchange="paper",
            market_type="perpetual",
            dry_run=True,
            actor="bench",
            workers=1,
            timings={
                "resolve_symbols": rng.random(),
                "fetch_candles": rng.random(),
                "mtf_execution": rng.random(),
            }
            | {"trade_entry": rng.random(), "post_processing": rng.random()},
            status="success",
            request={
                "symbols": list(batch.symbols),
                "profile": rules.name,
                "as_of": iso(as_of),
                "dry_run": True,
            },
            batches=[batch],
            trades={symbol: _other_digits(trade, rng) for symbol in ready},
        )


def _batches(rules: Profile, candles: Mapping[str, CandleSet]) -> Iterator[VerdictBatch]:
    """One batch of all names per minute of the day."""
    names = tuple(candles)
    as_of = np.arange(DAY, DAY + DAY_MS, MINUTE_MS, dtype=np.int64)
    plans = rules.rules.plans
    sources = [
        History(plans, name, {tf: resample(minutes, tf) for tf in rules.rules.decided}, as_of)
        for name, minutes in candles.items()
    ]
    refs = {ref for program in rules.rules.timeframes.values() for ref in program.program.refs}
    columns = {ref: np.stack([source.column(ref) for source in sources]) for ref in refs}
    fields = ("candles", "in_row", "missing", "newest", "window_start", "close")
    health = {tf: [source.health(tf) for source in sources] for tf in plans}
    behind = {
        tf: {field: np.stack([getattr(one, field) for one in many]) for field in fields}
        for tf, many in health.items()
    }
    for minute, instant in enumerate(as_of):
        at = {
            tf: Health(*(np.ascontiguousarray(whole[f][:, minute]) for f in fields))
            for tf, whole in behind.items()
        }
        facts = {ref: np.ascontiguousarray(whole[:, minute]) for ref, whole in columns.items()}
        yield decide(rules.rules, Recorded(names, np.full(NAMES, instant), facts, at))


async def _names() -> dict[str, CandleSet]:
    """One-minute candles of 200 made-up names over the day and the days before it."""
    rng = np.random.default_rng(7)
    venue = PaperExchange(PaperOptions())
    now = await venue.now_ms()
    listed = [contract for contract in (await venue.contracts()).values() if isinstance(contract, Contract)]
    made: dict[str, CandleSet] = {}
    for number in range(NAMES):
        contract = listed[number % len(listed)]
        candles = (await venue.candles(contract.symbol, "1m", 0, now)).closed(now)
        factor, tick = rng.uniform(0.5, 2.0), float(contract.tick_size)
        prices = [
            np.round(column * factor / tick) * tick
            for column in (candles.open, candles.high, candles.low, candles.close)
        ]
        shift = DAY_MS * (number // len(listed) % DAYS)
        name = f"NAME{number}USDT"
        made[name] = CandleSet.from_columns(name, "1m", candles.ts + shift, *prices, candles.volume * factor)
    return made


async def _trade(rules: Profile, database: Database) -> str:
    """A simulated trade-entry decision, as JSON."""
    venue = PaperExchange(PaperOptions())
    now, symbol = await venue.now_ms(), "BTCUSDT"
    price = (await venue.top_of_book(symbol)).last
    signal = trade_entry.Signal(symbol, "long", "1m", now - MINUTE_MS, now, rules.name, price)
    needed = trade_entry.facts_needed(rules.trade_entry, "1m")
    facts = {key: float(price) * (0.001 if key[0] == "atr" else 1.0) for key in needed}
    key = decision_key(signal, venue.name, MAIN_ACCOUNT)
    account = await fetch_account(venue, Orders(database), MAIN_ACCOUNT, now, [key])
    made = await trade_entry.decide(
        signal,
        facts,
        rules.trade_entry,
        rules.gates,
        venue,
        account,
        context_timeframes=rules.validation.context_timeframes,
        conditions=rules.plan_conditions,
        dry_run=True,
    )
    assert made.status == "simulated"
    return json.dumps(made.to_json())


def _other_digits(document: str, rng: random.Random) -> dict[str, Any]:
    """The document with every digit but a leading one replaced, as another symbol's numbers would be."""
    return json.loads(re.sub(r"(?<=[\d.])\d", lambda _: str(rng.randrange(10)), document))

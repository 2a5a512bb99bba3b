"""What is recorded is found again: runs, decisions, and the lists of them."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from journal_runs import MINUTE, SHORTS, SYMBOLS, edited, record, shipped, skipped, trade, verdicts
from sqlalchemy import func, select, text

from server.database import tables as t
from server.journal import (
    Decision,
    DecisionFilter,
    Journal,
    JournalError,
    NoSuchDecision,
    NoSuchRun,
    RunError,
    RunFilter,
    RunRecord,
)

LEFT_OUT = {"symbol": "ADAUSDT", "reason": "blacklisted", "switch_until": None}


def split(as_of: int, **more: Any) -> RunRecord:
    """A run of two batches, one symbol of which failed and one of whose entries was skipped."""
    batches = [verdicts(shipped(), as_of, SYMBOLS[4:]), verdicts(shipped(), as_of, SYMBOLS[:4])]
    failed = RunError("DOGEUSDT", "data", "candles_unavailable", "the venue did not answer")
    return record(shipped(), batches, status="partial_success", errors=[failed], **more)


async def count(journal: Journal, table: Any) -> int:
    async with journal.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def test_a_run_is_found_with_everything_it_was(journal: Journal) -> None:
    made = split(
        SHORTS,
        excluded=[LEFT_OUT],
        warnings=["the clock is late"],
        timings={"fetch_candles": 0.0125, "mtf_execution": 0.003},
    )
    await journal.record(made)
    found = await journal.run(made.run_id)
    assert found.to_json() | {"decisions": None} == {
        "run_id": made.run_id,
        "status": "partial_success",
        "profile": "scalper_micro",
        "fingerprint": shipped().fingerprint,
        "validation_mode": "pragmatic",
        "exchange": "paper",
        "market_type": "perpetual",
        "dry_run": True,
        "actor": "tests",
        "workers": 2,
        "as_of": "2025-06-01T00:07:00Z",
        "started_at": "2025-06-01T00:07:01.500Z",
        "finished_at": "2025-06-01T00:07:01.750Z",
        "execution_time_seconds": 0.25,
        "degraded": False,
        "symbols_excluded": 1,
        "symbols_processed": 9,
        "symbols_ready": 3,
        "symbols_invalid": 5,
        "symbols_failed": 1,
        "request": {"symbols": [*SYMBOLS[4:], *SYMBOLS[:4]], "dry_run": True},
        "errors": [made.errors[0].to_json()],
        "excluded": [LEFT_OUT],
        "warnings": ["the clock is late"],
        "timings": {"fetch_candles": 0.0125, "mtf_execution": 0.003},
        "decisions": None,
    }
    assert [d.symbol for d in found.decisions] == [*SYMBOLS[4:], *SYMBOLS[:4], "DOGEUSDT"]


async def test_decisions_are_the_verdicts(journal: Journal) -> None:
    made = split(SHORTS)
    await journal.record(made)
    found = {d.symbol: d for d in (await journal.run(made.run_id)).decisions}
    for batch in made.batches:
        for row, symbol in enumerate(batch.symbols):
            verdict = batch.verdict(row)
            assert found[symbol] == Decision(
                made.run_id,
                SHORTS,
                verdict.profile,
                verdict.fingerprint,
                symbol,
                verdict.status,
                verdict.side,
                verdict.execution_timeframe,
                verdict.reason,
                verdict.blocking_timeframe,
                made.trades.get(symbol),
            )
            assert await journal.decision(f"{made.run_id}.{symbol}") == found[symbol]
    failed = found["DOGEUSDT"]
    assert (failed.status, failed.reason, failed.side) == ("ERROR", "candles_unavailable", None)
    assert found["ETHUSDT"].to_json() == {
        "id": f"{made.run_id}.ETHUSDT",
        "run_id": made.run_id,
        "symbol": "ETHUSDT",
        "as_of": "2025-06-01T00:07:00Z",
        "profile": "scalper_micro",
        "fingerprint": shipped().fingerprint,
        "status": "READY",
        "signal_side": "short",
        "execution_tf": "1m",
        "reason": None,
        "blocking_tf": None,
        "trading_decision": trade("ETHUSDT"),
    }


async def test_a_run_without_symbols_is_a_run(journal: Journal) -> None:
    aborted = RunError(None, "run", "venue_unavailable", "the venue did not answer")
    made = record(shipped(), [], errors=[aborted], status="error", workers=1)
    await journal.record(made)
    found = await journal.run(made.run_id)
    assert (found.decisions, found.run.errors, found.run.summary.failed) == ((), (aborted.to_json(),), 0)


async def test_what_was_never_recorded_is_not_found(journal: Journal) -> None:
    made = split(SHORTS)
    await journal.record(made)
    other = str(uuid.uuid4())
    with pytest.raises(NoSuchRun, match=other):
        await journal.run(other)
    for wrong in (f"{other}.BTCUSDT", f"{made.run_id}.DOTUSDT", f"{made.run_id}", "", "x.y"):
        with pytest.raises(NoSuchDecision):
            await journal.decision(wrong)


@pytest.fixture
async def several(journal: Journal) -> tuple[Journal, list[Decision]]:
    """Two profiles, five instants recorded out of order; every decision, newest recorded first."""
    other = edited(lambda canonical: canonical["validation"].update(profile="slow"))
    everything: list[Decision] = []
    for minute, profile in ((2, shipped()), (0, shipped()), (3, other), (1, shipped()), (0, other)):
        as_of = SHORTS + minute * MINUTE
        trades = {
            "ETHUSDT": skipped("ETHUSDT", "trading_conditions_not_met", "missing_price_and_atr"),
            "SOLUSDT": skipped("SOLUSDT", "skipped_out_of_zone"),
            "BNBUSDT": trade("BNBUSDT"),
        }
        batch = verdicts(profile, as_of)
        ready = {batch.symbols[row] for row in range(len(batch)) if batch.ready[row]}
        failed = [RunError("DOGEUSDT", "data", "candles_unavailable", "")] if minute == 0 else []
        kept = {symbol: made for symbol, made in trades.items() if symbol in ready}
        made = record(profile, [batch], trades=kept, errors=failed)
        await journal.record(made)
        everything = [*(await journal.run(made.run_id)).decisions, *everything]
    return journal, everything


FILTERS: list[dict[str, Any]] = [
    {},
    {"symbol": "ETHUSDT"},
    {"symbol": "NOSUCH"},
    {"profile": "slow"},
    {"profile": "nosuch"},
    {"profile": "slow", "symbol": "BTCUSDT"},
    {"status": "READY"},
    {"status": "INVALID"},
    {"status": "ERROR"},
    {"status": "READY", "profile": "slow"},
    {"status": "INVALID", "symbol": "BTCUSDT"},
    {"reason": "pragmatic_context_has_invalid_timeframes"},
    {"reason": "no_timeframe_selected", "profile": "slow"},
    {"reason": "candles_unavailable"},
    {"reason": "skipped_out_of_zone"},
    {"reason": "trading_conditions_not_met"},
    {"reason": "missing_price_and_atr", "symbol": "ETHUSDT"},
    {"reason": "missing_price_and_atr", "symbol": "SOLUSDT"},
    {"reason": "never_seen"},
    {"from_ms": SHORTS + MINUTE},
    {"to_ms": SHORTS + MINUTE},
    {"from_ms": SHORTS + MINUTE, "to_ms": SHORTS + 3 * MINUTE},
    {"from_ms": SHORTS + MINUTE, "to_ms": SHORTS + 3 * MINUTE, "symbol": "SUIUSDT"},
    {"from_ms": SHORTS, "to_ms": SHORTS + 1, "reason": "skipped_out_of_zone"},
    {"from_ms": SHORTS + 9 * MINUTE, "symbol": "BTCUSDT"},
    {"from_ms": SHORTS + 9 * MINUTE},
]


def passes(decision: Decision, wanted: DecisionFilter) -> bool:
    """The filter, said of one decision."""
    trade = decision.trade or {}
    return (
        wanted.symbol in (None, decision.symbol)
        and wanted.profile in (None, decision.profile)
        and wanted.status in (None, decision.status)
        and wanted.reason in (None, decision.reason, trade.get("reason"), trade.get("blocked_by"))
        and (wanted.from_ms is None or decision.as_of >= wanted.from_ms)
        and (wanted.to_ms is None or decision.as_of < wanted.to_ms)
    )


async def test_lists_hold_what_passes_the_filter_page_by_page(
    several: tuple[Journal, list[Decision]],
) -> None:
    journal, everything = several
    for parts in FILTERS:
        wanted = DecisionFilter(**parts)
        right = [decision for decision in everything if passes(decision, wanted)]
        whole = await journal.decisions(wanted, page_size=1_000)
        assert sorted(whole.items) == sorted(right), parts
        assert [d.run_id for d in whole.items] == [d.run_id for d in right], parts
        assert whole.total == len(right), parts
        paged: list[Decision] = []
        for page in range(1, len(right) // 7 + 3):
            part = await journal.decisions(wanted, page=page, page_size=7)
            assert part.total == len(right), (parts, page)
            paged += part.items
        assert paged == list(whole.items), parts


async def test_runs_are_listed_newest_recorded_first(several: tuple[Journal, list[Decision]]) -> None:
    journal, everything = several
    order = list(dict.fromkeys(decision.run_id for decision in everything))
    first = await journal.runs(page_size=3)
    second = await journal.runs(page=2, page_size=3)
    assert [run.run_id for run in (*first.items, *second.items)] == order
    assert (first.total, second.total) == (5, 5)
    slow = await journal.runs(RunFilter(profile="slow"))
    assert {run.profile for run in slow.items} == {"slow"}
    assert slow.total == 2
    assert slow.to_json(lambda run: {"as_of": run.to_json()["as_of"]}) == {
        "items": [{"as_of": "2025-06-01T00:07:00Z"}, {"as_of": "2025-06-01T00:10:00Z"}],
        "page": 1,
        "page_size": 50,
        "total": 2,
    }


@pytest.mark.parametrize(("page", "page_size"), [(0, 10), (1, 0)])
async def test_pages_start_at_one(page: int, page_size: int, sqlite_journal: Journal) -> None:
    with pytest.raises(ValueError, match="start at 1"):
        await sqlite_journal.decisions(page=page, page_size=page_size)


async def test_what_several_runs_share_is_stored_once(journal: Journal) -> None:
    start = SHORTS - SHORTS % (5 * MINUTE)
    for minute in range(5):
        await journal.record(record(shipped(), [verdicts(shipped(), start + minute * MINUTE)]))
    async with journal.database.read() as connection:
        columns = t.run_block.c
        query = select(columns.timeframe, func.count(columns.columns_id.distinct())).group_by(
            columns.timeframe
        )
        blocks = {row[0]: row[1] for row in await connection.execute(query)}
        layouts = await connection.scalar(select(func.count(columns.layout_id.distinct())))
    assert blocks == {"1m": 5, "5m": 1}
    assert layouts == 2
    assert await count(journal, t.ruleset) == 1


async def test_two_journals_of_one_database_agree_on_names(journal: Journal) -> None:
    another = Journal(journal.database)
    runs = [record(shipped(), [verdicts(shipped(), SHORTS + n * MINUTE)]) for n in range(8)]
    await asyncio.gather(*((journal, another)[n % 2].record(run) for n, run in enumerate(runs)))
    assert await count(journal, t.symbol) == len(SYMBOLS)
    for run in runs:
        for reader in (journal, another):
            assert len((await reader.run(run.run_id)).decisions) == len(SYMBOLS)


async def test_a_run_is_recorded_once(journal: Journal) -> None:
    made = split(SHORTS)
    await journal.record(made)
    with pytest.raises(JournalError, match=made.run_id):
        await journal.record(made)
    assert (await journal.runs()).total == 1
    assert (await journal.decisions()).total == 9


async def test_a_fingerprint_means_one_ruleset(journal: Journal) -> None:
    await journal.record(split(SHORTS))
    changed = split(SHORTS, ruleset=edited(lambda c: c["validation"].update(version="9.9.9")).canonical())
    with pytest.raises(JournalError, match="fingerprint"):
        await Journal(journal.database).record(changed)
    assert (await journal.runs()).total == 1


async def test_a_journal_that_cannot_be_written_says_so_and_keeps_nothing(journal: Journal) -> None:
    async with journal.database.write() as connection:
        await connection.execute(text("DROP TABLE trade_decision"))
    made = split(SHORTS)
    with pytest.raises(JournalError, match=f"run {made.run_id} could not be stored: .*trade_decision"):
        await journal.record(made)
    for table in (t.run, t.decision, t.symbol, t.outcome, t.block, t.ruleset):
        assert await count(journal, table) == 0, table.name


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"run_id": "run-1"}, "not a UUID"),
    ({"run_id": str(uuid.uuid4()).upper()}, "not a UUID"),
    ({"as_of": SHORTS + 1}, "another instant"),
    ({"mode": "strict"}, "another mode"),
    ({"profile": "regular"}, "another profile"),
    ({"fingerprint": "0" * 64}, "another fingerprint"),
    ({"trades": {"BTCUSDT": trade("BTCUSDT")}}, "BTCUSDT has a trade decision but is not READY"),
    ({"batches": [SYMBOLS, SYMBOLS]}, "more than once"),
    ({"excluded": [{"symbol": "BTCUSDT", "reason": "blacklisted"}]}, "excluded and decided"),
    ({"batches": [("BTCUSDT", "BTCUSDT")]}, "more than once"),
]


@pytest.mark.parametrize(("change", "said"), CONTRADICTIONS)
async def test_a_record_that_contradicts_itself_is_refused(
    change: dict[str, Any], said: str, sqlite_journal: Journal
) -> None:
    batches = [verdicts(shipped(), SHORTS, symbols) for symbols in change.get("batches", [SYMBOLS])]
    with pytest.raises(ValueError, match=said):
        await sqlite_journal.record(record(shipped(), batches, **change | {"batches": batches}))
    assert (await sqlite_journal.runs()).total == 0

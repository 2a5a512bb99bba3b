"""A stored decision is decided again: the same verdict, facts and outcomes, to the last bit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_runs import (
    FIRST,
    LAST,
    MINUTE,
    SHORTS,
    SYMBOLS,
    compiled,
    edited,
    holed,
    record,
    shipped,
    trade,
    verdicts,
)
from sqlalchemy import text, update

from engine.explain import explain
from engine.facts import Health
from engine.verdict import VerdictBatch
from server.database import Database, DatabaseAddress, upgrade
from server.database import tables as t
from server.journal import Journal, JournalError, NotRestorable, RunError
from server.journal.columns import contents, reached, redecide, stored_timeframe


def again(batch: VerdictBatch) -> VerdictBatch:
    """Through the bytes that would be stored."""
    parts = [stored_timeframe(c.timeframe, c.layout, c.columns) for c in contents(batch)]
    return redecide(batch.rules, batch.symbols, int(batch.as_of[0]), batch.mode, parts)


def assert_same(now: VerdictBatch, then: VerdictBatch) -> None:
    """Everything a verdict shows; facts and outcomes where the timeframe was looked at."""
    assert [now.verdict(row) for row in range(len(now))] == [then.verdict(row) for row in range(len(then))]
    for timeframe, health in then.health.items():
        for name in Health.__dataclass_fields__:
            assert getattr(now.health[timeframe], name).tobytes() == getattr(health, name).tobytes()
    for timeframe in then.columns:
        seen = np.ones(len(then), dtype=bool) if timeframe in then.rules.context else reached(then)
        assert now.columns[timeframe][:, seen].tobytes() == then.columns[timeframe][:, seen].tobytes()
        assert np.array_equal(now.codes[timeframe][:, seen], then.codes[timeframe][:, seen])


instants = st.integers(FIRST // MINUTE, LAST // MINUTE).map(lambda minute: minute * MINUTE)
rosters = st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=8, unique=True)


@settings(deadline=None, max_examples=60)
@given(instants, rosters, st.sampled_from([None, "strict"]), st.integers(0, 300))
def test_what_is_stored_decides_as_was_decided(
    as_of: int, symbols: list[str], mode: str | None, back: int
) -> None:
    """On real candles, one symbol of which has a gap."""
    candles = holed(symbols[0], as_of - back * MINUTE, 1 + back % 7)
    batch = verdicts(shipped(), as_of, symbols, mode, candles)
    assert_same(again(batch), batch)


def wider(canonical: dict[str, Any]) -> None:
    """Two context timeframes and two execution ones, with facts and conditions across them."""
    canonical["conditions"]["tide"] = {"when": 'close["15m"] > ema_20["5m"][1] or rsi["15m"] > 50'}
    validation = canonical["validation"]
    validation |= {
        "context_timeframes": ["15m", "5m"],
        "execution_timeframes": ["5m", "1m"],
        "min_candles": 60,
    }
    validation["timeframes"]["15m"] = {"long": [{"all_of": ["tide"]}], "short": [{"not": "tide"}]}
    validation["timeframes"]["1m"]["long"].append({"all_of": ["tide", "rsi_bullish"]})
    validation["timeframes"]["1m"]["short"].append({"all_of": [{"not": "tide"}, "rsi_bearish"]})


@settings(deadline=None, max_examples=25)
@given(instants, rosters)
def test_facts_that_timeframes_share_come_back(as_of: int, symbols: list[str]) -> None:
    batch = verdicts(edited(wider), as_of, symbols)
    assert_same(again(batch), batch)


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(instants, st.permutations(SYMBOLS), st.integers(1, 4))
def test_through_the_database_too(tmp_path: Path, as_of: int, symbols: tuple[str, ...], workers: int) -> None:
    """In as many batches as a run has workers."""
    batches = [verdicts(shipped(), as_of, symbols[n::workers]) for n in range(workers)]
    made = record(shipped(), batches)

    async def stored() -> list[tuple[VerdictBatch, VerdictBatch, int, str, Any]]:
        address = DatabaseAddress.of_file(tmp_path / "journal.db")
        upgrade(address)
        database = Database.open(address)
        journal = Journal(database)
        await journal.record(made)
        found: list[tuple[VerdictBatch, VerdictBatch, int, str, Any]] = []
        for batch in batches:
            for symbol in batch.symbols:
                restored = await journal.restored(f"{made.run_id}.{symbol}", compiled)
                found.append((restored.batch, batch, restored.row, symbol, restored.decision.trade))
        await database.close()
        return found

    for now, then, row, symbol, entry in asyncio.run(stored()):
        assert now.symbols[row] == symbol
        assert entry == made.trades.get(symbol)
        assert_same(now, then)


async def test_a_decision_explains_the_same_after_its_profile_changed(journal: Journal) -> None:
    batch = verdicts(shipped(), SHORTS)
    made = record(shipped(), [batch])
    await journal.record(made)

    def other_threshold(canonical: dict[str, Any]) -> None:
        canonical["conditions"]["rsi_bearish"]["params"]["threshold"]["default"] = 1.0
        canonical["conditions"]["rsi_bearish"]["params"]["threshold"]["by_timeframe"] = {}

    changed = edited(other_threshold)
    later = verdicts(changed, SHORTS)
    assert not later.ready.any()
    await journal.record(record(changed, [later]))
    fresh = Journal(journal.database)
    for row, symbol in enumerate(batch.symbols):
        restored = await fresh.restored(f"{made.run_id}.{symbol}", compiled)
        assert explain(restored.batch, restored.row).to_json() == explain(batch, row).to_json()
        assert restored.batch.rules.fingerprint == shipped().fingerprint


async def test_trade_entry_comes_back_as_it_was_handed_in(journal: Journal) -> None:
    made = record(shipped(), [verdicts(shipped(), SHORTS)])
    await journal.record(made)
    restored = await journal.restored(f"{made.run_id}.ETHUSDT", compiled)
    assert restored.decision.trade == trade("ETHUSDT")


async def test_a_symbol_that_failed_has_no_verdict_to_restore(journal: Journal) -> None:
    failed = RunError("DOGEUSDT", "data", "candles_unavailable", "the venue did not answer")
    made = record(shipped(), [verdicts(shipped(), SHORTS)], errors=[failed])
    await journal.record(made)
    with pytest.raises(NotRestorable, match="candles_unavailable"):
        await journal.restored(f"{made.run_id}.DOGEUSDT", compiled)


def _renamed(canonical: dict[str, Any]) -> None:
    rules = canonical["validation"]["timeframes"]["5m"]["short"][0]["all_of"]
    canonical["conditions"]["other"] = canonical["conditions"]["ema_20_lt_50"]
    rules[rules.index("ema_20_lt_50")] = "other"


def _reads_more(canonical: dict[str, Any]) -> None:
    canonical["conditions"]["rsi_bearish"]["when"] = "rsi[1] < threshold"


def _other_outcome(canonical: dict[str, Any]) -> None:
    canonical["conditions"]["rsi_bearish"]["when"] = "rsi >= threshold"


def _more_timeframes(canonical: dict[str, Any]) -> None:
    canonical["validation"]["context_timeframes"] = ["15m", "5m"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_renamed, "the conditions of 5m are not the stored ones"),
        (_reads_more, r"on 5m the rules read rsi\[.*\]\[1\], which was not stored"),
        (_other_outcome, "rsi_bearish on 5m does not come out as it was stored"),
        (_more_timeframes, "other timeframes: 1m, 5m are stored and 15m, 5m, 1m are read"),
    ],
)
async def test_rules_that_decide_otherwise_are_noticed(
    change: Any, said: str, sqlite_journal: Journal
) -> None:
    """As if a later engine read the stored rules in another way."""
    made = record(shipped(), [verdicts(shipped(), SHORTS)])
    await sqlite_journal.record(made)
    with pytest.raises(NotRestorable, match=said):
        await sqlite_journal.restored(f"{made.run_id}.ETHUSDT", lambda _: edited(change).rules)


async def test_a_decision_that_was_altered_is_noticed(sqlite_journal: Journal) -> None:
    made = record(shipped(), [verdicts(shipped(), SHORTS)])
    await sqlite_journal.record(made)
    async with sqlite_journal.database.write() as connection:
        await connection.execute(update(t.outcome).values(side="long").where(t.outcome.c.side == "short"))
    with pytest.raises(NotRestorable, match=r"'long'.*would now be.*'short'"):
        await Journal(sqlite_journal.database).restored(f"{made.run_id}.ETHUSDT", compiled)


async def test_a_damaged_block_is_noticed(sqlite_journal: Journal) -> None:
    made = record(shipped(), [verdicts(shipped(), SHORTS)])
    await sqlite_journal.record(made)
    async with sqlite_journal.database.write() as connection:
        await connection.execute(text("UPDATE block SET payload = substr(payload, 1, length(payload) - 9)"))
    with pytest.raises(JournalError, match="damaged"):
        await sqlite_journal.restored(f"{made.run_id}.ETHUSDT", compiled)

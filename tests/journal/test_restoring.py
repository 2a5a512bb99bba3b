"""A stored decision is decided again: the same verdict, facts and outcomes, to the last bit."""

from __future__ import annotations

import asyncio
import json
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
    ruleset,
    shipped,
    trade,
    verdicts,
)
from sqlalchemy import text, update

from engine.explain import explain
from engine.facts import Health
from engine.ruleset.profile import plain_form
from engine.verdict import VerdictBatch, decide_again
from server.database import Database, DatabaseAddress, upgrade
from server.database import tables as t
from server.journal import Journal, JournalError, NotRestorable, RunError
from server.journal.columns import contents, reached, redecide, stored_timeframe
from server.journal.reading import RunFilter
from server.journal.stretch import Stretches
from server.journal.walk_columns import WALK, stored_walk


def again(batch: VerdictBatch) -> VerdictBatch:
    """Through the bytes that would be stored."""
    made = list(contents(batch))
    parts = [stored_timeframe(c.timeframe, c.layout, c.columns) for c in made if c.timeframe != WALK]
    walks = [stored_walk(c.layout, c.columns, len(batch)) for c in made if c.timeframe == WALK]
    return redecide(batch.rules, batch.symbols, int(batch.as_of[0]), batch.mode, parts, *walks)


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


def walking(canonical: dict[str, Any]) -> None:
    """A walk over 5m and 1m, with a metric of candles and one that is handed in."""
    wider(canonical)
    shipped_rules = ruleset()
    canonical["facts"]["adx_14"] = plain_form(shipped_rules.facts.facts["adx_14"])
    canonical["metrics"] = {
        name: plain_form(shipped_rules.facts.metrics[name]) for name in ("adx_5m", "spread_bps")
    }
    canonical["conditions"] |= {
        name: plain_form(shipped_rules.conditions[name]) for name in ("adx_5m_lt", "spread_bps_gt")
    }
    canonical["validation"]["execution_selector"] = {
        "strategy": "walk",
        "per_timeframe": {
            "5m": {
                "drop_to_lower_if_any": [{"adx_5m_lt": 25}],
                "forbid_drop_to_lower_if_any": [{"spread_bps_gt": 6}],
            }
        },
        "execution_timeframe_default": "5m",
    }


@settings(deadline=None, max_examples=25)
@given(instants, rosters)
def test_facts_that_timeframes_share_come_back(as_of: int, symbols: list[str]) -> None:
    batch = verdicts(edited(wider), as_of, symbols)
    assert_same(again(batch), batch)


@settings(deadline=None, max_examples=25)
@given(instants, rosters, st.lists(st.floats(0, 12) | st.none(), min_size=8, max_size=8))
def test_a_walk_comes_back_with_the_metrics_of_then(
    as_of: int, symbols: list[str], spreads: list[float | None]
) -> None:
    batch = verdicts(edited(walking), as_of, symbols)
    given = [np.nan if spread is None else spread for spread in spreads[: len(symbols)]]
    batch = decide_again(batch, {"spread_bps": np.array(given)})
    now = again(batch)
    assert_same(now, batch)
    for row in np.flatnonzero(reached(batch)).tolist():
        assert explain(now, row).to_json() == explain(batch, row).to_json()


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


async def test_a_walk_is_explained_with_the_spread_of_then(journal: Journal) -> None:
    profile = edited(walking)
    batch = decide_again(verdicts(profile, SHORTS), {"spread_bps": np.full(len(SYMBOLS), 12.5)})
    made = record(profile, [batch])
    await journal.record(made)
    (row, *_) = np.flatnonzero(reached(batch)).tolist()
    restored = await journal.restored(f"{made.run_id}.{batch.symbols[row]}", compiled)
    assert restored.batch.metrics(restored.row)["spread_bps"] == 12.5
    assert explain(restored.batch, restored.row).to_json() == explain(batch, row).to_json()


switches = st.fixed_dictionaries({tf: st.sets(st.sampled_from(SYMBOLS)) for tf in ("15m", "5m", "1m")})


@settings(deadline=None, max_examples=25)
@given(instants, rosters, switches)
def test_what_was_switched_off_comes_back(as_of: int, symbols: list[str], off: dict[str, set[str]]) -> None:
    batch = verdicts(edited(wider), as_of, symbols, off=off)
    now = again(batch)
    assert_same(now, batch)
    assert now.switched_off.keys() == batch.switched_off.keys()
    for row in range(len(batch)):
        assert explain(now, row).to_json() == explain(batch, row).to_json()


def test_what_is_on_is_stored_as_it_was_before_there_were_switches() -> None:
    """So that what was stored then reads as all on, and nothing grows by it."""
    batch = verdicts(shipped(), SHORTS)
    for content in contents(batch):
        assert set(json.loads(content.layout)) == {"facts", "closes", "conditions"}
        stored = stored_timeframe(content.timeframe, content.layout, content.columns)
        assert not stored.switched_off.any()
    one = verdicts(shipped(), SHORTS, off={"1m": {"ETHUSDT"}})
    plain, marked = ({c.timeframe: c.columns for c in contents(b)} for b in (batch, one))
    assert plain["5m"] == marked["5m"]
    assert len(marked["1m"]) - len(plain["1m"]) < 10


@pytest.mark.parametrize("symbol", [None, "ETHUSDT"])
async def test_runs_with_and_without_switches_are_read_together(symbol: str | None, journal: Journal) -> None:
    offs = ({}, {"1m": {"ETHUSDT", "SOLUSDT"}}, {"5m": {"BTCUSDT"}, "1m": {"BNBUSDT"}})
    then: dict[tuple[str, str], Any] = {}
    for minute, off in enumerate(offs):
        shares = [verdicts(shipped(), SHORTS + minute * MINUTE, SYMBOLS[n::2], off=off) for n in range(2)]
        made = record(shipped(), shares)
        await journal.record(made)
        then |= {(made.run_id, s): b.verdict(row) for b in shares for row, s in enumerate(b.symbols)}
        for batch in shares:
            for row, name in enumerate(batch.symbols):
                restored = await journal.restored(f"{made.run_id}.{name}", compiled)
                assert explain(restored.batch, restored.row).to_json() == explain(batch, row).to_json()
    stretches = Stretches(journal, compiled, RunFilter(), symbol=symbol)
    found = {
        (run_id, stretch.batch.symbols[row]): stretch.batch.verdict(row)
        async for stretch in stretches.read()
        for row, run_id in enumerate(stretch.run_ids)
    }
    assert stretches.lost == {}
    assert found == {key: verdict for key, verdict in then.items() if symbol in (None, key[1])}
    said = {d.invalid_reason for v in found.values() for d in v.execution.timeframe_decisions}
    assert "timeframe_switch_off" in said


def before_there_were_switches(canonical: dict[str, Any]) -> None:
    """A ruleset as it was stored when the signal gate was told nothing of switches."""
    gate = canonical["gates"]["signal"]
    del gate["facts"]["timeframe_switched_off"]
    gate["checks"] = [check for check in gate["checks"] if check["reason"] != "timeframe_switch_off"]


async def test_a_decision_of_before_there_were_switches_is_still_readable(journal: Journal) -> None:
    profile = edited(before_there_were_switches)
    batch = verdicts(profile, SHORTS)
    made = record(profile, [batch])
    await journal.record(made)
    for row, symbol in enumerate(batch.symbols):
        restored = await journal.restored(f"{made.run_id}.{symbol}", compiled)
        assert restored.batch.verdict(restored.row) == batch.verdict(row)
        assert explain(restored.batch, restored.row).to_json() == explain(batch, row).to_json()


def before_there_was_a_walk(canonical: dict[str, Any]) -> None:
    """A ruleset as it was stored when the execution gate was told nothing of a selection."""
    gate = canonical["gates"]["execution"]
    del gate["facts"]["selected"]
    gate["checks"] = gate["checks"][:1]


async def test_a_decision_of_before_there_was_a_walk_is_still_readable(journal: Journal) -> None:
    profile = edited(before_there_was_a_walk)
    assert "metrics" not in profile.canonical()
    batch = verdicts(profile, SHORTS)
    made = record(profile, [batch])
    await journal.record(made)
    for row, symbol in enumerate(batch.symbols):
        restored = await journal.restored(f"{made.run_id}.{symbol}", compiled)
        assert restored.batch.verdict(restored.row) == batch.verdict(row)
        assert explain(restored.batch, restored.row).to_json() == explain(batch, row).to_json()


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


def _walks(canonical: dict[str, Any]) -> None:
    walk = {"strategy": "walk", "per_timeframe": {"1m": {"stay_on_if": ["rsi_lt_1"]}}}
    canonical["metrics"] = {"rsi_1m": {"unit": "index", "summary": "s", "value": 'rsi["1m"]'}}
    canonical["conditions"]["rsi_lt_1"] = {"when": "rsi_1m < 1"}
    canonical["validation"]["execution_selector"] = walk


def _more_timeframes(canonical: dict[str, Any]) -> None:
    canonical["validation"]["context_timeframes"] = ["15m", "5m"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_renamed, "the conditions of 5m are not the stored ones"),
        (_reads_more, r"on 5m the rules read rsi\[.*\]\[1\], which was not stored"),
        (_other_outcome, "rsi_bearish on 5m does not come out as it was stored"),
        (_walks, "do not select the execution timeframe alike"),
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


@pytest.mark.parametrize("symbol", [None, "ETHUSDT"])
async def test_walks_of_many_runs_are_read_together(symbol: str | None, journal: Journal) -> None:
    profile = edited(walking)
    then: dict[tuple[str, str], Any] = {}
    for minute in range(3):
        shares = [
            decide_again(
                verdicts(profile, SHORTS + minute * MINUTE, SYMBOLS[n::2]),
                {"spread_bps": np.full(4, 3.5 + minute)},
            )
            for n in range(2)
        ]
        made = record(profile, shares)
        await journal.record(made)
        then |= {(made.run_id, s): b.verdict(row) for b in shares for row, s in enumerate(b.symbols)}
    stretches = Stretches(journal, compiled, RunFilter(), symbol=symbol)
    found = {
        (run_id, stretch.batch.symbols[row]): stretch.batch.verdict(row)
        async for stretch in stretches.read()
        for row, run_id in enumerate(stretch.run_ids)
    }
    assert stretches.lost == {}
    assert found == {key: verdict for key, verdict in then.items() if symbol in (None, key[1])}
    assert {v.execution.metrics.get("spread_bps") for v in found.values()} >= {3.5, 5.5}

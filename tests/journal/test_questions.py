"""Answers over many runs are what each run said: derived together, counted, searched, told in turn."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journal_runs import (
    MINUTE,
    SHORTS,
    SYMBOLS,
    compiled,
    edited,
    holed,
    record,
    shipped,
    skipped,
    trade,
    verdicts,
)

from engine.explain import Misses, explain
from engine.explain.explanation import NEAREST
from engine.truth import OUTCOME_NAMES
from engine.verdict import VerdictBatch
from server.instants import at
from server.journal import Decision, Journal, RunFilter, RunRecord
from server.journal.course import Course, CourseRun, Excluded
from server.journal.stretch import Stretches
from server.orders.store import Orders
from server.overview.audit import AuditFilter, audit
from server.overview.periods import period_of
from server.overview.run_symbols import SymbolFilter, run_symbols
from server.overview.statistics import statistics
from server.overview.why import (
    _segments,  # pyright: ignore[reportPrivateUsage]
    how_far,
    why,
)

MINUTES = 12
ZONE = {"zone_deviation_ratio": "0.13", "zone_max_deviation_ratio": "0.12"}


@dataclass(frozen=True)
class History:
    """A journal and the runs that were recorded in it, oldest first."""

    journal: Journal
    runs: list[RunRecord]

    @property
    def batches(self) -> list[tuple[RunRecord, VerdictBatch]]:
        return [(run, batch) for run in self.runs for batch in run.batches]


@pytest.fixture
async def history(sqlite_journal: Journal) -> AsyncIterator[History]:
    """Twelve minutes in one or two batches, one with a hole in its candles, two by another profile."""
    slow = edited(lambda canonical: canonical["validation"].update(profile="slow"))
    runs: list[RunRecord] = []
    for minute in range(MINUTES):
        profile = slow if minute in (3, 4) else shipped()
        as_of = SHORTS + minute * MINUTE
        candles = holed("XRPUSDT", as_of - 5 * MINUTE, 2) if minute == 5 else None
        halves = [SYMBOLS] if minute % 2 else [SYMBOLS[:3], SYMBOLS[3:-1]]
        batches = [verdicts(profile, as_of, half, candles=candles) for half in halves]
        left_out = [] if minute % 2 else [{"symbol": SYMBOLS[-1], "reason": "blacklisted"}]
        ready = {s for b in batches for s, r in zip(b.symbols, b.ready.tolist(), strict=True) if r}
        trades: dict[str, Any] = {symbol: trade(symbol) for symbol in ready}
        if "ETHUSDT" in ready:
            raw = {"reason": "skipped_out_of_zone", "context": ZONE}
            trades["ETHUSDT"] = skipped("ETHUSDT", "skipped_out_of_zone") | {"raw": raw}
        made = record(profile, batches, trades=trades, excluded=left_out)
        await sqlite_journal.record(made)
        runs.append(made)
    yield History(sqlite_journal, runs)


WHOLE = RunFilter(from_ms=SHORTS - 5 * MINUTE, to_ms=SHORTS + (MINUTES + 3) * MINUTE)


async def test_decisions_of_many_runs_come_back_together(history: History) -> None:
    found: dict[tuple[str, str], Any] = {}
    stretches = Stretches(history.journal, compiled, RunFilter())
    async for stretch in stretches.read():
        for row, run_id in enumerate(stretch.run_ids):
            found[run_id, stretch.batch.symbols[row]] = stretch.batch.verdict(row)
    assert found == {
        (run.run_id, symbol): batch.verdict(row)
        for run, batch in history.batches
        for row, symbol in enumerate(batch.symbols)
    }
    assert stretches.lost == {}
    alone = Stretches(history.journal, compiled, RunFilter(profile="scalper_micro"), symbol="SOLUSDT")
    async for stretch in alone.read():
        for row, run_id in enumerate(stretch.run_ids):
            assert stretch.batch.verdict(row) == found[run_id, "SOLUSDT"]


async def test_runs_that_cannot_be_restored_are_counted_and_the_others_answer(history: History) -> None:
    def other(canonical: Any) -> Any:
        if canonical["validation"]["profile"] == "slow":
            return edited(lambda c: c["conditions"]["rsi_bearish"].update(when="rsi >= threshold")).rules
        return compiled(canonical)

    answer = await statistics(history.journal, other, None, WHOLE)
    assert [lost["runs"] for lost in answer["not_restored"]] == [2]
    assert "rsi_bearish" in answer["not_restored"][0]["cause"]
    assert answer["by_rule"]


async def test_statistics_are_a_recount_of_every_decision(history: History) -> None:
    for symbol in (None, "BTCUSDT"):
        answer = await statistics(history.journal, compiled, symbol, WHOLE)
        rules: Counter[tuple[str, str, str, str]] = Counter()
        said: Counter[tuple[str, str, str]] = Counter()
        blocked: Counter[str | None] = Counter()
        reasons: Counter[tuple[str, str | None]] = Counter()
        for _, batch in history.batches:
            for row, name in enumerate(batch.symbols):
                if symbol not in (None, name):
                    continue
                verdict = batch.verdict(row)
                reasons[verdict.status, verdict.reason] += 1
                blocked[verdict.blocking_timeframe] += 1
                decisions = (*verdict.context.timeframe_decisions, *verdict.execution.timeframe_decisions)
                for decision in decisions:
                    said[decision.timeframe, decision.phase, decision.invalid_reason or decision.signal] += 1
                    outcomes = (decision.rules_failed, decision.rules_passed, decision.rules_unknown)
                    for outcome, labels in zip(OUTCOME_NAMES, outcomes, strict=True):
                        for label in labels:
                            rules[decision.timeframe, decision.phase, label, outcome] += 1
        assert {(r["status"], r["reason"]): r["decisions"] for r in answer["by_reason"]} == reasons
        assert answer["decisions"] == sum(reasons.values())
        blocking: Counter[str] = Counter()
        for entry in answer["by_timeframe"]:
            blocking[entry["timeframe"]] += entry["blocked"]
            if entry["phase"] == "data":
                continue
            place = entry["timeframe"], entry["phase"]
            told = {name: entry[name] for name in ("long", "short", "neutral")} | entry["reasons"]
            assert {name: number for name, number in told.items() if number} == {
                name: number for (*key, name), number in said.items() if tuple(key) == place
            }
            assert entry["decisions"] == sum(told.values())
        assert +blocking == Counter({tf: n for tf, n in blocked.items() if tf is not None})
        for rule in answer["by_rule"]:
            key = rule["timeframe"], rule["phase"], rule["condition"]
            numbers = rule["fails"], rule["passes"], rule["unknowns"]
            assert numbers == tuple(rules[*key, outcome] for outcome in OUTCOME_NAMES), rule
        assert {(r["timeframe"], r["condition"]) for r in answer["by_rule"]} == {(k[0], k[2]) for k in rules}


async def test_near_misses_are_those_of_an_explanation(history: History) -> None:
    for _, batch in history.batches:
        misses = Misses(batch)
        for row in range(len(batch)):
            found = sorted(misses.of(row), key=lambda miss: (len(miss.obstacles), miss.distance))
            assert tuple(found[:NEAREST]) == explain(batch, row).nearest


AUDITS: list[dict[str, Any]] = [
    {},
    {"symbol": "SOLUSDT"},
    {"timeframe": "1m"},
    {"phase": "context", "reason": "NO_LONG_NO_SHORT"},
    {"rule": "rsi_bullish", "timeframe": "5m"},
    {"rule": "near_vwap", "symbol": "BTCUSDT"},
    {"rule": "no_such_condition"},
    {"reason": "EXECUTION_SIDE_MISMATCH"},
]


@pytest.mark.parametrize("parts", AUDITS, ids=str)
async def test_the_audit_finds_what_timeframes_said_page_by_page(
    history: History, parts: dict[str, Any]
) -> None:
    right = [
        (run.run_id, symbol, d.timeframe, d.phase)
        for run in reversed(history.runs)
        for batch in run.batches
        for row, symbol in enumerate(batch.symbols)
        for d in (
            *batch.verdict(row).context.timeframe_decisions,
            *batch.verdict(row).execution.timeframe_decisions,
        )
        if parts.get("symbol") in (None, symbol)
        and parts.get("timeframe") in (None, d.timeframe)
        and parts.get("phase") in (None, d.phase)
        and parts.get("reason") in (None, d.invalid_reason)
        and ("rule" not in parts or parts["rule"] in (*d.rules_failed, *d.rules_unknown))
    ]
    paged: list[tuple[str, ...]] = []
    for page in range(1, len(right) // 7 + 3):
        found = (await audit(history.journal, compiled, AuditFilter(**parts), WHOLE, page, 7)).page
        assert found.total == len(right)
        paged += [(i["run_id"], i["symbol"], i["timeframe"], i["phase"]) for i in found.items]
    assert paged == right


async def test_symbols_of_a_run_with_what_their_timeframes_said(history: History) -> None:
    run = history.runs[0]
    page = await run_symbols(history.journal, compiled, run.run_id, SymbolFilter(), 1, 100)
    said = {item["symbol"]: item["timeframe_decisions"] for item in page.items}
    for batch in run.batches:
        for row, symbol in enumerate(batch.symbols):
            context = batch.verdict(row).context.timeframe_decisions
            assert [d["rules_failed"] for d in said[symbol]][: len(context)] == [
                list(d.rules_failed) for d in context
            ]
    wanted = SymbolFilter(status="READY")
    ready = await run_symbols(history.journal, compiled, run.run_id, wanted, 1, 1)
    assert (len(ready.items), ready.items[0]["status"]) == (1, "READY")


async def test_why_tells_the_whole_period_in_turn(history: History) -> None:
    orders = Orders(history.journal.database)
    for symbol in ("ETHUSDT", SYMBOLS[-1], "NOSUCH"):
        answer = await why(history.journal, orders, compiled, symbol, WHOLE, 3)
        assert {p["profile"] for p in answer["profiles"]} == {"scalper_micro", "slow"}
        for told in answer["profiles"]:
            sequence = told["sequence"]
            assert (sequence[0]["from"], sequence[-1]["to"]) == (answer["from"], answer["to"])
            assert all(a["to"] == b["from"] for a, b in itertools.pairwise(sequence))
            mine = [run for run in history.runs if run.profile == told["profile"]]
            assert told["runs"] == len(mine) == sum(segment["runs"] for segment in sequence)
            assert len(told["nearest"]) <= 3
    micro = (await why(history.journal, orders, compiled, SYMBOLS[-1], WHOLE, 3))["profiles"][0]
    kinds = Counter[str]()
    for segment in micro["sequence"]:
        kinds[segment["kind"]] += segment["runs"]
    assert kinds["excluded"] == sum(bool(r.excluded) for r in history.runs if r.profile == "scalper_micro")
    assert micro["sequence"][0]["kind"] == micro["sequence"][-1]["kind"] == "no_run"


async def test_why_counts_what_stood_in_the_way_and_how_far_the_zone_was(history: History) -> None:
    orders = Orders(history.journal.database)
    answer = await why(history.journal, orders, compiled, "ETHUSDT", WHOLE, 3)
    micro = answer["profiles"][0]
    counted: Counter[tuple[str, str, str]] = Counter()
    for run, batch in history.batches:
        if run.profile == "scalper_micro" and "ETHUSDT" in batch.symbols:
            row = batch.symbols.index("ETHUSDT")
            counted.update(
                {(m.timeframe, m.side, o.label) for m in Misses(batch).of(row) for o in m.obstacles}
            )
    assert {(b["timeframe"], b["side"], b["condition"]): b["runs"] for b in micro["blockers"]} == counted
    (entry,) = micro["trade_entry"]
    assert (entry["reason"], entry["facts"]) == ("skipped_out_of_zone", ZONE)
    assert entry["zone"]["over"] == entry["runs"] > 0
    assert answer["orders"] == []


def test_words_for_how_far_a_price_was_beyond_the_zone() -> None:
    allowed = Decimal("0.12")
    cases = (
        ("0.12", None),
        ("0.126", "slightly over"),
        ("0.1261", "over"),
        ("0.18", "over"),
        ("0.181", "far"),
    )
    for deviation, said in cases:
        assert how_far(Decimal(deviation), allowed) == said
    assert how_far(Decimal("0.1"), Decimal(0)) == "far"


async def test_a_period_without_ends_is_the_day_before_the_newest_run(history: History) -> None:
    found = await period_of(history.journal, RunFilter())
    assert (found.from_ms, found.to_ms) == (
        SHORTS + MINUTES * MINUTE - 86_400_000,
        SHORTS + MINUTES * MINUTE,
    )
    assert await period_of(history.journal, RunFilter(from_ms=5, to_ms=9)) == RunFilter(from_ms=5, to_ms=9)


RESULTS = ("no_timeframe_selected", "not_enough_klines", "blacklisted", None)
START = at("2025-06-01T07:00:00Z")


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 40 * MINUTE), st.sampled_from(RESULTS)), max_size=30),
    st.integers(0, 90_000),
    st.integers(1, 45 * MINUTE),
    st.sampled_from([MINUTE, 5 * MINUTE]),
)
def test_segments_part_the_period_and_hold_every_run(
    made: list[tuple[int, str | None]], shift: int, length: int, step: int
) -> None:
    start, end = START + shift, START + shift + length
    runs, decisions, excluded = list[CourseRun](), dict[str, Decision](), dict[str, Excluded]()
    for number, (offset, result) in enumerate(sorted(made, key=lambda one: one[0])):
        if not start <= START + offset < end:
            continue
        run_id = str(number)
        runs.append(CourseRun(run_id, START + offset, "p", "success"))
        if result == "blacklisted":
            excluded[run_id] = Excluded(result, {})
        elif result is not None:
            decisions[run_id] = Decision(
                run_id, START + offset, "p", "f", "X", "INVALID", None, None, result, "1m"
            )
    segments = list(_segments(Course(tuple(runs), decisions, excluded), {}, "p", start, end, step))

    assert (segments[0].start, segments[-1].end) == (start, end)
    assert all(a.end == b.start and a.start <= a.end for a, b in itertools.pairwise(segments))
    assert sum(segment.runs for segment in segments) == len(runs)
    assert all(a.said != b.said for a, b in itertools.pairwise(segments))
    covered = {run.as_of // step for run in runs}
    for segment in segments:
        inside = [run for run in runs if segment.start <= run.as_of < segment.end]
        if segment.kind == "no_run":
            assert not inside
            assert not covered & set(range(-(-segment.start // step), segment.end // step))

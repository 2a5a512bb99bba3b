"""Runs of a profile that walks: whose book is asked for, what the answer says, what the journal keeps."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from run_answers import BUNDLED, READY, as_sent, lasting
from syrupy.assertion import SnapshotAssertion
from walkers import NAME, SPREAD_BPS, add_walker

from engine.explain import explain
from engine.ruleset import Profile, load
from server.cli.tree_view import explanation_tree
from server.exchange.errors import BookUnavailable
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.port import Book
from server.fixed_code import FIXED_CODE
from server.run import RunRequest
from server.run.judged import Judged
from server.run.memory import ProfileMemory
from server.run.spreads import with_spreads
from server.run.verdicts import decide_share
from server.service import service
from server.settings import Settings

MAX_AGE_SEC = 10


class Books(PaperExchange):
    """The paper venue, noting whose book is asked for."""

    def __init__(self) -> None:
        super().__init__(PaperOptions())
        self.asked: list[str] = []
        self.missing: frozenset[str] = frozenset()
        self.silent: frozenset[str] = frozenset()
        self.late_ms = 0

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        self.asked.append(symbol)
        if symbol in self.silent:
            await asyncio.sleep(60)
        if symbol in self.missing:
            raise BookUnavailable("paper", symbol, at_ms or 0, "nobody answers")
        book = await super().top_of_book(symbol, at_ms)
        return replace(book, at_ms=book.at_ms - self.late_ms)


@pytest.fixture
def walker(settings: Settings) -> Profile:
    assert settings.rules_dir is not None
    add_walker(settings.rules_dir)
    return load(settings.rules_dir, FIXED_CODE).profiles[NAME]


async def judged(profile: Profile, venue: PaperExchange) -> dict[str, Judged]:
    """What is decided without a book."""
    memory = ProfileMemory(profile)
    starts = memory.candle_starts(READY)
    candles = {
        symbol: {tf: await venue.candles(symbol, tf, start, READY) for tf, start in starts.items()}
        for symbol in BUNDLED
    }
    found, failed = decide_share(memory, BUNDLED, candles, READY, "pragmatic")
    assert failed == []
    return {one.verdict.symbol: one for one in found}


def chosen(found: dict[str, Judged]) -> dict[str, str | None]:
    return {symbol: one.verdict.execution_timeframe for symbol, one in found.items()}


def undecided(one: Judged) -> bool:
    """By hand: 5m would be left, and only the spread could forbid it."""
    five = next((step for step in one.verdict.execution.walk if step.timeframe == "5m"), None)
    return five is not None and five.outcome == "left"


async def test_only_books_that_may_matter_are_asked_for(walker: Profile) -> None:
    venue = Books()
    before = await judged(walker, venue)
    after = await with_spreads(venue, before, READY, MAX_AGE_SEC, 5.0)
    matters = [symbol for symbol, one in before.items() if undecided(one)]
    assert sorted(venue.asked) == sorted(matters)
    assert 0 < len(matters) < len(BUNDLED)
    known = {s: one.verdict.execution.metrics.get("spread_bps") for s, one in after.items()}
    assert {symbol for symbol, spread in known.items() if spread is not None} == set(matters)
    turned = {symbol for symbol in BUNDLED if chosen(before)[symbol] != chosen(after)[symbol]}
    assert turned == {s for s in matters if (known[s] or 0) > SPREAD_BPS}, "forbidden to drop, so it stays"
    assert turned
    assert turned != set(matters)
    assert all(chosen(after)[symbol] == "5m" for symbol in turned)


async def test_a_book_that_cannot_be_had_decides_nothing(walker: Profile) -> None:
    venue = Books()
    before = await judged(walker, venue)
    venue.missing = frozenset(BUNDLED)
    assert chosen(await with_spreads(venue, before, READY, MAX_AGE_SEC, 5.0)) == chosen(before)
    assert venue.asked


async def test_a_venue_that_does_not_answer_holds_nothing_up(walker: Profile) -> None:
    venue = Books()
    before = await judged(walker, venue)
    venue.silent = frozenset(BUNDLED)
    assert chosen(await with_spreads(venue, before, READY, MAX_AGE_SEC, 0.01)) == chosen(before)
    assert venue.asked


async def test_an_old_book_says_nothing_of_the_spread(walker: Profile) -> None:
    venue = Books()
    before = await judged(walker, venue)
    venue.late_ms = MAX_AGE_SEC * 1000 + 120_000
    assert chosen(await with_spreads(venue, before, READY, MAX_AGE_SEC, 5.0)) == chosen(before)


async def test_a_profile_that_does_not_walk_asks_for_no_book(settings: Settings) -> None:
    assert settings.rules_dir is not None
    venue = Books()
    profile = load(settings.rules_dir, FIXED_CODE).profiles["scalper_micro"]
    before = await judged(profile, venue)
    assert await with_spreads(venue, before, READY, MAX_AGE_SEC, 5.0) == before
    assert venue.asked == []


async def test_the_answer_says_how_the_walk_went(
    walker: Profile, settings: Settings, golden: SnapshotAssertion
) -> None:
    async with service(settings) as opened:
        request = RunRequest(actor="test", as_of_ms=READY, profile=NAME)
        result = await opened.runner.run(request)
        symbols = as_sent(result.to_json())["data"]["symbols"]
        told: dict[str, Any] = {}
        for symbol, answer in symbols.items():
            judged_one = result.findings.judged[symbol]
            told[symbol] = {
                "verdict": [
                    answer["status"],
                    answer["signal_side"],
                    answer["execution_tf"],
                    answer["reason"],
                ],
                "metrics": {k: v and f"{v:.6g}" for k, v in answer["execution"]["metrics"].items()},
                "walk": answer["execution"]["walk"],
                "sentence": explain(judged_one.batch, judged_one.row).sentence,
            }
        stored = await opened.journal.runs()
        for symbol in symbols:
            decision = f"{stored.items[0].run_id}.{symbol}"
            restored = await opened.journal.restored(decision, lambda c: Profile.from_canonical(c).rules)
            judged_one = result.findings.judged[symbol]
            now, then = (
                explain(b, r) for b, r in ((restored.batch, restored.row), (judged_one.batch, judged_one.row))
            )
            assert now.to_json() == then.to_json()
    assert told == golden


async def test_the_explanation_shows_every_group(walker: Profile, golden: SnapshotAssertion) -> None:
    venue = Books()
    found = await with_spreads(venue, await judged(walker, venue), READY, MAX_AGE_SEC, 5.0)
    explanation = explain(found["LINKUSDT"].batch, found["LINKUSDT"].row)
    console = Console(width=100, record=True, file=StringIO())
    console.print(explanation_tree(explanation))
    lines = console.export_text().splitlines()
    first = next(number for number, line in enumerate(lines) if "execution selector" in line)
    assert explanation.walk is not None
    assert {
        "tree": [line.rstrip() for line in lines[first:]],
        "json": json.loads(json.dumps(explanation.walk.to_json()), parse_float=lambda x: f"{float(x):.6g}"),
    } == golden


async def test_any_number_of_workers_walks_alike(walker: Profile, settings: Settings) -> None:
    async with service(settings) as opened:
        answers = [
            lasting(
                (
                    await opened.runner.run(
                        RunRequest(actor="test", as_of_ms=READY, profile=NAME, workers=workers)
                    )
                ).to_json()
            )
            for workers in (1, 3, 8)
        ]
    assert answers[0] == answers[1] == answers[2]


def test_the_folder_of_the_walker_is_sound(walker: Profile, tmp_path: Path) -> None:
    assert list(walker.facts.metrics) == [
        "expected_r_multiple", "entry_zone_width_pct", "spread_bps", "atr_pct_15m_bps", "adx_5m",
    ]  # fmt: skip

"""One failing symbol never takes down the others, and nothing that fails is silent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from run_answers import BUNDLED, LONG, SHORTS, as_sent
from venues_between import SlowToDecide

from engine.candles import CandleSet, Timeframe
from server.exchange.errors import VenueUnavailable
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.paper.venue import BUNDLED as BUNDLED_FOLDER
from server.exchange.port import Book, Listing
from server.run import RunRequest, RunUnavailable
from server.run.entries import entry_facts
from server.run.memory import ProfileMemory
from server.run.runner import Runner
from server.run.verdicts import Candles, decide_all, decide_share
from server.service import Service

MakeRunner = Callable[[PaperExchange], Runner]


async def test_a_symbol_whose_candle_file_is_broken(
    opened: Service, runner_on: MakeRunner, tmp_path: Path
) -> None:
    folder = tmp_path / "candles"
    shutil.copytree(BUNDLED_FOLDER / "candles", folder)
    broken = folder / "ETHUSDT-1m.parquet"
    broken.write_bytes(broken.read_bytes()[:5000])
    runner = runner_on(PaperExchange(PaperOptions(market_data=folder)))

    whole = (await opened.runner.run(RunRequest(actor="test", as_of_ms=SHORTS))).to_json()["data"]
    answer = (await runner.run(RunRequest(actor="test", as_of_ms=SHORTS, workers=4))).to_json()
    data = as_sent(answer)["data"]

    assert answer["status"] == "partial_success"
    assert sorted(data["symbols"]) == BUNDLED
    (error,) = data["errors"]
    assert (error["symbol"], error["stage"], error["code"]) == ("ETHUSDT", "candles", "candles_unavailable")
    assert "ETHUSDT-1m.parquet" in error["message"]
    failed = data["symbols"].pop("ETHUSDT")
    assert (failed["status"], failed["reason"], failed["error"]) == ("ERROR", "candles_unavailable", error)
    assert data["rejected_by_reason"]["candles_unavailable"] == ["ETHUSDT"]
    assert data["run"]["symbols_failed"] == 1
    for symbol, found in data["symbols"].items():
        assert found == as_sent(whole["symbols"][symbol])

    stored = await opened.journal.run(data["run"]["run_id"])
    assert {d.symbol: d.status for d in stored.decisions}["ETHUSDT"] == "ERROR"


async def test_a_run_in_which_every_symbol_failed(
    opened: Service, runner_on: MakeRunner, tmp_path: Path
) -> None:
    (tmp_path / "ETHUSDT-1m.parquet").write_bytes(b"not a table")
    shutil.copy(BUNDLED_FOLDER / "candles" / "BTCUSDT-1m.parquet", tmp_path)
    runner = runner_on(PaperExchange(PaperOptions(market_data=tmp_path)))

    answer = (await runner.run(RunRequest(actor="test", as_of_ms=LONG, symbols=("ETHUSDT",)))).to_json()
    assert answer["status"] == answer["data"]["run"]["status"] == "error"
    assert answer["data"]["symbols"]["ETHUSDT"]["blocking_tf"] == "5m"
    assert answer["data"]["summary_by_tf"]["5m"] == ["ETHUSDT"]


def too_short(candles: CandleSet) -> CandleSet:
    """Columns of different lengths, which no door lets in: whatever reads them fails."""
    return replace(candles, close=np.empty(0, dtype=np.float64))


async def closed_candles(opened: Service, memory: ProfileMemory) -> Candles:
    starts, venue = memory.candle_starts(SHORTS), opened.venues["paper"]
    return {
        symbol: {
            tf: (await venue.candles(symbol, tf, start, SHORTS)).closed(SHORTS)
            for tf, start in starts.items()
        }
        for symbol in BUNDLED
    }


async def test_a_symbol_that_makes_deciding_fail_is_found_and_left_out(opened: Service) -> None:
    """The others of its share are decided as if it were not there."""
    profile = opened.rulesets.current.profiles["scalper_micro"]
    memory = ProfileMemory(profile)
    good = await closed_candles(opened, memory)
    bad = {**good, "LINKUSDT": {tf: too_short(c) for tf, c in good["LINKUSDT"].items()}}

    alone, none = decide_share(ProfileMemory(profile), BUNDLED, good, SHORTS, "pragmatic")
    found, failed = decide_share(memory, BUNDLED, bad, SHORTS, "pragmatic")

    assert none == []
    assert [(f.symbol, f.stage, f.code) for f in failed] == [
        ("LINKUSDT", "mtf_execution", "evaluation_error")
    ]
    assert "Traceback" not in failed[0].message
    others = [j.verdict for j in alone if j.verdict.symbol != "LINKUSDT"]
    assert [j.verdict for j in found] == others


@pytest.mark.parametrize("workers", [1, 3])
async def test_a_symbol_that_takes_too_long_to_decide_is_found_and_left_out(
    opened: Service, slow_to_decide: SlowToDecide, workers: int
) -> None:
    """However many share a thread with it: they are begun again, each by itself."""
    memory = ProfileMemory(opened.rulesets.current.profiles["scalper_micro"])
    candles = await closed_candles(opened, memory)
    alone, _ = decide_share(memory, BUNDLED, candles, SHORTS, "pragmatic")
    slow_to_decide("LINKUSDT")
    done: list[int] = []
    pool = ThreadPoolExecutor()
    judged, failures = await decide_all(
        pool, memory, BUNDLED, candles, SHORTS, "pragmatic", workers, 0.4, done.append
    )
    pool.shutdown(wait=False)
    (failure,) = failures.values()
    assert (failure.symbol, failure.stage, failure.code) == ("LINKUSDT", "mtf_execution", "symbol_timeout")
    assert failure.message == "deciding took longer than 0.4 s (symbol_timeout_sec)"
    assert [j.verdict for j in judged.values()] == [
        j.verdict for j in alone if j.verdict.symbol != "LINKUSDT"
    ]
    assert sum(done) == len(BUNDLED)


async def test_facts_of_an_entry_that_cannot_be_computed(opened: Service) -> None:
    """Only the symbol whose candles are at fault goes without a decision."""
    result = await opened.runner.run(RunRequest(actor="test", as_of_ms=SHORTS))
    ready = [j.verdict for j in result.findings.judged.values() if j.verdict.status == "READY"]
    memory = ProfileMemory(result.run.profile)
    starts = memory.candle_starts(SHORTS)
    venue = opened.venues["paper"]
    candles = {
        verdict.symbol: {
            tf: (await venue.candles(verdict.symbol, tf, start, SHORTS)).closed(SHORTS)
            for tf, start in starts.items()
        }
        for verdict in ready
    }
    candles["SOLUSDT"]["15m"] = too_short(candles["SOLUSDT"]["15m"])

    facts, failures = entry_facts(memory, ready, candles, SHORTS)
    assert set(facts) == {verdict.symbol for verdict in ready} - {"SOLUSDT"}
    (failure,) = failures.values()
    assert (failure.symbol, failure.stage, failure.code) == ("SOLUSDT", "trade_entry", "evaluation_error")


class Faulty(PaperExchange):
    """A venue that answers, but for one symbol with something nobody expects."""

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        if symbol == "SOLUSDT":
            raise RuntimeError("secret of the venue's library")
        return await super().top_of_book(symbol, at_ms)

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        if symbol == "XRPUSDT":
            raise RuntimeError("secret of the venue's library")
        return await super().candles(symbol, timeframe, start_ms, end_ms)


class Down(PaperExchange):
    """A venue that does not answer."""

    async def contracts(self) -> Mapping[str, Listing]:
        raise VenueUnavailable("paper", "contracts", "no route to the venue")


async def test_a_venue_that_fails_unexpectedly_for_some_symbols(
    opened: Service, runner_on: MakeRunner
) -> None:
    whole = (await opened.runner.run(RunRequest(actor="test", as_of_ms=SHORTS))).to_json()["data"]
    answer = (
        await runner_on(Faulty(PaperOptions())).run(RunRequest(actor="test", as_of_ms=SHORTS, workers=2))
    ).to_json()
    data = answer["data"]

    assert answer["status"] == "partial_success"
    assert {(e["symbol"], e["stage"], e["code"]) for e in data["errors"]} == {
        ("SOLUSDT", "trade_entry", "exception_during_trade_entry"),
        ("XRPUSDT", "candles", "candles_unavailable"),
    }
    assert not [e for e in data["errors"] if "secret" in e["message"]]
    sol = data["symbols"]["SOLUSDT"]
    assert (sol["status"], sol["trading_decision"]["status"]) == ("READY", "error")
    for symbol in set(data["symbols"]) - {"SOLUSDT", "XRPUSDT"}:
        assert as_sent(data["symbols"][symbol]) == as_sent(whole["symbols"][symbol])


async def test_a_venue_that_does_not_answer(opened: Service, runner_on: MakeRunner) -> None:
    with pytest.raises(RunUnavailable, match="no route to the venue"):
        await runner_on(Down(PaperOptions())).run(RunRequest(actor="test"))
    assert (await opened.journal.runs()).total == 0


async def test_a_journal_that_cannot_be_written(opened: Service) -> None:
    async with opened.database.write() as connection:
        await connection.exec_driver_sql("DROP TABLE trade_decision")

    answer = (await opened.runner.run(RunRequest(actor="test", as_of_ms=SHORTS))).to_json()
    assert answer["status"] == "partial_success"
    (error,) = answer["data"]["errors"]
    assert (error["symbol"], error["stage"], error["code"]) == (None, "journal", "journal_unavailable")
    assert answer["data"]["run"]["symbols_ready"] > 0


def edit_contracts(opened: Service, *edits: tuple[str, str]) -> None:
    file = opened.rulesets.folder / "profiles/scalper_micro/contracts.yaml"
    text = file.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


async def test_a_blacklisted_symbol_is_excluded_and_named(opened: Service) -> None:
    edit_contracts(opened, ("blacklist: []", "blacklist: [ETHUSDT, XRPUSDT]"))

    for symbols in ((), ("BTCUSDT", "ETHUSDT")):
        data = (await opened.runner.run(RunRequest(actor="test", symbols=symbols))).to_json()["data"]
        excluded = ["ETHUSDT", "XRPUSDT"] if not symbols else ["ETHUSDT"]
        assert [(e["symbol"], e["reason"]) for e in data["excluded"]] == [
            (s, "blacklisted") for s in excluded
        ]
        assert not set(excluded) & set(data["symbols"])
        assert data["run"]["symbols_excluded"] == len(excluded)
        assert data["run"]["symbols_requested"] == len(excluded) + len(data["symbols"])


async def test_nothing_left_to_run_is_an_answer_with_a_warning(opened: Service) -> None:
    edit_contracts(opened, ("top_n: 170", "top_n: 0"), ("when_unknown: include", "when_unknown: exclude"))
    answer = (await opened.runner.run(RunRequest(actor="test"))).to_json()
    assert answer["data"]["symbols"] == {}
    assert answer["status"] == "success"
    assert any("no contract of paper" in warning for warning in answer["data"]["warnings"])

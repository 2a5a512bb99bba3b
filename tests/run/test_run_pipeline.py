"""A run from its request to answer and journal, on real recorded candles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from run_answers import BUNDLED, LONG, QUIET, SHORTS, as_sent, lasting

from server.run import RunRequest
from server.service import Service


def leaves(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for inner in value.values():
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)
        case _:
            yield value


async def test_an_empty_request_runs_every_contract_dry_with_the_default_profile(opened: Service) -> None:
    answer = as_sent((await opened.runner.run(RunRequest(actor="test"))).to_json())

    run = answer["data"]["run"]
    assert answer["status"] == run["status"] == "success"
    assert sorted(answer["data"]["symbols"]) == BUNDLED
    assert (run["profile"], run["dry_run"], run["workers"]) == ("scalper_micro", True, 1)
    assert (run["exchange"], run["market_type"], run["validation_mode"]) == (
        "paper",
        "perpetual",
        "pragmatic",
    )
    assert run["fingerprint"] == opened.rulesets.current.profiles["scalper_micro"].fingerprint
    assert run["symbols_requested"] == run["symbols_processed"] == len(BUNDLED)
    assert UUID(run["run_id"]).version == 4


async def test_ready_symbols_carry_a_complete_simulated_plan(opened: Service) -> None:
    result = await opened.runner.run(RunRequest(actor="test", as_of_ms=SHORTS))
    data = as_sent(result.to_json())["data"]

    ready = [symbol for symbol, found in data["symbols"].items() if found["status"] == "READY"]
    assert {"ETHUSDT", "SOLUSDT", "BNBUSDT"} <= set(ready)
    for symbol in ready:
        found = data["symbols"][symbol]
        decision = found["trading_decision"]
        assert (decision["status"], decision["exchange_order_id"]) == ("simulated", None)
        assert decision["client_order_id"].startswith("SIM")
        plan = decision["raw"]["plan"]
        assert plan["side"] == found["signal_side"] == "short"
        assert float(plan["take_profit"]) < float(plan["entry"]) < float(plan["stop"])
        assert found["execution_tf"] == "1m"
        assert float(found["atr"]) > 0
        assert float(found["current_price"]) > 0
    assert data["orders_placed"]["count"] == {"total": len(ready), "submitted": 0, "simulated": len(ready)}
    assert [order["symbol"] for order in data["orders_placed"]["orders"]] == ready
    assert data["last_validated"] == [
        {"symbol": symbol, "side": "short", "timeframe": "READY"} for symbol in sorted(ready)
    ]
    assert data["summary_by_tf"]["1m"][: len(ready)] or ready


async def test_every_symbol_is_counted_once_in_each_aggregate(opened: Service) -> None:
    for instant in (SHORTS, LONG, QUIET):
        data = as_sent((await opened.runner.run(RunRequest(actor="test", as_of_ms=instant))).to_json())[
            "data"
        ]
        symbols, run = data["symbols"], data["run"]
        rejected = sorted(s for s, found in symbols.items() if found["status"] != "READY")

        assert sorted(s for group in data["summary_by_tf"].values() for s in group) == sorted(symbols)
        assert data["rejected_by"] == rejected
        assert sorted(s for group in data["rejected_by_reason"].values() for s in group) == rejected
        assert [entry["symbol"] for entry in data["last_validated"]] == sorted(set(symbols) - set(rejected))
        assert run["symbols_ready"] + run["symbols_invalid"] + run["symbols_failed"] == len(symbols)
        assert run["symbols_successful"] == run["symbols_ready"]
        assert run["symbols_skipped"] == run["symbols_invalid"]
        assert run["success_rate"] == round(100 * run["symbols_ready"] / len(symbols), 2)


async def test_the_answer_does_not_depend_on_the_number_of_workers(opened: Service) -> None:
    for instant in (SHORTS, LONG):
        answers = [
            lasting(
                (
                    await opened.runner.run(
                        RunRequest(actor="test", as_of_ms=instant, workers=workers, verbose=True)
                    )
                ).to_json()
            )
            for workers in (1, 4, 16)
        ]
        assert answers[0] == answers[1] == answers[2]


async def test_facts_kept_from_run_to_run_change_nothing(opened: Service, runner_on: Any) -> None:
    """Minute after minute with one runner, and each minute with a runner that remembers nothing."""
    minutes = [SHORTS + step * 60_000 for step in (0, 1, 2, 5, -3, 0)]
    for instant in minutes:
        request = RunRequest(actor="test", as_of_ms=instant, verbose=True)
        kept = await opened.runner.run(request)
        fresh = await runner_on(opened.venues["paper"]).run(request)
        assert lasting(kept.to_json()) == lasting(fresh.to_json())


async def test_requested_symbols_keep_their_order_without_blanks_and_duplicates(opened: Service) -> None:
    request = RunRequest(actor="test", symbols=(" ethusdt", "BTCUSDT", "", "EthUsdt ", "bnbusdt"))
    data = (await opened.runner.run(request)).to_json()["data"]
    assert list(data["symbols"]) == ["ETHUSDT", "BTCUSDT", "BNBUSDT"]


async def test_verbose_adds_facts_and_outcomes_per_timeframe(opened: Service) -> None:
    plain = as_sent((await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG))).to_json())
    verbose = as_sent(
        (await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG, verbose=True))).to_json()
    )

    assert "extra" not in json.dumps(plain)
    for found in verbose["data"]["symbols"].values():
        for decision in found["context"]["timeframe_decisions"] + found["execution"]["timeframe_decisions"]:
            extra = decision["extra"]
            assert extra["facts"]["close"] > 0
            passed = [name for name, outcome in extra["conditions"].items() if outcome == "pass"]
            assert passed == decision["rules_passed"]


async def test_numbers_of_an_answer_are_finite_and_instants_have_a_zone(opened: Service) -> None:
    result = await opened.runner.run(RunRequest(actor="test", as_of_ms=SHORTS, verbose=True))
    text = json.dumps(result.to_json(), allow_nan=False)
    for leaf in leaves(json.loads(text)):
        if isinstance(leaf, str) and leaf[:4] in ("2025", "2026") and "T" in leaf:
            assert leaf.endswith("Z")


async def test_a_run_is_in_the_journal_under_its_own_id(opened: Service) -> None:
    answer = (await opened.runner.run(RunRequest(actor="cli:someone", as_of_ms=SHORTS, workers=3))).to_json()
    run, symbols = answer["data"]["run"], answer["data"]["symbols"]

    stored = await opened.journal.run(run["run_id"])
    assert stored.run.summary.actor == "cli:someone"
    assert stored.run.summary.status == "success"
    assert stored.run.request["symbols"] == list(symbols)
    assert [d.symbol for d in stored.decisions] == list(symbols)
    for decision in stored.decisions:
        told = symbols[decision.symbol]
        assert decision.status == told["status"]
        assert decision.reason == told["reason"]
        assert decision.blocking_timeframe == told["blocking_tf"]
        assert decision.trade == told["trading_decision"]


async def test_progress_counts_every_symbol_of_every_stage(opened: Service) -> None:
    told: list[tuple[str, int, int]] = []
    request = RunRequest(actor="test", as_of_ms=SHORTS, workers=4)
    result = await opened.runner.run(request, lambda *step: told.append(step))

    last = {stage: (done, total) for stage, done, total in told}
    ready = result.count("READY")
    assert last == {"candles": (8, 8), "verdicts": (8, 8), "trade entry": (ready, ready)}


@pytest.mark.parametrize("instant", [SHORTS, LONG, QUIET])
async def test_blocking_timeframe_is_the_first_that_said_no(opened: Service, instant: int) -> None:
    data = as_sent((await opened.runner.run(RunRequest(actor="test", as_of_ms=instant))).to_json())["data"]
    for found in data["symbols"].values():
        context = [d["timeframe"] for d in found["context"]["timeframe_decisions"] if not d["valid"]]
        execution = [d["timeframe"] for d in found["execution"]["timeframe_decisions"]]
        wanted = None if found["status"] == "READY" else (context + execution)[0]
        assert found["blocking_tf"] == wanted

"""A run while timeframes of symbols are switched off: its answer, its record, what is asked of it later."""

from __future__ import annotations

from typing import Any

import pytest
from run_answers import READY, as_sent, lasting
from syrupy.assertion import SnapshotAssertion
from test_eligibility import live, off

from engine.explain import explain
from engine.ruleset import Profile
from server.journal import Journal, RunFilter
from server.overview.audit import AuditFilter, audit
from server.overview.why import why
from server.run import RunRequest
from server.run.result import RunResult
from server.service import Service
from server.switches.switch import SwitchKey

MINUTE_MS = 60_000
SUI_5M = SwitchKey.of_timeframe("SUIUSDT", "5m")
SUI_1M = SwitchKey.of_timeframe("SUIUSDT", "1m")
LINK_1M = SwitchKey.of_timeframe("LINKUSDT", "1m")
WHOLE = RunFilter(from_ms=READY - MINUTE_MS, to_ms=READY + MINUTE_MS)


def rules_of(canonical: Any) -> Any:
    return Profile.from_canonical(canonical).rules


async def now(service: Service, **more: Any) -> RunResult:
    """A dry run of the instant at which the clock began, which is still the present."""
    return await service.runner.run(RunRequest(actor="test", as_of_ms=READY, **more))


def answers(result: RunResult) -> dict[str, Any]:
    return as_sent(result.to_json())["data"]["symbols"]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (SUI_5M, "pragmatic_context_has_invalid_timeframes"),
        (SUI_1M, "no_timeframe_selected"),
    ],
    ids=["context", "execution"],
)
async def test_the_answer(trading: Service, key: SwitchKey, reason: str, golden: SnapshotAssertion) -> None:
    before = answers(await now(trading))
    await off(trading, key)
    found = answers(await now(trading))
    switched = found.pop("SUIUSDT")
    assert before.pop("SUIUSDT")["status"] == "READY"
    assert found == before
    assert (switched["status"], switched["reason"]) == ("INVALID", reason)
    assert (switched["blocking_tf"], switched["trading_decision"]) == (key.timeframe, None)
    assert switched == golden


async def test_a_switch_ends_by_itself_or_by_hand(trading: Service) -> None:
    await off(trading, SUI_1M, 1)
    assert answers(await now(trading))["SUIUSDT"]["status"] == "READY"
    await off(trading, SUI_1M)
    assert answers(await now(trading))["SUIUSDT"]["status"] == "INVALID"
    await trading.switches.turn(SUI_1M, on=True, reason="over", actor="operator", now_ms=READY)
    assert answers(await now(trading))["SUIUSDT"]["status"] == "READY"


async def test_no_order_of_what_is_switched_off(trading: Service) -> None:
    await off(trading, SUI_1M)
    data = (await trading.runner.run(live(symbols=("SUIUSDT", "LINKUSDT")))).to_json()["data"]
    assert data["symbols"]["SUIUSDT"]["trading_decision"] is None
    assert [order.symbol for order in (await trading.orders.page()).items] == ["LINKUSDT"]


async def test_timeframes_that_the_profile_does_not_decide_on(trading: Service) -> None:
    before = lasting((await now(trading)).to_json())
    await off(trading, SwitchKey.of_timeframe("SUIUSDT", "15m"))
    await off(trading, SwitchKey.of_timeframe("GONEUSDT", "1m"))
    assert lasting((await now(trading)).to_json()) == before


async def test_a_run_about_the_past_knows_no_switches_of_timeframes(opened: Service) -> None:
    await off(opened, SUI_1M)
    result = await now(opened)
    assert (result.run.present, result.run.timeframes_off) == (False, frozenset())
    assert answers(result)["SUIUSDT"]["status"] == "READY"


async def test_switches_do_not_depend_on_the_number_of_workers(trading: Service) -> None:
    for key in (SUI_5M, LINK_1M):
        await off(trading, key)
    found = [lasting((await now(trading, workers=w, verbose=True)).to_json()) for w in (1, 3, 16)]
    assert found[0] == found[1] == found[2]
    symbols = found[0]["data"]["symbols"]
    assert {symbols[name]["status"] for name in ("SUIUSDT", "LINKUSDT")} == {"INVALID"}


@pytest.mark.parametrize("workers", [1, 4])
async def test_the_record_explains_as_the_run_did(trading: Service, workers: int) -> None:
    for key in (SUI_5M, LINK_1M):
        await off(trading, key)
    result = await now(trading, workers=workers)
    for symbol, judged in result.findings.judged.items():
        decision = f"{result.run_id}.{symbol}"
        restored = await Journal(trading.database).restored(decision, rules_of)
        now_said, then_said = explain(restored.batch, restored.row), explain(judged.batch, judged.row)
        assert now_said.to_json() == then_said.to_json()
        assert restored.batch.verdict(restored.row) == judged.verdict
        if symbol == "SUIUSDT":
            assert now_said.sentence == "5m is switched off"


async def test_what_is_asked_later(trading: Service) -> None:
    """Before, while and after it was off; of the past only what was recorded counts."""
    await now(trading)
    await off(trading, LINK_1M)
    during = await now(trading)
    await trading.switches.turn(LINK_1M, on=True, reason="over", actor="operator", now_ms=READY)
    await now(trading)
    said = await why(trading.journal, trading.orders, rules_of, "LINKUSDT", WHOLE, 3)
    (profile,) = said["profiles"]
    instant = "2025-06-01T07:46:00Z"
    assert profile["switched_off"] == [
        {"timeframe": "1m", "phase": "execution", "runs": 1, "first": instant, "last": instant}
    ]
    assert profile["by_status"] == {"no_run": 0, "READY": 2, "INVALID": 1}
    other = await why(trading.journal, trading.orders, rules_of, "SUIUSDT", WHOLE, 3)
    assert other["profiles"][0]["switched_off"] == []
    wanted = AuditFilter(reason="timeframe_switch_off")
    (row,) = (await audit(trading.journal, rules_of, wanted, WHOLE, 1, 10)).page.items
    found = row["run_id"], row["symbol"], row["timeframe"], row["invalid_reason"]
    assert found == (during.run_id, "LINKUSDT", "1m", "timeframe_switch_off")

"""The acceptance list of a run, point by point under its number. Point 12, the selection of contracts, is in
``tests/trade_entry/test_contract_selection.py``.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from litestar.testing import AsyncTestClient
from run_answers import BUNDLED, LONG, QUIET, READY, SHORTS, as_sent, lasting
from syrupy.assertion import SnapshotAssertion
from venues_between import Between, Meanwhile, Mute, another_runner

from engine.candles import CandleSet, Timeframe
from engine.ruleset import load
from engine.verdict import Verdict
from server.api import create_app
from server.exchange.trading import Accepted, TriggerRequest
from server.execution.realigning import Realigned
from server.fixed_code import FIXED_CODE
from server.instants import at, machine_ms
from server.orders.store import Orders
from server.run import RunInProgress, RunRequest
from server.run.memory import ProfileMemory
from server.run.runner import Runner
from server.run.verdicts import Candles, decide_share
from server.service import Service, service
from server.settings import Settings, shipped_rules
from server.switches.switch import GLOBAL

Api = AsyncTestClient[Any]
MakeRunner = Callable[[Any], Runner]

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
TRADER = "t-0123456789abcdefghijklmn"
RUNNER = "u-0123456789abcdefghijklmn"
MINUTE_MS = 60_000


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """The application with keys, on a paper clock that runs from a minute with READY symbols; a second
    profile stands beside the shipped one.
    """
    rules = settings.rules_dir
    (rules / "profiles" / "second").mkdir()
    for kind in ("validation", "trade_entry", "contracts"):
        text = f"kind: {kind}\nprofile: second\nversion: 1\nextends: scalper_micro\n"
        (rules / "profiles" / "second" / f"{kind}.yaml").write_text(text)
    listed = rules / "service.yaml"
    listed.write_text(f"{listed.read_text().rstrip()}\n  - {{name: second, enabled: false}}\n")
    keys = f"trader:trade:{TRADER},runner:run:{RUNNER}"
    running = Settings.model_validate(
        settings.model_dump() | {"paper_start": READY, "paper_speed": 1.0, "api_keys": keys}
    )
    async with AsyncTestClient(create_app(running), raise_server_exceptions=False) as client:
        yield client


async def ask(api: Api, body: Any, secret: str = RUNNER) -> Any:
    return await api.post("/api/mtf/run", json=body, headers={"X-API-Key": secret})


def live(**more: Any) -> RunRequest:
    return RunRequest(actor="test", dry_run=False, may_trade=True, **more)


async def test_01_an_empty_request_is_dry_with_every_default(api: Api) -> None:
    run = (await ask(api, {})).json()["data"]["run"]
    assert (run["dry_run"], run["profile"], run["workers"]) == (True, "scalper_micro", 1)
    assert run["symbols_requested"] == len(BUNDLED)


async def test_02_symbols_in_every_form_are_one_list(api: Api) -> None:
    forms = ("ethusdt, BTCUSDT,,ethusdt", ["ethusdt", " ", "BtcUsdt ", "ETHUSDT"], ["ETHUSDT", "BTCUSDT"])
    for form in forms:
        data = (await ask(api, {"symbols": form})).json()["data"]
        assert list(data["symbols"]) == ["ETHUSDT", "BTCUSDT"]


async def test_03_live_only_for_an_authorised_caller_and_never_by_mistake(api: Api) -> None:
    for word in ("false", 0, "no"):
        body = {"dry_run": word, "symbols": "BTCUSDT"}
        assert (await ask(api, body)).status_code == 403
        allowed = await ask(api, body, TRADER)
        assert allowed.json()["data"]["run"]["dry_run"] is False
    assert (await ask(api, {"dry_run": "maybe"}, TRADER)).status_code == 400


async def test_04_aliases_and_their_precedence(api: Api) -> None:
    async def run(**body: str) -> Any:
        return (await ask(api, {"symbols": "BTCUSDT"} | body)).json()["data"]["run"]

    assert (await run(mtf_profile="second"))["profile"] == "second"
    assert (await run(profile="scalper_micro", mtf_profile="second"))["profile"] == "scalper_micro"
    both = {"validation_mode": "strict", "context_mode": "pragmatic"}
    assert (await run(**both))["validation_mode"] == "strict"
    both = {"validation_mode": "pragmatic", "context_mode": "pragmatic"}
    assert (await run(mode="strict", **both))["validation_mode"] == "strict"


async def test_05_what_is_open_excludes_and_switches_off_for_five_minutes(trading: Service) -> None:
    await trading.runner.run(live(symbols=("SUIUSDT",)))
    before = machine_ms()
    request = RunRequest(actor="test", symbols=("SUIUSDT",))
    (first,) = (await trading.runner.run(request)).run.excluded
    assert (first.reason, first.switch_was_off) == ("has_open_orders_or_positions", False)
    assert first.switch_until is not None
    assert 0 <= first.switch_until - before - 5 * MINUTE_MS < MINUTE_MS
    switch = (await trading.switches.state(machine_ms())).symbols["SUIUSDT"]
    assert switch.cause == "has_open_orders_or_positions"
    (again,) = (await trading.runner.run(request)).run.excluded
    assert (again.switch_was_off, again.switch_until) == (True, first.switch_until)


@pytest.mark.parametrize("missing", ["positions", "orders"])
async def test_06_a_list_that_cannot_be_read_degrades_the_run(
    trading: Service, placing_on: MakeRunner, missing: str, golden: SnapshotAssertion
) -> None:
    runner = placing_on(Mute(trading.venues["paper"], missing))
    answer = (await runner.run(live(symbols=("SUIUSDT",)))).to_json()
    said = lasting(answer)
    said["data"]["run"]["as_of"] = said["data"]["run"]["as_of"][: len("2025-06-01T07:46")]
    assert said == golden
    data = answer["data"]
    assert data["run"]["degraded"] is True
    assert data["orders_placed"]["count"]["total"] == 0
    assert (await trading.orders.page()).total == 0


class Broken(Between):
    """Answers one symbol's candles with something nobody expects."""

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        if symbol == "XRPUSDT":
            raise RuntimeError("what nobody expects")
        return await self.venue.candles(symbol, timeframe, start_ms, end_ms)


async def test_07_one_symbol_raising_leaves_the_others_alone(opened: Service, runner_on: MakeRunner) -> None:
    request = RunRequest(actor="test", as_of_ms=SHORTS)
    whole = as_sent((await opened.runner.run(request)).to_json())["data"]["symbols"]
    answer = as_sent((await runner_on(Broken(opened.venues["paper"])).run(request)).to_json())
    assert answer["status"] == answer["data"]["run"]["status"] == "partial_success"
    (error,) = answer["data"]["errors"]
    assert set(error) == {"symbol", "stage", "code", "message"}
    assert error["symbol"] == "XRPUSDT"
    for symbol in set(BUNDLED) - {"XRPUSDT"}:
        assert answer["data"]["symbols"][symbol] == whole[symbol]


async def test_08_any_number_of_workers_gives_the_same_answer(opened: Service) -> None:
    for instant in (SHORTS, LONG):
        request = RunRequest(actor="test", as_of_ms=instant)
        one, *others = [
            lasting((await opened.runner.run(replace(request, workers=workers))).to_json())
            for workers in (1, 3, 16)
        ]
        assert others == [one, one]


@pytest.fixture(scope="module")
def recorded() -> dict[int, Candles]:
    """Candles of every bundled symbol at a few instants, and nothing that has seen them before."""
    from server.exchange.paper import PaperExchange, PaperOptions

    venue = PaperExchange(PaperOptions())
    memory = memory_of()

    async def read() -> dict[int, Candles]:
        return {
            instant: {
                symbol: {
                    timeframe: (await venue.candles(symbol, timeframe, start, instant)).closed(instant)
                    for timeframe, start in memory.candle_starts(instant).items()
                }
                for symbol in BUNDLED
            }
            for instant in (SHORTS, READY, LONG, QUIET)
        }

    return asyncio.run(read())


def memory_of() -> ProfileMemory:
    return ProfileMemory(load(shipped_rules(), FIXED_CODE).profiles["scalper_micro"])


@pytest.fixture(scope="module")
def alone(recorded: dict[int, Candles]) -> dict[int, dict[str, Verdict]]:
    """Each symbol decided by itself, one after the other."""
    memory = memory_of()
    return {
        instant: {
            symbol: decide_share(memory, [symbol], candles, instant, "pragmatic")[0][0].verdict
            for symbol in BUNDLED
        }
        for instant, candles in recorded.items()
    }


@pytest.fixture(scope="module")
def kept() -> ProfileMemory:
    """What many runs in a row keep from each other."""
    return memory_of()


@limits(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), instant=st.sampled_from([SHORTS, READY, LONG, QUIET]))
def test_08_any_order_and_any_batches_give_the_same_verdicts(
    seed: int,
    instant: int,
    recorded: dict[int, Candles],
    alone: dict[int, dict[str, Verdict]],
    kept: ProfileMemory,
) -> None:
    draw = random.Random(seed)
    symbols = draw.sample(BUNDLED, draw.randint(1, len(BUNDLED)))
    cuts = sorted(draw.sample(range(1, len(symbols)), draw.randint(0, len(symbols) - 1)))
    batches = [symbols[a:b] for a, b in zip([0, *cuts], [*cuts, len(symbols)], strict=True)]
    for batch in batches:
        judged, failed = decide_share(kept, batch, recorded[instant], instant, "pragmatic")
        assert failed == []
        assert [one.verdict for one in judged] == [alone[instant][symbol] for symbol in batch]


def test_09_every_invalid_reason_has_a_fixture_with_its_exact_text() -> None:
    reasons = load(shipped_rules(), FIXED_CODE).reasons
    invalid = [code for code, reason in reasons.items() if reason.status == "INVALID"]
    assert len(invalid) >= 12
    for code in invalid:
        # What another reason is told by has no file of its own.
        named = "*" if code == "context_invalid" else f"*[[]{code}[]]"
        files = GOLDEN.glob(f"test_reasons_golden/test_{named}.json")
        assert any(f'"{code}"' in file.read_text() for file in files), f"no golden file shows {code}"


PRECONDITIONS = (
    ("missing_execution_tf", {"execution_timeframe": None}),
    ("unsupported_execution_tf", {"execution_timeframe": "30m", "validate_all_timeframes": True}),
    ("execution_tf_not_allowed_by_trade_entry", {"execution_tf_allowed": False}),
    ("missing_signal_side", {"signal_side": None}),
    ("missing_price_and_atr", {"price": None, "atr": None}),
)
FIT: dict[str, Any] = {
    "execution_timeframe": "1m",
    "execution_tf_allowed": True,
    "dry_run": True,
    "validate_all_timeframes": False,
    "signal_side": "long",
    "price": 1.0,
    "atr": 0.1,
}


@pytest.mark.parametrize("first", range(len(PRECONDITIONS)))
def test_10_the_first_precondition_that_is_missing_blocks(first: int) -> None:
    gate = load(shipped_rules(), FIXED_CODE).gates["preconditions"]
    assert gate.decide(FIT).passed
    assert [check.reason for check in gate.checks] == [name for name, _ in PRECONDITIONS]
    broken = dict(FIT)
    for name, facts in reversed(PRECONDITIONS[first:]):
        if name != "unsupported_execution_tf" or first == 1:
            broken |= facts
    answer = gate.decide(broken)
    assert (answer.outward, answer.blocked_by) == ("trading_conditions_not_met", PRECONDITIONS[first][0])


@pytest.mark.parametrize(("start", "due"), [(READY, False), (READY - MINUTE_MS, True)])
async def test_11_stops_and_targets_are_looked_at_in_minutes_divisible_by_three(
    settings: Settings, start: int, due: bool
) -> None:
    assert (start // MINUTE_MS % 60 % 3 == 0) is due
    running = settings.model_copy(update={"paper_start": start, "paper_speed": 1.0})
    async with service(running, trades=True) as opened:
        for asked in (live(symbols=("BTCUSDT",)), RunRequest(actor="test", symbols=("BTCUSDT",))):
            answer = (await opened.runner.run(asked)).to_json()["data"]
            assert (answer["tp_sl"] is not None) is (due and not asked.dry_run)
        off = (await opened.runner.run(live(symbols=("BTCUSDT",), process_tp_sl=False))).to_json()
        assert off["data"]["tp_sl"] is None


async def test_11_a_position_needs_exactly_one_take_profit(
    settings: Settings, golden: SnapshotAssertion
) -> None:
    update = {"paper_start": at("2025-06-02T17:56:00Z"), "paper_speed": 10.0}
    async with service(settings.model_copy(update=update), trades=True) as opened:
        assert opened.trading is not None
        venue, operations = opened.venues["paper"], opened.trading.operations
        result = await opened.runner.run(live(symbols=("AVAXUSDT",)))
        decision = result.symbols["AVAXUSDT"]["trading_decision"]
        assert decision is not None
        await is_open(opened.orders, decision["decision_key"])
        assert (await operations.align("paper")).skipped == {}
        (target,) = [t for t in await venue.trigger_orders() if t.kind == "take_profit"]
        further = (target.trigger_price * Decimal("0.999")).quantize(target.trigger_price)
        again = replace(target, order_id="", client_order_id="byhand", trigger_price=further)
        wanted = {name: getattr(again, name) for name in TriggerRequest.__dataclass_fields__}
        assert isinstance(await venue.place_trigger(TriggerRequest(**wanted)), Accepted)
        standing = await venue.trigger_orders()
        assert len(standing) == 3
        several: Realigned = await operations.align("paper")
        assert several.to_json() == golden(name="multiple_tp_orders")
        assert await venue.trigger_orders() == standing
        for one in standing:
            if one.kind == "take_profit":
                await venue.cancel_trigger(one)
        without: Realigned = await operations.align("paper")
        assert without.to_json() == golden(name="no_tp_orders")


async def is_open(orders: Orders, key: str) -> None:
    """Waits until the entry has become a position."""
    for _ in range(900):
        if (await orders.intent(key)).state == "open":
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(key)


async def test_13_a_queued_symbol_is_looked_at_once(opened: Service) -> None:
    await opened.switches.queue("XRPUSDT", reason="look", actor="operator", now_ms=machine_ms())
    request = RunRequest(actor="test", symbols=("BTCUSDT",))
    assert list((await opened.runner.run(request)).symbols) == ["BTCUSDT", "XRPUSDT"]
    assert (await opened.switches.state(machine_ms())).queued == ()
    assert list((await opened.runner.run(request)).symbols) == ["BTCUSDT"]


async def test_14_the_global_switch_off_after_validation_means_no_order(
    trading: Service, placing_on: MakeRunner
) -> None:
    async def off() -> None:
        await trading.switches.turn(GLOBAL, on=False, reason="news", actor="operator", now_ms=machine_ms())

    runner = placing_on(Meanwhile(trading.venues["paper"], off))
    found = (await runner.run(live(symbols=("SUIUSDT",)))).symbols["SUIUSDT"]
    assert found["status"] == "READY"
    decision = found["trading_decision"]
    assert decision is not None
    assert (decision["status"], decision["reason"]) == ("skipped", "global_switch_off")
    assert len(await trading.venues["paper"].open_orders()) == 0


@pytest.mark.parametrize("first_per_symbol", [False, True])
@pytest.mark.parametrize("second_per_symbol", [False, True])
async def test_15_of_two_simultaneous_live_runs_the_second_is_refused(
    trading: Service, first_per_symbol: bool, second_per_symbol: bool
) -> None:
    refused: list[str] = []

    async def meanwhile() -> None:
        asked = live(symbols=("BTCUSDT", "LINKUSDT"), lock_per_symbol=second_per_symbol)
        try:
            result = await trading.runner.run(asked)
        except RunInProgress as error:
            refused.append(str(error))
        else:
            refused.extend(one.symbol for one in result.run.excluded if one.reason == "symbol_locked")
        # A dry run is in nobody's way.
        await trading.runner.run(RunRequest(actor="test", symbols=("BTCUSDT",)))

    runner = another_runner(trading, Meanwhile(trading.venues["paper"], meanwhile))
    result = await runner.run(live(symbols=("BTCUSDT",), lock_per_symbol=first_per_symbol))
    assert list(result.symbols) == ["BTCUSDT"]
    if first_per_symbol and second_per_symbol:
        assert refused == ["BTCUSDT"]
    else:
        assert len(refused) == 1
        assert f"{result.run_id} of test" in refused[0]
    # Both are over, so that nothing is held any more.
    assert (await trading.run_locks.page(now_ms=machine_ms())).total == 0
    await trading.runner.run(live(symbols=("BTCUSDT",)))


async def test_15_the_second_gets_409_that_says_who(api: Api) -> None:
    opened: Service = api.app.state.service
    held = {"run_id": "another", "holder": "bot", "ttl_sec": 60, "now_ms": machine_ms()}
    await opened.run_locks.acquire("paper:perpetual:scalper_micro", **held)
    response = await ask(api, {"dry_run": False, "symbols": "BTCUSDT"}, TRADER)
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == "urn:entrygate:problem:run-in-progress"
    assert "another of bot" in problem["detail"]
    other = await ask(api, {"dry_run": False, "symbols": "BTCUSDT", "profile": "second"}, TRADER)
    assert other.status_code == 200


async def test_16_the_same_decision_again_is_one_order(trading: Service) -> None:
    asked = live(symbols=("SUIUSDT",), skip_open_state_filter=True)
    first, second = [
        (await trading.runner.run(asked)).symbols["SUIUSDT"]["trading_decision"] for _ in range(2)
    ]
    assert first is not None
    assert second is not None
    assert (first["status"], second["status"]) == ("submitted", "skipped")
    assert first["decision_key"] == second["decision_key"]
    assert (await trading.orders.page()).total == 1
    assert len(await trading.venues["paper"].open_orders()) == 1
    assert json.loads(json.dumps(second))["reason"] == "duplicate_decision_key"

"""Which symbols a run looks at, and what it says of the others: golden for every reason of the gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from run_answers import QUIET, READY, as_sent
from syrupy.assertion import SnapshotAssertion
from test_run_isolation import edit_contracts
from venues_between import Mute, another_runner

from engine.ruleset import load
from server.exchange.paper import PaperExchange, PaperOptions
from server.fixed_code import FIXED_CODE
from server.instants import machine_ms
from server.run import RequestProblem, RunRequest, RunUnavailable
from server.run.runner import Runner
from server.service import Service
from server.settings import shipped_rules
from server.switches.switch import GLOBAL, SwitchKey

MINUTE_MS = 60_000
MakeRunner = Callable[[Any], Runner]
BTC = SwitchKey.of_symbol("BTCUSDT")


def live(**more: Any) -> RunRequest:
    return RunRequest(actor="test", dry_run=False, may_trade=True, **more)


async def place(service: Service, symbol: str = "SUIUSDT") -> None:
    """An entry of ours that rests at the venue."""
    decision = (await service.runner.run(live(symbols=(symbol,)))).symbols[symbol]["trading_decision"]
    assert decision is not None
    assert decision["status"] == "submitted"


async def off(service: Service, key: SwitchKey, for_ms: int | None = None) -> None:
    await service.switches.turn(
        key, on=False, reason="news", actor="operator", now_ms=machine_ms(), for_ms=for_ms
    )


async def excluded(service: Service, *symbols: str, **more: Any) -> dict[str, Any]:
    """The exclusions of a dry run, by symbol, without instants of this machine's clock."""
    answer = as_sent((await service.runner.run(RunRequest(actor="test", symbols=symbols, **more))).to_json())
    data = answer["data"]
    assert data["run"]["symbols_excluded"] == len(data["excluded"])
    assert not {one["symbol"] for one in data["excluded"]} & set(data["symbols"])
    for one in data["excluded"]:
        one["switch_until"] = None if one["switch_until"] is None else "…"
    return {one["symbol"]: one for one in data["excluded"]}


async def unknown_symbol(service: Service) -> str:
    await service.switches.queue("GONEUSDT", reason="look", actor="operator", now_ms=machine_ms())
    return "GONEUSDT"


async def global_switch_off(service: Service) -> str:
    await off(service, GLOBAL)
    return "BTCUSDT"


async def blacklisted(service: Service) -> str:
    await service.blacklist.add("BTCUSDT", reason="illiquid", actor="operator", now_ms=machine_ms())
    return "BTCUSDT"


async def has_open_orders_or_positions(service: Service) -> str:
    await place(service)
    return "SUIUSDT"


async def symbol_switch_off(service: Service) -> str:
    await off(service, BTC, 15 * MINUTE_MS)
    return "BTCUSDT"


WAYS = (unknown_symbol, global_switch_off, blacklisted, has_open_orders_or_positions, symbol_switch_off)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_excluded(trading: Service, way: Any, golden: SnapshotAssertion) -> None:
    symbol = await way(trading)
    found = await excluded(trading, "BTCUSDT", "SUIUSDT")
    assert found[symbol]["reason"] == way.__name__
    assert found[symbol] == golden


async def test_symbol_locked(trading: Service, golden: SnapshotAssertion) -> None:
    held = {"run_id": "another", "holder": "test", "ttl_sec": 60, "now_ms": machine_ms()}
    await trading.run_locks.acquire("paper:perpetual:scalper_micro:BTCUSDT", **held)
    answer = (await trading.runner.run(live(symbols=("BTCUSDT", "SUIUSDT"), lock_per_symbol=True))).to_json()
    assert list(answer["data"]["symbols"]) == ["SUIUSDT"]
    assert as_sent(answer)["data"]["excluded"] == golden


def test_every_reason_of_the_gate_is_shown() -> None:
    gate = load(shipped_rules(), FIXED_CODE).gates["eligibility"]
    assert {check.reason for check in gate.checks} == {way.__name__ for way in WAYS} | {"symbol_locked"}


async def test_the_first_reason_counts(trading: Service) -> None:
    """In the order of the gate: what is open before a switch, which the open state itself turns off."""
    await place(trading)
    await off(trading, SwitchKey.of_symbol("SUIUSDT"))
    assert (await excluded(trading, "SUIUSDT"))["SUIUSDT"]["reason"] == "has_open_orders_or_positions"
    await trading.blacklist.add("SUIUSDT", reason="manual", actor="operator", now_ms=machine_ms())
    assert (await excluded(trading, "SUIUSDT"))["SUIUSDT"]["reason"] == "blacklisted"
    await off(trading, GLOBAL)
    assert (await excluded(trading, "SUIUSDT"))["SUIUSDT"]["reason"] == "global_switch_off"


async def test_the_blacklist_of_the_profile(opened: Service) -> None:
    edit_contracts(opened, ("blacklist: []", "blacklist: [ETHUSDT]"))
    assert (await excluded(opened, "ETHUSDT"))["ETHUSDT"]["reason"] == "blacklisted"


async def test_a_run_about_the_past_knows_no_switches(opened: Service) -> None:
    """Those of today say nothing of then, and nothing is changed by it."""
    await off(opened, GLOBAL)
    await opened.switches.queue("BTCUSDT", reason="look", actor="operator", now_ms=machine_ms())
    assert await excluded(opened, "ETHUSDT", as_of_ms=READY) == {}
    assert (await opened.switches.state(machine_ms())).queued
    request = RunRequest(actor="test", symbols=("ETHUSDT",), as_of_ms=READY)
    assert (await opened.runner.run(request)).to_json()["data"]["run"]["open_state"] is None
    assert list(await excluded(opened, as_of_ms=QUIET)) != []


async def test_switches_that_cannot_be_read(opened: Service) -> None:
    async with opened.database.write() as connection:
        await connection.exec_driver_sql('ALTER TABLE "switch" RENAME TO gone')
    with pytest.raises(RunUnavailable, match="switches cannot be read"):
        await opened.runner.run(RunRequest(actor="test"))


async def test_exclusions_of_an_answer(trading: Service, golden: SnapshotAssertion) -> None:
    await place(trading)
    await trading.blacklist.add("BTCUSDT", reason="manual", actor="operator", now_ms=machine_ms())
    await off(trading, SwitchKey.of_symbol("ETHUSDT"))
    request = RunRequest(actor="test", symbols=("ETHUSDT", "BTCUSDT", "SUIUSDT"))
    answer = as_sent((await trading.runner.run(request)).to_json())
    data, run = answer["data"], answer["data"]["run"]
    counts = {name: value for name, value in run.items() if name.startswith("symbols_")}
    kept = {name: data[name] for name in ("symbols", "excluded", "errors", "warnings")}
    for one in kept["excluded"]:
        one["switch_until"] = None if one["switch_until"] is None else "…"
    assert {"status": answer["status"], "message": answer["message"], **counts, **kept} == golden
    stored = await trading.journal.run(run["run_id"])
    assert {one["symbol"] for one in stored.run.excluded} == {"ETHUSDT", "BTCUSDT", "SUIUSDT"}


@pytest.mark.parametrize("lists", [("positions",), ("orders",), ("positions", "orders")], ids="+".join)
async def test_a_degraded_run_goes_by_what_is_stored(
    trading: Service, placing_on: MakeRunner, lists: tuple[str, ...]
) -> None:
    await place(trading)
    runner = placing_on(Mute(trading.venues["paper"], *lists))
    result = await runner.run(live(symbols=("SUIUSDT", "LINKUSDT")))
    data = result.to_json()["data"]
    assert (data["run"]["degraded"], data["run"]["open_state"]) == (True, "database")
    assert data["run"]["status"] == "partial_success"
    assert [one["symbol"] for one in data["excluded"]] == ["SUIUSDT"]
    (error,) = data["errors"]
    assert (error["symbol"], error["stage"], error["code"]) == (None, "sync_tables", "open_state_unavailable")
    decision = data["symbols"]["LINKUSDT"]["trading_decision"]
    assert decision is not None
    assert (decision["status"], decision["reason"]) == ("skipped", "open_state_unavailable")
    assert (await trading.orders.page()).total == 1
    stored = await trading.journal.run(data["run"]["run_id"])
    assert stored.run.summary.degraded is True


async def test_a_failed_reading_ends_no_exclusion(trading: Service, placing_on: MakeRunner) -> None:
    """It is not known that nothing is open, so that what was switched off because of it stays off."""
    rules = trading.rulesets.current.service.exclusion
    await trading.switches.exclude(["LINKUSDT"], machine_ms(), rules)
    mute = placing_on(Mute(trading.venues["paper"], "orders"))
    request = RunRequest(actor="test", symbols=("LINKUSDT",))
    (one,) = (await mute.run(request)).run.excluded
    assert (one.reason, one.switch_was_off) == ("symbol_switch_off", True)
    assert (await trading.runner.run(request)).run.excluded == ()


async def test_skipping_the_filter(trading: Service) -> None:
    """The symbol is decided on; the guards still place no second entry, and no switch is turned."""
    await place(trading)
    request = RunRequest(actor="test", symbols=("SUIUSDT",), skip_open_state_filter=True)
    result = await trading.runner.run(request)
    decision = result.symbols["SUIUSDT"]["trading_decision"]
    assert decision is not None
    assert decision["status"] == "skipped"
    assert (await trading.switches.state(machine_ms())).symbols == {}
    # What a run switched off because of it is skipped with it; what a person did is not.
    await excluded(trading, "SUIUSDT")
    assert (await trading.runner.run(request)).run.excluded == ()
    await off(trading, SwitchKey.of_symbol("SUIUSDT"))
    (one,) = (await trading.runner.run(request)).run.excluded
    assert one.reason == "symbol_switch_off"


async def test_what_is_stored_has_to_be_fresh_for_orders(trading: Service) -> None:
    asked = live(symbols=("BTCUSDT",), sync_tables=False)
    with pytest.raises(RequestProblem, match="nothing is stored"):
        await trading.runner.run(asked)
    await trading.runner.run(live(symbols=("BTCUSDT",)))
    data = (await trading.runner.run(asked)).to_json()["data"]
    assert data["run"]["open_state"] == "database"
    known = await trading.orders.open_state("paper", "main")
    assert known is not None
    old = replace(known, at=known.at - 10 * MINUTE_MS)
    await trading.orders.keep_open_state("paper", "main", old)
    with pytest.raises(RequestProblem, match="older than 90 s") as refused:
        await trading.runner.run(asked)
    assert refused.value.field == "sync_tables"
    dry = RunRequest(actor="test", symbols=("BTCUSDT",), sync_tables=False)
    assert (await trading.runner.run(dry)).to_json()["data"]["run"]["open_state"] == "database"


async def test_what_a_process_that_only_looks_knows(trading: Service) -> None:
    """It has a paper account of its own, so that only the database tells; and it turns no switch."""
    await place(trading)
    looking = another_runner(trading, PaperExchange(PaperOptions()), looks=True)
    request = RunRequest(actor="test", symbols=("SUIUSDT",))
    (one,) = (await looking.run(request)).run.excluded
    assert (one.reason, one.switch_until) == ("has_open_orders_or_positions", None)
    assert (await trading.switches.state(machine_ms())).symbols == {}

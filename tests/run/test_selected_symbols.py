"""The symbols of a run that names none: places in the selection, what is kept out, a venue that is away."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from run_answers import QUIET, READY, as_sent
from syrupy.assertion import SnapshotAssertion
from test_eligibility import live, off, place
from test_run_isolation import edit_contracts
from venues_between import Between

from server.exchange.errors import VenueUnavailable
from server.exchange.port import Listing
from server.instants import machine_ms
from server.overview.contracts import ContractFilter
from server.overview.contracts import selected as page_of
from server.run import RunRequest, RunUnavailable
from server.run.result import RunResult
from server.run.runner import Runner
from server.service import Service
from server.switches.switch import GLOBAL, SwitchKey

MINUTE_MS = 60_000
MakeRunner = Callable[[Any], Runner]
OPEN = "has_open_orders_or_positions"


async def run(service: Service, **more: Any) -> RunResult:
    return await service.runner.run(RunRequest(actor="test", **more))


def left_out(result: RunResult) -> dict[str, str]:
    return {one.symbol: one.reason for one in result.run.excluded}


def only_two(service: Service) -> None:
    """The profile selects the two most traded contracts."""
    edit_contracts(service, ("top_n: 170", "top_n: 2"), ("when_unknown: include", "when_unknown: exclude"))


async def blacklist(service: Service, symbol: str) -> None:
    await service.blacklist.add(symbol, reason="illiquid", actor="operator", now_ms=machine_ms())


async def ranked(service: Service) -> list[str]:
    """The three most traded contracts."""
    edit_contracts(service, ("top_n: 2", "top_n: 3"))
    found = list((await run(service)).run.symbols)
    edit_contracts(service, ("top_n: 3", "top_n: 2"))
    assert len(found) == 3
    return found


async def test_what_is_kept_out_takes_no_place(trading: Service) -> None:
    only_two(trading)
    first, second, third = await ranked(trading)
    assert (await run(trading)).run.symbols == (first, second)
    await off(trading, SwitchKey.of_symbol(first))
    found = await run(trading)
    assert (found.run.symbols, left_out(found)) == ((second, third), {first: "symbol_switch_off"})
    await blacklist(trading, second)
    found = await run(trading)
    assert found.run.symbols[0] == third
    assert len(found.run.symbols) == 2
    assert left_out(found) == {first: "symbol_switch_off", second: "blacklisted"}
    edit_contracts(trading, ("blacklist: []", f"blacklist: [{third}]"))
    found = await run(trading)
    assert len(found.run.symbols) == 2
    assert left_out(found) == {
        first: "symbol_switch_off", second: "blacklisted", third: "blacklisted"
    }  # fmt: skip


async def test_a_run_selects_what_the_contracts_page_shows(trading: Service) -> None:
    only_two(trading)
    first, second, _ = await ranked(trading)
    await off(trading, SwitchKey.of_symbol(first))
    await blacklist(trading, second)
    found = await run(trading)
    shown = await page_of(trading, trading.venues["paper"], found.run.profile)
    page = shown.page(ContractFilter(selected=True), 1, 50)
    assert [one["symbol"] for one in page["items"]] == list(found.run.symbols)


async def test_a_run_about_the_past_selects_as_if_everything_were_on(opened: Service) -> None:
    """The switches of today say nothing of then; the profile's own blacklist is a rule."""
    whole = (await run(opened, as_of_ms=QUIET - 60 * MINUTE_MS)).run.symbols
    first, second, third, *rest = whole
    await off(opened, SwitchKey.of_symbol(first))
    await blacklist(opened, second)
    edit_contracts(opened, ("blacklist: []", f"blacklist: [{third}]"))
    found = await run(opened, as_of_ms=QUIET - 60 * MINUTE_MS)
    assert (found.run.symbols, left_out(found)) == ((first, second, *rest), {third: "blacklisted"})


async def test_named_symbols_are_looked_at_as_before(trading: Service) -> None:
    """They are in no selection, so that nobody takes the place of one that is kept out."""
    only_two(trading)
    first, second, third = await ranked(trading)
    await off(trading, SwitchKey.of_symbol(first))
    await blacklist(trading, second)
    found = await run(trading, symbols=(first, third))
    assert (found.run.symbols, left_out(found)) == ((third,), {first: "symbol_switch_off"})


async def test_what_nothing_keeps_open_any_more_has_its_place_again(trading: Service) -> None:
    """A switch that a run turned is on again before anything is selected."""
    only_two(trading)
    first, second, third = await ranked(trading)
    await trading.switches.exclude([first], machine_ms(), trading.rulesets.current.service.exclusion)
    assert (await run(trading)).run.symbols == (first, second)
    await trading.switches.exclude([first], machine_ms(), trading.rulesets.current.service.exclusion)
    skipping = await run(trading, skip_open_state_filter=True)
    assert (skipping.run.symbols, left_out(skipping)) == ((first, second), {})
    stale = await run(trading, sync_tables=False)
    assert (stale.run.symbols, left_out(stale)) == ((second, third), {first: "symbol_switch_off"})


async def test_what_is_open_is_named_whatever_switched_it_off(trading: Service) -> None:
    await place(trading)
    assert left_out(await run(trading)) == {"SUIUSDT": OPEN}
    assert (await trading.switches.state(machine_ms())).symbols.keys() == {"SUIUSDT"}
    assert left_out(await run(trading)) == {"SUIUSDT": OPEN}


async def test_with_everything_switched_off_everything_is_named(opened: Service) -> None:
    whole = (await run(opened)).run.symbols
    await off(opened, GLOBAL)
    found = await run(opened)
    assert left_out(found) == dict.fromkeys(whole, "global_switch_off")


async def test_nothing_is_left_to_select(opened: Service) -> None:
    for symbol in (await run(opened)).run.symbols:
        await blacklist(opened, symbol)
    found = await run(opened)
    assert found.run.symbols == ()
    assert set(left_out(found).values()) == {"blacklisted"}
    assert found.run.warnings == ("no contract of paper passes the selection of profile 'scalper_micro'",)


async def test_the_answer(trading: Service, golden: SnapshotAssertion) -> None:
    only_two(trading)
    first, second, _ = await ranked(trading)
    await off(trading, SwitchKey.of_symbol(first))
    await blacklist(trading, second)
    data = as_sent((await run(trading)).to_json())["data"]
    counts = {name: value for name, value in data["run"].items() if name.startswith("symbols_")}
    assert {"symbols": sorted(data["symbols"]), "excluded": data["excluded"], **counts} == golden


class Reticent(Between):
    """Does not say what it lists."""

    async def contracts(self) -> Mapping[str, Listing]:
        raise VenueUnavailable("paper", "contracts", "no route to the venue")


async def test_a_venue_that_does_not_say_what_it_lists(opened: Service, runner_on: MakeRunner) -> None:
    """By what is stored, and the run says how old that is; without it the run cannot begin."""
    away = runner_on(Reticent(opened.venues["paper"]))
    request = RunRequest(actor="test")
    with pytest.raises(RunUnavailable, match="no route to the venue"):
        await away.run(request)
    known = await opened.runner.run(request)
    stored = await opened.contracts.stored("paper")
    assert stored is not None
    found = await away.run(request)
    assert found.run.symbols == known.run.symbols
    (warning,) = as_sent(found.to_json())["data"]["warnings"]
    assert re.fullmatch(
        r"paper does not say what it lists; the contracts that are stored are of \S+Z, 0 min ago", warning
    )
    assert (await opened.journal.run(found.run_id)).run.warnings == (warning,)
    await opened.contracts.store("paper", stored.listings, machine_ms() - 90 * MINUTE_MS)
    (warning,) = (await away.run(request)).run.warnings
    assert warning.endswith("Z, 90 min ago")
    await opened.contracts.store("paper", stored.listings, machine_ms() - 25 * 60 * MINUTE_MS)
    with pytest.raises(RunUnavailable, match="no route to the venue"):
        await away.run(request)


async def test_orders_are_placed_on_what_the_venue_lists_now(
    trading: Service, placing_on: MakeRunner
) -> None:
    await run(trading)
    away = placing_on(Reticent(trading.venues["paper"]))
    with pytest.raises(RunUnavailable, match="orders need to know what paper lists: paper does not say"):
        await away.run(live(symbols=("SUIUSDT",)))
    assert (await away.run(RunRequest(actor="test", symbols=("SUIUSDT",), as_of_ms=READY))).run.symbols
    assert (await trading.orders.page()).total == 0

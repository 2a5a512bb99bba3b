"""Switches: who turned them, when they are off, what a run may change of them, and the queue."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.models.service import ExclusionRules
from server.database import Database, DatabaseAddress, upgrade
from server.orders.store import Orders
from server.switches.durations import duration, duration_ms
from server.switches.errors import SwitchesUnavailable
from server.switches.reading import SwitchFilter
from server.switches.store import Switches
from server.switches.switch import GLOBAL, KEY_PATTERN, Exclusion, Switch, SwitchKey

NOW = 1_748_563_200_000
MINUTE = 60_000
RULES = ExclusionRules(off_sec=300, extend_sec=60)
BTC = SwitchKey.of_symbol("BTCUSDT")
BTC_5M = SwitchKey.of_timeframe("BTCUSDT", "5m")


async def turn(
    switches: Switches, key: SwitchKey, on: bool, minutes: int | None = None, now_ms: int = NOW
) -> bool:
    """Turns a switch; whether that queued the symbol."""
    turned = await switches.turn(
        key,
        on=on,
        reason="news",
        actor="ada",
        now_ms=now_ms,
        for_ms=None if minutes is None else minutes * MINUTE,
    )
    return turned.queued


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("GLOBAL", GLOBAL),
        ("global", GLOBAL),
        ("SYMBOL:btcusdt", BTC),
        ("symbol_tf:BTCUSDT:5M", BTC_5M),
    ],
)
def test_keys_are_read_in_any_case_and_written_in_one(text: str, key: SwitchKey) -> None:
    assert SwitchKey.parse(text) == key
    assert SwitchKey.parse(str(key)) == key
    assert re.fullmatch(KEY_PATTERN, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected GLOBAL, SYMBOL:<symbol> or SYMBOL_TF:<symbol>:<timeframe>"),
        ("BTCUSDT", "expected GLOBAL"),
        ("GLOBAL:BTCUSDT", "expected GLOBAL"),
        ("SYMBOL:", "'' is not a symbol"),
        ("SYMBOL:BTC-USDT", "'BTC-USDT' is not a symbol"),
        (" GLOBAL", "expected GLOBAL"),
        ("SYMBOL:ßUSDT", "'ßUSDT' is not a symbol"),
        ("SYMBOL:BTCUSDT:5m", "expected GLOBAL"),
        ("SYMBOL_TF:BTCUSDT", "expected GLOBAL"),
        ("SYMBOL_TF:BTCUSDT:5n", "'5n' is not a timeframe .*; did you mean 5m"),
    ],
)
def test_what_is_no_key_says_so(text: str, problem: str) -> None:
    assert not re.fullmatch(KEY_PATTERN, text)
    with pytest.raises(ValueError, match=problem):
        SwitchKey.parse(text)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("15m", 15),
        ("4H", 240),
        ("1d", 1440),
        ("38640m", 38640),
        ("1 minute", 1),
        ("2 Hours", 120),
        ("3  days", 4320),
    ],
)
def test_durations_as_operators_write_them(text: str, minutes: int) -> None:
    assert duration_ms(text) == minutes * MINUTE
    assert duration_ms(duration(minutes * MINUTE)) == minutes * MINUTE


@pytest.mark.parametrize(
    "text", ["", "0m", "15", "m", "-1m", "1.5h", "15s", "1w", "1hour", "1000d", "٣m", " 1m", "1m\n"]
)
def test_what_is_no_duration_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 15m, 4h, 1d or 2 hours"):
        duration_ms(text)


@pytest.mark.parametrize("key", [GLOBAL, BTC, BTC_5M], ids=str)
async def test_off_until_its_time_is_over(switches: Switches, other: Switches, key: SwitchKey) -> None:
    def off(state_ms: int, switch: Switch | None) -> tuple[bool, int | None]:
        return switch is not None, None if switch is None else switch.until

    async def seen(now_ms: int) -> tuple[bool, int | None]:
        state = await other.state(now_ms)
        found = {
            "global": state.global_off,
            "symbol": state.symbol_off("BTCUSDT"),
            "timeframe": state.timeframe_off("BTCUSDT", "5m"),
        }
        assert [name for name, switch in found.items() if switch] in ([], [key.scope])
        return off(now_ms, found[key.scope])

    assert await seen(NOW) == (False, None)
    await turn(switches, key, False, 15)
    until = NOW + 15 * MINUTE
    assert await seen(until - 1) == (True, until)
    assert await seen(until) == (False, None)
    # Without a duration an end that is stored, and over, does not make it on.
    await turn(switches, key, False, now_ms=until + 1)
    assert await seen(until + 1) == (True, None)
    await turn(switches, key, False, 1, now_ms=until + 2)
    assert await seen(until + 2) == (True, until + 2 + MINUTE)
    await turn(switches, key, True, now_ms=until + 3)
    assert await seen(until + 3) == (False, None)


async def test_symbols_and_timeframes_are_switched_by_themselves(switches: Switches) -> None:
    await turn(switches, BTC_5M, False)
    await turn(switches, SwitchKey.of_symbol("ETHUSDT"), False)
    state = await switches.state(NOW)
    assert state.timeframe_off("BTCUSDT", "5m")
    assert not state.timeframe_off("BTCUSDT", "1m")
    assert not state.timeframe_off("ETHUSDT", "5m")
    assert (state.symbol_off("BTCUSDT"), state.global_off) == (None, None)
    assert state.symbol_off("ETHUSDT")


async def test_every_change_is_recorded_with_who_and_why(switches: Switches) -> None:
    await turn(switches, GLOBAL, False, 15)
    await turn(switches, GLOBAL, True)
    await switches.queue("BTCUSDT", reason="look", actor="bob", now_ms=NOW)
    acted = (await Orders(switches.database).actions()).items
    assert [(a.action, a.subject, a.actor, a.reason, a.details) for a in acted] == [
        ("queue", "SYMBOL:BTCUSDT", "bob", "look", {}),
        ("switch_on", "GLOBAL", "ada", "news", {"queued": False}),
        ("switch_off", "GLOBAL", "ada", "news", {"until": "2025-05-30T00:15:00Z"}),
    ]


async def test_nothing_changes_without_a_name_and_a_reason(switches: Switches) -> None:
    for actor, reason in ((" ", "why"), ("ada", "")):
        with pytest.raises(ValueError, match="an operator's action needs"):
            await switches.turn(GLOBAL, on=False, reason=reason, actor=actor, now_ms=NOW)
        with pytest.raises(ValueError, match="an operator's action needs"):
            await switches.queue("BTCUSDT", reason=reason, actor=actor, now_ms=NOW)
    with pytest.raises(ValueError, match="only what is switched off can be so for a time"):
        await switches.turn(GLOBAL, on=True, reason="why", actor="ada", now_ms=NOW, for_ms=1)
    state = await switches.state(NOW)
    assert (state.global_off, state.queued) == (None, ())
    assert (await Orders(switches.database).actions()).total == 0


async def test_a_symbol_that_is_taken_is_off_for_five_minutes(switches: Switches) -> None:
    assert await switches.exclude(["BTCUSDT", "ETHUSDT", "BTCUSDT"], NOW, RULES) == (
        Exclusion("BTCUSDT", False, NOW + 5 * MINUTE),
        Exclusion("ETHUSDT", False, NOW + 5 * MINUTE),
    )
    switch = (await switches.state(NOW)).symbol_off("BTCUSDT")
    assert switch is not None
    assert (switch.cause, switch.actor) == ("has_open_orders_or_positions", "run")
    # What is left is more than a minute, then less, then nothing.
    for later, was_off, until in (
        (MINUTE, True, 5 * MINUTE),
        (4 * MINUTE + 1, True, 5 * MINUTE + 1),
        (5 * MINUTE + 1, False, 10 * MINUTE + 1),
    ):
        (again,) = await switches.exclude(["BTCUSDT"], NOW + later, RULES)
        assert again == Exclusion("BTCUSDT", was_off, NOW + until)
    assert (await Orders(switches.database).actions()).total == 0, "no operator did that"


async def test_what_an_operator_switched_off_is_left_alone(switches: Switches) -> None:
    await turn(switches, BTC, False)
    await turn(switches, SwitchKey.of_symbol("ETHUSDT"), False, 1)
    later = NOW + MINUTE - 1
    assert await switches.exclude(["BTCUSDT", "ETHUSDT"], later, RULES) == (
        Exclusion("BTCUSDT", True, None),
        Exclusion("ETHUSDT", True, NOW + MINUTE),
    )
    assert await switches.reactivate([], later) == ()
    state = await switches.state(later)
    assert {s.cause for s in state.symbols.values()} == {"operator"}
    assert len(state.symbols) == 2


async def test_only_what_a_run_switched_off_comes_on_when_it_is_over(switches: Switches) -> None:
    await switches.exclude(["BTCUSDT", "ETHUSDT", "SOLUSDT"], NOW, RULES)
    await turn(switches, SwitchKey.of_symbol("ETHUSDT"), False, 60)
    await turn(switches, BTC_5M, False)
    assert await switches.reactivate(["SOLUSDT"], NOW + 1) == ("BTCUSDT",)
    state = await switches.state(NOW + 1)
    assert set(state.symbols) == {"ETHUSDT", "SOLUSDT"}
    assert state.timeframe_off("BTCUSDT", "5m")
    assert await switches.reactivate([], NOW + 5 * MINUTE) == (), "its time was over before"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    turns=st.lists(
        st.tuples(
            st.sampled_from(["exclude", "off", "off for", "on", "reactivate"]),
            st.integers(0, 7 * MINUTE),
            st.integers(1, 12),
        ),
        max_size=12,
    ),
    off_sec=st.integers(1, 600),
    extend_sec=st.integers(1, 600),
)
async def test_excluding_never_shortens(
    tmp_path_factory: pytest.TempPathFactory,
    turns: list[tuple[str, int, int]],
    off_sec: int,
    extend_sec: int,
) -> None:
    database, rules = _new(tmp_path_factory), ExclusionRules(off_sec=off_sec, extend_sec=extend_sec)
    switches, now = Switches(database), NOW
    for what, later, minutes in turns:
        now += later
        before = (await switches.state(now)).symbol_off("BTCUSDT")
        if what == "reactivate":
            await switches.reactivate([], now)
        elif what != "exclude":
            await turn(switches, BTC, what == "on", minutes if what == "off for" else None, now)
        else:
            (told,) = await switches.exclude(["BTCUSDT"], now, rules)
            after = (await switches.state(now)).symbol_off("BTCUSDT")
            assert after is not None
            assert told == Exclusion("BTCUSDT", before is not None, after.until)
            if before is None:
                assert after.until == now + off_sec * 1000
            elif before.cause == "operator" or before.until is None:
                assert after == before
            else:
                assert after.until == max(before.until, now + extend_sec * 1000)
    await database.close()


async def test_runs_that_exclude_at_once_agree(switches: Switches, other: Switches) -> None:
    tries = [(switches, other)[n % 2].exclude(["BTCUSDT"], NOW, RULES) for n in range(6)]
    answers = [answer for (answer,) in await asyncio.gather(*tries)]
    assert [answer.was_off for answer in answers].count(False) == 1
    assert {answer.until for answer in answers} == {NOW + 5 * MINUTE}


async def test_a_queued_symbol_is_taken_once(switches: Switches, other: Switches) -> None:
    names = [f"S{n}USDT" for n in range(12)]
    for number, name in enumerate(names):
        await switches.queue(name, reason="look", actor="ada", now_ms=NOW + number)
    await other.queue(names[0], reason="again", actor="bob", now_ms=NOW + 99)
    assert [queued.symbol for queued in (await switches.state(NOW)).queued] == names
    taken = await asyncio.gather(*((switches, other)[n % 2].take_queue() for n in range(6)))
    assert sorted(queued.symbol for some in taken for queued in some) == sorted(names)
    first = next(queued for some in taken for queued in some if queued.symbol == names[0])
    assert (first.reason, first.actor, first.queued_at) == ("look", "ada", NOW)
    assert await other.take_queue() == ()
    assert (await switches.state(NOW)).queued == ()


@pytest.mark.parametrize(
    ("off_minutes", "later", "queued"),
    [(15, 0, True), (15, 15 * MINUTE, False), (None, 0, False)],
    ids=["cooling down", "over", "without end"],
)
async def test_on_during_a_cool_down_looks_at_the_symbol_once(
    switches: Switches, off_minutes: int | None, later: int, queued: bool
) -> None:
    """Acceptance 13: on with an end that is not reached is in the next run, once."""
    await turn(switches, BTC, False, off_minutes)
    assert await turn(switches, BTC, True, now_ms=NOW + later) is queued
    assert not (await switches.state(NOW + later)).symbol_off("BTCUSDT")
    assert [one.symbol for one in await switches.take_queue()] == ["BTCUSDT"] * queued
    assert await turn(switches, BTC, True, now_ms=NOW + later) is False
    assert await switches.take_queue() == ()


async def test_on_ends_what_a_run_switched_off_too(switches: Switches) -> None:
    await switches.exclude(["BTCUSDT"], NOW, RULES)
    assert await turn(switches, BTC, True)
    assert await turn(switches, BTC, False, 1) is False
    assert await switches.take_queue() == (), "switched off again, it is not looked at"


async def test_only_symbols_are_queued(switches: Switches) -> None:
    for key in (GLOBAL, BTC_5M):
        await turn(switches, key, False, 15)
        assert await turn(switches, key, True) is False
    assert await switches.take_queue() == ()


async def test_switches_are_listed_by_what_is_asked_of_them(switches: Switches) -> None:
    await turn(switches, GLOBAL, True)
    await turn(switches, BTC, False, 1)
    await turn(switches, BTC_5M, False)
    await switches.exclude(["ETHUSDT"], NOW, RULES)

    async def listed(wanted: SwitchFilter, now_ms: int = NOW) -> list[str]:
        return [str(switch.key) for switch in (await switches.page(wanted, now_ms=now_ms)).items]

    assert await listed(SwitchFilter()) == ["GLOBAL", "SYMBOL:BTCUSDT", "SYMBOL:ETHUSDT", str(BTC_5M)]
    assert await listed(SwitchFilter(symbol="BTCUSDT")) == ["SYMBOL:BTCUSDT", str(BTC_5M)]
    assert await listed(SwitchFilter(scope="timeframe")) == [str(BTC_5M)]
    assert await listed(SwitchFilter(off=False)) == ["GLOBAL"]
    assert await listed(SwitchFilter(off=False), NOW + MINUTE) == ["GLOBAL", "SYMBOL:BTCUSDT"]
    assert await listed(SwitchFilter(cause="has_open_orders_or_positions")) == ["SYMBOL:ETHUSDT"]
    page = await switches.page(now_ms=NOW, page=2, page_size=3)
    assert ([str(switch.key) for switch in page.items], page.total) == ([str(BTC_5M)], 4)


async def test_a_database_without_answer_is_not_everything_on(tmp_path: Path) -> None:
    address = DatabaseAddress.of_file(tmp_path / "gone.db")
    database = Database.open(address)
    with pytest.raises(SwitchesUnavailable, match="switches cannot be read: no such table"):
        await Switches(database).state(NOW)
    with pytest.raises(SwitchesUnavailable, match="switches cannot be written"):
        await Switches(database).take_queue()
    await database.close()


def _new(folders: pytest.TempPathFactory) -> Database:
    address = DatabaseAddress.of_file(folders.mktemp("switches") / "switches.db")
    upgrade(address)
    return Database.open(address)

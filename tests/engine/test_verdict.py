"""From facts to a verdict: signals, filters, context in both modes and policies, execution."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from closed_bar_laws import HEALTH, assert_same, live
from shipped import SYMBOLS, market, ms, shipped_rules
from staged import decided, small, sound

from engine.facts import Health, Recorded
from engine.verdict import TimeframeDecision, VerdictBatch, decide

LONG, SHORT, NONE = 70.0, 30.0, 50.0
UNKNOWN = None


def row(five: float | None, one: float | None, **more: float | None) -> dict[str, float | None]:
    return {"rsi@5m": five, "rsi@1m": one} | {k.replace("_on_", "@"): v for k, v in more.items()}


def outcome(batch: VerdictBatch, at: int = 0) -> tuple[str, str | None, str | None]:
    verdict = batch.verdict(at)
    return verdict.status, verdict.side, verdict.reason


def timeframe(batch: VerdictBatch, name: str, at: int = 0) -> TimeframeDecision:
    verdict = batch.verdict(at)
    decisions = (*verdict.context.timeframe_decisions, *verdict.execution.timeframe_decisions)
    return next(d for d in decisions if d.timeframe == name)


# -- one timeframe -------------------------------------------------------------------------------------------

SHORTS = {"5m": {"short": ["down"]}, "1m": {}}
OVERLAP = {"5m": {"long": ["up"], "short": ["trending"]}, "1m": {"long": ["up"], "short": ["down"]}}


@pytest.mark.parametrize(
    ("changed", "facts", "signal", "reason"),
    [
        ({}, row(LONG, LONG), "long", None),
        ({}, row(SHORT, LONG), "short", None),
        ({}, row(NONE, LONG), "invalid", "NO_LONG_NO_SHORT"),
        ({}, row(UNKNOWN, LONG), "invalid", "DATA_MISSING"),
        ({"neutral_policy": "tolerate"}, row(NONE, LONG), "neutral", None),
        ({"neutral_policy": "tolerate"}, row(UNKNOWN, LONG), "invalid", "DATA_MISSING"),
        ({"timeframes": OVERLAP}, row(LONG, LONG, adx_14_on_5m=25.0), "invalid", "LONG_AND_SHORT"),
        ({"timeframes": OVERLAP}, row(LONG, LONG, adx_14_on_5m=5.0), "long", None),
        ({"timeframes": OVERLAP}, row(LONG, LONG), "long", None),  # an unknown other side does not forbid
        ({"timeframes": OVERLAP}, row(NONE, LONG), "invalid", "DATA_MISSING"),
        ({"timeframes": OVERLAP}, row(UNKNOWN, LONG, adx_14_on_5m=25.0), "short", None),
        ({"timeframes": {"5m": {"long": ["up"]}, "1m": {}}}, row(SHORT, LONG), "invalid", "NO_LONG_NO_SHORT"),
        ({"timeframes": SHORTS}, row(UNKNOWN, LONG), "invalid", "DATA_MISSING"),
        ({"timeframes": {"5m": {}, "1m": {}}}, row(LONG, LONG), "invalid", "NO_LONG_NO_SHORT"),
        ({"timeframes": {"1m": {}}}, row(LONG, LONG), "invalid", "NO_CONFIG_FOR_TF"),
        # alternatives: one scenario is enough
        ({"timeframes": {"5m": {"long": ["down", "up"]}, "1m": {}}}, row(LONG, LONG), "long", None),
        ({"timeframes": {"5m": {"long": ["trending", "up"]}, "1m": {}}}, row(LONG, LONG), "long", None),
        ({"timeframes": {"5m": {"long": ["trending", "up"]}, "1m": {}}}, row(NONE, LONG), "invalid",
         "DATA_MISSING"),
    ],
)  # fmt: skip
def test_the_signal_of_a_context_timeframe(
    changed: dict[str, Any], facts: dict[str, float | None], signal: str, reason: str | None
) -> None:
    five = timeframe(decided(small(**changed), [facts]), "5m")
    assert (five.signal, five.invalid_reason, five.valid) == (signal, reason, reason is None)


@pytest.mark.parametrize(
    ("filters", "facts", "failed"),
    [
        (["trending"], row(LONG, LONG, adx_14_on_5m=25.0, adx_14_on_1m=25.0), ()),
        (["trending"], row(LONG, LONG, adx_14_on_5m=19.0, adx_14_on_1m=25.0), ("trending",)),
        (["trending"], row(LONG, LONG, adx_14_on_1m=25.0), ("trending",)),  # missing counts as failed
        ([{"filter": "trending", "side": "long"}], row(LONG, LONG, adx_14_on_5m=19.0), ("trending",)),
        ([{"filter": "trending", "side": "short"}], row(LONG, LONG, adx_14_on_5m=19.0), ()),
        ([{"filter": {"not": "trending"}, "side": "long"}], row(LONG, LONG, adx_14_on_5m=25.0),
         ("not(trending)",)),
        ([{"any_of": ["trending", "up"]}], row(LONG, LONG, adx_14_on_5m=19.0), ()),
        (["trending", "down"], row(LONG, LONG, adx_14_on_5m=19.0), ("trending", "down")),
    ],
)  # fmt: skip
def test_filters_veto_the_side_they_are_for(
    filters: list[Any], facts: dict[str, float | None], failed: tuple[str, ...]
) -> None:
    five = timeframe(decided(small(filters_mandatory=filters), [facts]), "5m")
    assert five.filters_failed == failed
    assert five.invalid_reason == ("FILTERS_MANDATORY_FAILED" if failed else None)


EXECUTION, CONTEXT = {"phases": ["execution"]}, {"phases": ["context"]}
WEAK_FIVE = {"adx_14_on_5m": 1.0, "adx_14_on_1m": 25.0}
WEAK_ONE = {"adx_14_on_5m": 25.0, "adx_14_on_1m": 1.0}


@pytest.mark.parametrize(
    ("scope", "facts", "five", "one"),
    [
        # a filter of one phase leaves the other alone
        (EXECUTION, row(LONG, LONG, **WEAK_FIVE), True, True),
        (EXECUTION, row(LONG, LONG, **WEAK_ONE), True, False),
        (CONTEXT, row(LONG, LONG, **WEAK_ONE), True, True),
        (CONTEXT, row(LONG, LONG, **WEAK_FIVE), False, None),
        # one of a timeframe leaves the others alone
        ({"timeframes": ["1m"]}, row(LONG, LONG, **WEAK_FIVE), True, True),
        ({"timeframes": ["1m"]}, row(LONG, LONG, **WEAK_ONE), True, False),
        # every part of the scope must fit
        (EXECUTION | {"side": "short"}, row(LONG, LONG, **WEAK_ONE), True, True),
        (EXECUTION | {"side": "long"}, row(LONG, LONG, **WEAK_ONE), True, False),
        (EXECUTION | {"side": "short"}, row(SHORT, SHORT, **WEAK_ONE), True, False),
        ({"timeframes": ["1m"], "phases": ["execution", "context"]}, row(LONG, LONG, **WEAK_ONE),
         True, False),
        ({}, row(LONG, LONG, **WEAK_ONE), True, False),
    ],
)  # fmt: skip
def test_filters_veto_within_their_scope(
    scope: dict[str, Any], facts: dict[str, float | None], five: bool, one: bool | None
) -> None:
    batch = decided(small(filters_mandatory=[{"filter": "trending"} | scope]), [facts])
    verdict = batch.verdict(0)
    decisions = {d.timeframe: d.valid for d in verdict.execution.timeframe_decisions}
    assert (timeframe(batch, "5m").valid, decisions.get("1m")) == (five, one)


def test_a_timeframe_of_both_phases_is_filtered_in_the_phase_named() -> None:
    both = {"context_timeframes": ["5m", "1m"], "execution_timeframes": ["1m"]}
    rules = small(filters_mandatory=[{"filter": "trending"} | EXECUTION], **both)
    verdict = decided(rules, [row(LONG, LONG, **WEAK_ONE)]).verdict(0)
    assert [d.valid for d in verdict.context.timeframe_decisions] == [True, True]
    assert verdict.execution.timeframe_decisions[0].invalid_reason == "FILTERS_MANDATORY_FAILED"


def test_a_timeframe_does_not_read_the_facts_of_filters_it_is_never_asked() -> None:
    rules = small(filters_mandatory=[{"filter": "trending"} | EXECUTION])
    assert [str(ref) for ref in rules.timeframes["5m"].program.refs] == ['rsi["5m"]']
    assert 'adx_14["1m"]' in map(str, rules.timeframes["1m"].program.refs)


@pytest.mark.parametrize(("five", "reason"), [(NONE, "NO_LONG_NO_SHORT"), (UNKNOWN, "DATA_MISSING")])
def test_the_first_cause_wins_over_a_filter(five: float | None, reason: str) -> None:
    batch = decided(small(filters_mandatory=["trending"]), [row(five, LONG, adx_14_on_5m=1.0)])
    assert timeframe(batch, "5m").invalid_reason == reason


def test_a_decision_names_what_passed_failed_and_was_unknown() -> None:
    five = timeframe(decided(small(filters_mandatory=["trending"]), [row(LONG, LONG)]), "5m")
    assert (five.rules_passed, five.rules_failed, five.rules_unknown) == (("up",), ("down",), ("trending",))
    assert five.missing_facts == ('adx_14["5m"]',)
    assert (five.candle_time, five.window_start, five.candles, five.price) == (600_000, 0, 2000, 100.0)


# -- context -------------------------------------------------------------------------------------------------

BOTH = ["5m", "1m"]


def context_by_hand(mode: str, policy: str, sides: tuple[str, ...]) -> str | None:
    """The table of reasons, written again: ``sides`` are long, short, none or unknown per timeframe."""
    invalid = [s for s in sides if s == "unknown" or (s == "none" and policy == "reject")]
    sided = {s for s in sides if s in ("long", "short")}
    if invalid:
        return f"{mode}_context_has_invalid_timeframes"
    if mode == "strict" and "none" in sides:
        return "strict_context_requires_non_neutral_all"
    if mode == "pragmatic" and not sided:
        return "pragmatic_context_all_neutral"
    return f"{mode}_context_side_conflict" if len(sided) == 2 else None


@pytest.mark.parametrize("mode", ["pragmatic", "strict"])
@pytest.mark.parametrize("policy", ["reject", "tolerate"])
def test_the_context_follows_the_table(mode: str, policy: str) -> None:
    strength = {"long": LONG, "short": SHORT, "none": NONE, "unknown": UNKNOWN}
    cases = list(product(strength, repeat=2))
    rules = small(mode=mode, neutral_policy=policy, context_timeframes=BOTH)
    batch = decided(rules, [row(strength[five], strength[one]) for five, one in cases])
    for at, case in enumerate(cases):
        context = batch.verdict(at).context
        expected = context_by_hand(mode, policy, case)
        assert (context.valid, context.reason_if_invalid) == (expected is None, expected), case
        sides = {side for side in case if side in ("long", "short")}
        assert context.side == (sides.pop() if expected is None else None)
        assert context.mode == mode
        if expected is not None:
            assert batch.verdict(at).execution.reason_if_none == "context_invalid"
            assert batch.verdict(at).execution.timeframe_decisions == ()


def test_the_mode_of_a_call_replaces_the_profiles() -> None:
    rules = small(context_timeframes=BOTH)
    verdict = decided(rules, [row(LONG, SHORT)], mode="strict").verdict(0)
    assert (verdict.reason, verdict.context.mode) == ("strict_context_side_conflict", "strict")
    assert decided(rules, [row(LONG, SHORT)]).verdict(0).reason == "pragmatic_context_side_conflict"


def test_all_context_timeframes_are_decided_even_when_the_first_is_invalid() -> None:
    verdict = decided(small(context_timeframes=BOTH), [row(NONE, LONG)]).verdict(0)
    assert [d.signal for d in verdict.context.timeframe_decisions] == ["invalid", "long"]
    assert verdict.blocking_timeframe == "5m"


# -- execution -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("five", "one", "expected"),
    [
        (LONG, LONG, ("READY", "long", None)),
        (SHORT, SHORT, ("READY", "short", None)),
        (LONG, SHORT, ("INVALID", None, "no_timeframe_selected")),
        (SHORT, LONG, ("INVALID", None, "no_timeframe_selected")),
        (LONG, NONE, ("INVALID", None, "no_timeframe_selected")),
        (LONG, UNKNOWN, ("INVALID", None, "no_timeframe_selected")),
        (NONE, LONG, ("INVALID", None, "pragmatic_context_has_invalid_timeframes")),
    ],
)
def test_ready_needs_both_timeframes_on_one_side(
    five: float | None, one: float | None, expected: Any
) -> None:
    assert outcome(decided(small(), [row(five, one)])) == expected


def test_an_execution_timeframe_against_the_context_says_so() -> None:
    one = timeframe(decided(small(), [row(LONG, SHORT)]), "1m")
    assert (one.phase, one.signal, one.invalid_reason) == ("execution", "invalid", "EXECUTION_SIDE_MISMATCH")


def test_a_neutral_execution_timeframe_is_never_tolerated() -> None:
    one = timeframe(decided(small(neutral_policy="tolerate"), [row(LONG, NONE)]), "1m")
    assert one.invalid_reason == "NO_LONG_NO_SHORT"


@pytest.mark.parametrize(
    ("five", "one", "selected"),
    [(LONG, LONG, "5m"), (LONG, SHORT, "5m"), (NONE, LONG, None)],
)
def test_the_first_valid_execution_timeframe_in_configured_order_is_selected(
    five: float, one: float, selected: str | None
) -> None:
    rules = small(context_timeframes=["5m"], execution_timeframes=["5m", "1m"])
    verdict = decided(rules, [row(five, one)]).verdict(0)
    assert verdict.execution_timeframe == verdict.execution.selected_timeframe == selected
    later = small(context_timeframes=["5m"], execution_timeframes=["1m", "5m"])
    expected = {(LONG, LONG): "1m", (LONG, SHORT): "5m", (NONE, LONG): None}[five, one]
    assert decided(later, [row(five, one)]).verdict(0).execution_timeframe == expected


def test_a_ready_verdict_carries_price_and_candle_time_of_its_execution_timeframe() -> None:
    verdict = decided(small(), [row(LONG, LONG)]).verdict(0)
    assert (verdict.execution_timeframe, verdict.price, verdict.candle_time) == ("1m", 100.0, 600_000)
    assert (verdict.blocking_timeframe, verdict.reason, dict(verdict.details)) == (None, None, {})
    assert (verdict.profile, verdict.fingerprint) == ("scalper_micro", "variant")
    invalid = decided(small(), [row(LONG, NONE)]).verdict(0)
    assert (invalid.candle_time, invalid.blocking_timeframe) == (None, "1m")


# -- candles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"candles": 248, "in_row": 248}, "not_enough_klines"),
        ({"candles": 249, "in_row": 249}, None),
        ({"candles": 2000, "in_row": 248}, "klines_have_gaps"),
        ({"candles": 2000, "in_row": 249}, None),
        ({"missing": 1}, "klines_stale"),
        ({"candles": 0, "in_row": 0, "newest": -1, "window_start": -1, "close": np.nan}, "not_enough_klines"),
    ],
)
@pytest.mark.parametrize("timeframe", ["5m", "1m"])
def test_candles_come_before_every_rule(changed: dict[str, Any], reason: str | None, timeframe: str) -> None:
    rules = small()
    batch = decided(rules, [row(LONG, LONG)])
    health = sound(rules, 1)
    parts = {n: np.array([v], dtype=np.float64 if n == "close" else np.int64) for n, v in changed.items()}
    health[timeframe] = replace(health[timeframe], **parts)
    columns = {
        ref: batch.columns[tf][i]
        for tf, program in rules.timeframes.items()
        for i, ref in enumerate(program.program.refs)
    }
    verdict = decide(rules, Recorded(batch.symbols, batch.as_of, columns, health)).verdict(0)
    assert verdict.reason == reason
    if reason is not None:
        assert verdict.blocking_timeframe == verdict.details["timeframe"] == timeframe
        assert verdict.context.reason_if_invalid == verdict.execution.reason_if_none == reason


def test_context_timeframes_are_asked_for_candles_before_execution_timeframes() -> None:
    rules = small()
    health = {tf: replace(h, missing=np.array([3])) for tf, h in sound(rules, 1).items()}
    verdict = decide(rules, Recorded(("S",), np.array([0]), {}, health)).verdict(0)
    assert (verdict.reason, verdict.blocking_timeframe) == ("klines_stale", "5m")


def test_enough_candles_is_the_profiles_number_or_what_its_facts_need() -> None:
    least = {
        name: small(min_candles=count).plans["5m"].needed for name, count in {"few": 5, "many": 300}.items()
    }
    assert least == {"few": 15, "many": 300}  # RSI(14) has its first value with the 15th candle
    assert small(min_candles={"5m": 100}).plans["5m"].needed == 100
    assert small(min_candles={"5m": 100}).plans["1m"].needed == 15


# -- stored rows ---------------------------------------------------------------------------------------------


def test_deciding_again_on_stored_columns_gives_the_same_verdicts() -> None:
    batch = live(shipped_rules(), SYMBOLS, market(), ms("2025-06-01T07:46Z"))
    columns = {
        ref: batch.columns[tf][i]
        for tf, program in batch.rules.timeframes.items()
        for i, ref in enumerate(program.program.refs)
    }
    health = {tf: Health(*(getattr(h, name) for name in HEALTH)) for tf, h in batch.health.items()}
    again = decide(batch.rules, Recorded(batch.symbols, batch.as_of, columns, health))
    for i in range(len(batch)):
        assert_same(again, i, batch, i)


def test_no_symbols_are_no_verdicts() -> None:
    batch = decided(small(), [])
    assert len(batch) == 0
    assert batch.ready.tolist() == []
    assert len(live(shipped_rules(), [], market(), ms("2025-06-01T07:46Z"))) == 0

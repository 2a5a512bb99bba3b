"""The execution selector ``walk``: which timeframe it comes to, row by row of its rules, and its laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped import examples, variant
from staged import decided
from walking import LONG, NONE, SHORT, TIMEFRAMES, Metrics, facts, outcomes, walk, walking

from engine.explain import explain
from engine.verdict import decide_again
from engine.verdict.selection import wanting

ALL = TIMEFRAMES

# Three conditions that a metric turns at will: below 1.4 or not, wider than 0.8 or not, wider than 9 or not.
STAY, DROP, FORBID = {"adx_5m_lt": 20}, {"entry_zone_width_pct_gt": 0.8}, {"spread_bps_gt": 9}
TURN: dict[str, dict[str, dict[str, float | None]]] = {
    "stay": {"yes": {"adx_5m": 10}, "no": {"adx_5m": 30}, "unknown": {"adx_5m": None}},
    "drop": {
        "yes": {"entry_zone_width_pct": 1.0},
        "no": {"entry_zone_width_pct": 0.5},
        "unknown": {"entry_zone_width_pct": None},
    },
    "forbid": {"yes": {"spread_bps": 12}, "no": {"spread_bps": 3}, "unknown": {"spread_bps": None}},
}


def turned(stay: str, drop: str, forbid: str) -> Metrics:
    return TURN["stay"][stay] | TURN["drop"][drop] | TURN["forbid"][forbid]


GROUPS: dict[str, Any] = {
    "stay_on_if": [STAY],
    "drop_to_lower_if_any": [DROP],
    "forbid_drop_to_lower_if_any": [FORBID],
}
NO_STAY = {key: group for key, group in GROUPS.items() if key != "stay_on_if"}
PASSED = GROUPS | {"stay_on_if": ["get_false"]}


@pytest.mark.parametrize(
    ("stay", "drop", "forbid", "with_group", "without"),
    [
        # stay true: selected, whatever the others say
        ("yes", "yes", "no", "15m", "5m"),
        ("yes", "yes", "yes", "15m", "15m"),
        ("yes", "no", "unknown", "15m", "15m"),
        # drop true, and forbid not true: down
        ("no", "yes", "no", "5m", "5m"),
        ("no", "yes", "unknown", "5m", "5m"),
        ("unknown", "yes", "no", "5m", "5m"),
        ("unknown", "yes", "unknown", "5m", "5m"),
        # drop forbidden: selected
        ("no", "yes", "yes", "15m", "15m"),
        ("unknown", "yes", "yes", "15m", "15m"),
        # stay undecided, no drop: selected
        ("unknown", "no", "no", "15m", "15m"),
        ("unknown", "unknown", "unknown", "15m", "15m"),
        # stay false, and nothing allows the drop: selected
        ("no", "no", "no", "15m", "15m"),
        ("no", "unknown", "no", "15m", "15m"),
    ],
)
@pytest.mark.parametrize("side", [LONG, SHORT])
def test_one_timeframe_is_kept_or_left(
    stay: str, drop: str, forbid: str, with_group: str, without: str, side: float
) -> None:
    metrics = turned(stay, drop, forbid)
    for groups, expected in ((GROUPS, with_group), (NO_STAY, without)):
        verdict = walk(walking({"15m": groups}), ALL, metrics, side).verdict(0)
        assert (verdict.status, verdict.execution_timeframe) == ("READY", expected)
        assert verdict.side == ("long" if side == LONG else "short")
        assert dict(verdict.execution.metrics) == {
            name: value for name, value in metrics.items() if groups is GROUPS or name != "adx_5m"
        }


@pytest.mark.parametrize("drop", ["yes", "no", "unknown"])
@pytest.mark.parametrize("forbid", ["yes", "no", "unknown"])
def test_get_false_marks_a_timeframe_that_is_only_passed_through(drop: str, forbid: str) -> None:
    rules = walking({"15m": PASSED | {"stay_on_if": ["get_false", STAY]}})
    batch = walk(rules, ALL, turned("yes", drop, forbid))
    assert batch.verdict(0).execution_timeframe == "5m"
    assert outcomes(batch) == {"15m": "left", "5m": "selected", "1m": "not_reached"}


def test_get_true_keeps_a_timeframe() -> None:
    rules = walking({"15m": GROUPS | {"stay_on_if": ["get_true"]}})
    assert walk(rules, ALL, turned("no", "yes", "no")).verdict(0).execution_timeframe == "15m"


@pytest.mark.parametrize("flag", ["scalping", "trailing_after_tp1", "end_of_zone_fallback", "get_false"])
def test_what_never_holds_never_drops(flag: str) -> None:
    batch = walk(walking({"15m": {"drop_to_lower_if_any": [flag]}}), ALL, {})
    assert batch.verdict(0).execution_timeframe == "15m"
    assert batch.verdict(0).execution.walk[0].drop is False


@pytest.mark.parametrize(
    ("valid", "selected", "became"),
    [
        (ALL, "1m", {"15m": "left", "5m": "left", "1m": "selected"}),
        # a timeframe that is not valid is neither asked nor selected
        (("15m", "1m"), "1m", {"15m": "left", "5m": "not_a_candidate", "1m": "selected"}),
        (("1m",), "1m", {"15m": "not_a_candidate", "5m": "not_a_candidate", "1m": "selected"}),
        # down from the last one: the default where it is valid, else none
        (("15m", "5m"), "5m", {"15m": "left", "5m": "selected_by_default", "1m": "not_a_candidate"}),
        (("5m",), "5m", {"15m": "not_a_candidate", "5m": "selected_by_default", "1m": "not_a_candidate"}),
        (("15m",), None, {"15m": "left", "5m": "not_a_candidate", "1m": "not_a_candidate"}),
        ((), None, dict.fromkeys(ALL, "not_a_candidate")),
    ],
)
def test_the_walk_goes_down_to_the_default(
    valid: tuple[str, ...], selected: str | None, became: dict[str, str]
) -> None:
    rules = walking({"15m": PASSED, "5m": PASSED}, execution_timeframe_default="5m")
    batch = walk(rules, valid, {})
    verdict = batch.verdict(0)
    assert verdict.execution_timeframe == selected
    assert outcomes(batch) == became
    assert verdict.reason == (None if selected else "no_timeframe_selected")


def test_without_a_default_nothing_is_selected() -> None:
    verdict = walk(walking(dict.fromkeys(ALL, PASSED)), ALL, {}).verdict(0)
    assert (verdict.status, verdict.reason, verdict.side) == ("INVALID", "no_timeframe_selected", None)
    assert verdict.blocking_timeframe == "15m"


RULE = {"conditions": ["scalping", {"adx_1m_lt": 20}]}


@pytest.mark.parametrize(
    ("enabled", "adx_1m", "valid", "selected", "of_1m"),
    [
        (True, 10, ("1m",), "1m", "selected"),
        (True, 30, ("1m",), None, "not_allowed"),
        (True, None, ("1m",), None, "not_allowed"),  # unknown is never a pass
        (True, 30, ("5m", "1m"), "5m", "not_allowed"),  # 5m was left, and is the default
        (True, 10, ("5m", "1m"), "1m", "selected"),
        (False, 30, ("1m",), "1m", "selected"),
        (False, None, ("5m", "1m"), "1m", "selected"),
    ],
)
def test_1m_for_some_moments_only(
    enabled: bool, adx_1m: float | None, valid: tuple[str, ...], selected: str | None, of_1m: str
) -> None:
    rules = walking(
        {"5m": PASSED}, execution_timeframe_default="5m", allow_1m_only_for=RULE | {"enabled": enabled}
    )
    batch = walk(rules, valid, {"adx_1m": adx_1m})
    assert batch.verdict(0).execution_timeframe == selected
    assert outcomes(batch)["1m"] == of_1m


def test_a_default_that_is_not_allowed_is_not_selected() -> None:
    rules = walking(
        {"15m": PASSED}, execution_timeframe_default="1m", allow_1m_only_for=RULE | {"enabled": True}
    )
    assert walk(rules, ("15m", "1m"), {"adx_1m": 30}).verdict(0).execution_timeframe is None


def test_the_first_valid_timeframe_is_taken_without_a_walk() -> None:
    rules = variant()
    assert rules.walk is None
    assert (decided(rules, [{}]).walk, decided(rules, [{}]).verdict(0).execution.walk) == (None, ())


def test_an_invalid_context_has_no_walk_and_no_metrics() -> None:
    batch = decided(walking({"15m": GROUPS}), [facts(ALL, NONE)], metrics=[turned("yes", "yes", "yes")])
    execution = batch.verdict(0).execution
    assert (execution.walk, dict(execution.metrics), explain(batch, 0).walk) == ((), {}, None)


# -- groups --------------------------------------------------------------------------------------------------

TWO = [{"adx_5m_lt": 20}, {"adx_1m_lt": 20}]
VALUE = {"yes": 10.0, "no": 30.0, "unknown": None}


@pytest.mark.parametrize(
    ("first", "second", "every", "some"),
    [
        ("yes", "yes", True, True),
        ("yes", "no", False, True),
        ("no", "no", False, False),
        ("yes", "unknown", True, True),  # what is unknown is ignored
        ("no", "unknown", False, False),
        ("unknown", "yes", True, True),
        ("unknown", "unknown", None, None),
    ],
)
def test_unknown_members_are_ignored(first: str, second: str, every: bool | None, some: bool | None) -> None:
    groups = {"stay_on_if": TWO, "drop_to_lower_if_any": TWO, "forbid_drop_to_lower_if_any": TWO}
    metrics = {"adx_5m": VALUE[first], "adx_1m": VALUE[second]}
    step = walk(walking({"15m": groups}), ALL, metrics).verdict(0).execution.walk[0]
    assert (step.stay, step.drop, step.forbid) == (every, some, some)


def test_members_may_be_trees() -> None:
    tree = {"all_of": [{"not": {"adx_5m_lt": 20}}, {"any_of": [{"adx_1m_lt": 20}, "get_false"]}]}
    rules = walking({"15m": {"drop_to_lower_if_any": [tree]}})
    assert walk(rules, ALL, {"adx_5m": 25, "adx_1m": 10}).verdict(0).execution_timeframe == "5m"
    assert walk(rules, ALL, {"adx_5m": 15, "adx_1m": 10}).verdict(0).execution_timeframe == "15m"
    assert walk(rules, ALL, {"adx_5m": 25}).verdict(0).execution.walk[0].drop is None


# -- what always holds ---------------------------------------------------------------------------------------

MEMBERS = st.lists(
    st.sampled_from([STAY, DROP, FORBID, "get_false", "get_true", {"not": STAY}, {"adx_1m_lt": 25}]),
    min_size=1,
    max_size=3,
)
SOME_GROUPS = st.fixed_dictionaries({}, optional=dict.fromkeys(GROUPS, MEMBERS))
SELECTORS = st.fixed_dictionaries(
    {"per_timeframe": st.dictionaries(st.sampled_from(ALL), SOME_GROUPS, min_size=1)},
    optional={
        "execution_timeframe_default": st.sampled_from(ALL),
        "allow_1m_only_for": st.fixed_dictionaries({"enabled": st.booleans(), "conditions": MEMBERS}),
    },
)
NUMBER = st.one_of(st.none(), st.floats(0, 40))
METRICS = st.fixed_dictionaries(
    dict.fromkeys(("adx_5m", "adx_1m", "entry_zone_width_pct", "spread_bps"), NUMBER)
)
RSI = st.sampled_from([LONG, SHORT, NONE, None])
ROW = st.tuples(st.fixed_dictionaries({f"rsi@{tf}": RSI for tf in ("1h", *ALL)}), METRICS)


@examples(60)
@given(SELECTORS, st.lists(ROW, min_size=1, max_size=12))
def test_laws(selector: dict[str, Any], rows: list[tuple[dict[str, float | None], Metrics]]) -> None:
    rules = walking(**selector)
    batch = decided(rules, [row for row, _ in rows], metrics=[metrics for _, metrics in rows])
    for index, (row, metrics) in enumerate(rows):
        verdict = batch.verdict(index)
        execution = verdict.execution
        if verdict.status == "READY":
            chosen = next(
                d for d in execution.timeframe_decisions if d.timeframe == verdict.execution_timeframe
            )
            assert chosen.valid, "only a valid timeframe is selected"
            assert chosen.signal == verdict.side == verdict.context.side, "on the side of the context"
            became = outcomes(batch, index)[chosen.timeframe]
            assert became in ("selected", "selected_by_default")
        # a row does not depend on the others
        alone = decided(rules, [row], metrics=[metrics]).verdict(0)
        assert (alone.reason, alone.execution_timeframe, alone.execution.walk) == (
            verdict.reason,
            verdict.execution_timeframe,
            execution.walk,
        )
        assert explain(batch, index).to_json()["sentence"]


@examples(40)
@given(SELECTORS, ROW, st.floats(0, 40))
def test_a_metric_is_asked_for_wherever_it_may_turn_the_selection(
    selector: dict[str, Any], row: tuple[dict[str, float | None], Metrics], spread: float
) -> None:
    rules = walking(**selector)
    assert rules.walk is not None
    batch = decided(rules, [row[0]], metrics=[{**row[1], "spread_bps": None}])
    assert batch.walk is not None
    again = decide_again(batch, {"spread_bps": np.array([spread])})
    if not wanting(rules.walk, batch.walk, "spread_bps")[0]:
        assert again.verdict(0).execution_timeframe == batch.verdict(0).execution_timeframe
    whole = decided(rules, [row[0]], metrics=[{**row[1], "spread_bps": spread}])
    if any(metric.name == "spread_bps" for metric in rules.walk.metrics):
        assert again.verdict(0) == whole.verdict(0)


@examples(40)
@given(st.lists(st.sampled_from([STAY, DROP, FORBID]), min_size=2, max_size=3, unique_by=str), METRICS)
def test_an_unknown_member_is_as_good_as_absent(members: list[Any], metrics: Metrics) -> None:
    gone, kept = members[0], members[1:]
    read = next(iter(gone)).removesuffix("_lt").removesuffix("_gt")
    unknown = {**metrics, read: None}
    for group in GROUPS:
        base = {"stay_on_if": [{"adx_1m_lt": 20}], "drop_to_lower_if_any": ["get_true"]}
        steps = [
            walk(walking({"15m": base | {group: some}}), ALL, unknown).verdict(0).execution.walk
            for some in (members, kept)
        ]
        assert steps[0] == steps[1]

"""Why: the tree of conditions with margins, the fewest conditions in the way, one sentence, honest JSON."""

from __future__ import annotations

import json
import math
from itertools import combinations
from typing import Any

import pytest
from closed_bar_laws import live, replay
from hypothesis import given
from hypothesis import strategies as st
from shipped import SYMBOLS, Plain, examples, market, ms, shipped_rules, variant
from staged import Row, decided, small
from syrupy.assertion import SnapshotAssertion
from told import short

from engine.explain import Explanation, TreeExplanation, explain
from engine.verdict import ProfileRules

CALM: Row = {"atr@5m": 0.5, "close@5m": 100.0, "atr@1m": 0.5, "close@1m": 100.0}


def why(rules: ProfileRules, **facts: float | None) -> Explanation:
    """The explanation of one row; ``rsi_5m`` stands for ``rsi@5m``."""
    named = {f"{name[:-3]}@{name[-2:]}": value for name, value in facts.items()}
    return explain(decided(rules, [CALM | named]), 0)


def long_only(*scenarios: Any, filters: tuple[Any, ...] = ()) -> ProfileRules:
    """Only the long side of 5m has scenarios."""
    return small(timeframes={"5m": {"long": list(scenarios)}, "1m": {}}, filters_mandatory=list(filters))


ONLY = "the only condition between this symbol and a long signal on 5m"


# -- near misses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "facts", "sentence"),
    [
        ("up", {"rsi_5m": 51.2}, f"rsi 51.2, needs > 60: {ONLY}"),
        ({"not": "down"}, {"rsi_5m": 31.0}, f"rsi 31, needs >= 40: {ONLY}"),
        ({"not": {"not": "up"}}, {"rsi_5m": 51.2}, f"rsi 51.2, needs > 60: {ONLY}"),
        ({"all_of": ["up", "calm"]}, {"rsi_5m": 51.2}, f"rsi 51.2, needs > 60: {ONLY}"),
        ({"all_of": ["up", "calm"]}, {"rsi_5m": 51.2, "atr_5m": 1.5},
         "2 conditions stand between this symbol and a long signal on 5m: rsi 51.2, needs > 60;"
         " atr / close 0.015, needs <= 0.01"),
        # of alternatives the one with fewer obstacles, then the nearer one
        ({"any_of": [{"all_of": ["up", "trending"]}, "down"]}, {"rsi_5m": 55.0, "adx_14_5m": 10.0},
         f"rsi 55, needs < 40: {ONLY}"),
        ({"any_of": ["up", "trending"]}, {"rsi_5m": 59.0, "adx_14_5m": 10.0}, f"rsi 59, needs > 60: {ONLY}"),
        ({"any_of": ["up", "trending"]}, {"rsi_5m": 30.0, "adx_14_5m": 19.0},
         f"adx_14 19, needs >= 20: {ONLY}"),
        # not over a junction: what must fail
        ({"not": {"any_of": ["up", "trending"]}}, {"rsi_5m": 65.0, "adx_14_5m": 10.0},
         f"rsi 65, needs <= 60: {ONLY}"),
        ({"not": {"all_of": ["up", "trending"]}}, {"rsi_5m": 61.0, "adx_14_5m": 35.0},
         f"rsi 61, needs <= 60: {ONLY}"),
        # a condition made of others
        ("quiet_up", {"rsi_5m": 51.2}, f"rsi 51.2, needs > 60: {ONLY}"),
        ({"all_of": ["quiet_up", "up"]}, {"rsi_5m": 51.2}, f"rsi 51.2, needs > 60: {ONLY}"),  # named once
        ({"not": "quiet_up"}, {"rsi_5m": 61.0}, f"rsi 61, needs <= 60: {ONLY}"),
        # what is unknown
        ("up", {}, f"up needs rsi, which is unknown: {ONLY}"),
        ("calm", {"atr_5m": None, "close_5m": None}, f"calm needs atr and close, which are unknown: {ONLY}"),
        ("calm", {"close_5m": 0.0}, f"atr / close <= 0.01: atr / close is unknown: {ONLY}"),
        ({"any_of": ["up", "trending"]}, {"rsi_5m": 10.0}, f"rsi 10, needs > 60: {ONLY}"),
    ],
)  # fmt: skip
def test_the_sentence_names_what_is_in_the_way(scenario: Any, facts: dict[str, Any], sentence: str) -> None:
    explained = why(long_only(scenario), **facts)
    assert explained.nearest[0].sentence == sentence
    assert explained.sentence == sentence


def test_conditions_written_as_one_expression_show_the_part_that_decides() -> None:
    rules = variant(
        lambda validation: validation.update(timeframes={"5m": {"long": ["band"]}, "1m": {}}),
        {"band": {"when": "40 <= rsi <= 60 and (adx_14 > 20 or atr > 1)"}},
    )

    def sentence(**facts: float) -> str:
        return why(rules, **facts).sentence

    assert sentence(rsi_5m=61.0, adx_14_5m=30.0) == f"rsi 61, needs <= 60: {ONLY}"
    assert sentence(rsi_5m=30.0, adx_14_5m=30.0) == f"rsi 30, needs >= 40: {ONLY}"
    assert sentence(rsi_5m=50.0, adx_14_5m=19.0, atr_5m=0.1) == f"adx_14 19, needs > 20: {ONLY}"
    assert sentence(rsi_5m=50.0, adx_14_5m=5.0, atr_5m=0.9) == f"atr 0.9, needs > 1: {ONLY}"


def test_the_nearest_come_first_and_are_three_at_most() -> None:
    rules = small(
        timeframes={
            "5m": {
                "long": [
                    "up",
                    {"all_of": ["up", "trending"]},
                    {"all_of": ["up", "trending", {"not": "calm"}]},
                ],
                "short": ["down"],
            },
            "1m": {},
        }
    )
    nearest = why(rules, rsi_5m=45.0, adx_14_5m=1.0).nearest
    assert [(miss.side, len(miss.obstacles)) for miss in nearest] == [("short", 1), ("long", 1), ("long", 2)]
    assert [miss.distance for miss in nearest] == pytest.approx([5 / 45, 15 / 60, 19 / 20])


def test_in_the_execution_phase_only_the_contexts_side_could_have_helped() -> None:
    explained = why(small(), rsi_5m=70.0, rsi_1m=41.0)
    assert [miss.sentence for miss in explained.nearest] == [
        "rsi 41, needs > 60: the only condition between this symbol and a long signal on 1m"
    ]


def test_a_filter_that_vetoed_is_what_was_in_the_way() -> None:
    explained = why(long_only("up", filters=("trending",)), rsi_5m=65.0, adx_14_5m=15.0)
    assert explained.sentence == f"adx_14 15, needs >= 20: {ONLY}"
    assert explained.nearest[0].obstacles[0].margin == -5.0


def test_a_ready_row_has_nothing_in_its_way() -> None:
    explained = why(small(), rsi_5m=70.0, rsi_1m=70.0)
    assert explained.nearest == ()
    assert explained.sentence == "READY long on 1m: its scenarios and every gate passed"


FACTS = ("ema_9", "ema_20", "ema_21", "ema_50", "ema_200", "rsi")
ATOMS: dict[str, Plain] = {f"above_{fact}": {"when": f"{fact} > 0"} for fact in FACTS}


def read_once(names: list[str]) -> st.SearchStrategy[Any]:
    """Trees in which each of the conditions occurs exactly once."""
    if len(names) == 1:
        return st.sampled_from((names[0], {"not": names[0]}))
    return st.integers(1, len(names) - 1).flatmap(
        lambda cut: st.builds(
            lambda op, left, right, turn: {"not": {op: [left, right]}} if turn else {op: [left, right]},
            st.sampled_from(("all_of", "any_of")),
            read_once(names[:cut]),
            read_once(names[cut:]),
            st.booleans(),
        )
    )


def passes(tree: Any, outcomes: dict[str, bool | None]) -> bool | None:
    """Kleene by hand."""
    match tree:
        case str():
            return outcomes[tree]
        case {"not": member}:
            inner = passes(member, outcomes)
            return None if inner is None else not inner
    members = [passes(member, outcomes) for member in next(iter(tree.values()))]
    decisive = "any_of" in tree
    return decisive if decisive in members else None if None in members else not decisive


@given(
    st.integers(2, len(ATOMS)).flatmap(lambda count: read_once(list(ATOMS)[:count])),
    st.lists(st.sampled_from((1.0, -1.0, 2.0, -0.5, None)), min_size=len(ATOMS), max_size=len(ATOMS)),
)
@examples(60)
def test_obstacles_are_the_fewest_conditions_that_would_have_to_turn(
    tree: Any, values: list[float | None]
) -> None:
    rules = variant(
        lambda validation: validation.update(timeframes={"5m": {"long": [tree]}, "1m": {}}), ATOMS
    )
    facts = {f"{fact}_5m": value for fact, value in zip(FACTS, values, strict=True)}
    outcomes = {
        f"above_{fact}": None if value is None else value > 0
        for fact, value in zip(FACTS, values, strict=True)
    }
    nearest = why(rules, **facts).nearest
    if passes(tree, outcomes) is True:
        assert nearest == ()
        return

    def turned(names: tuple[str, ...]) -> bool:
        """Whether some outcome of these conditions, the others as they are, makes the tree pass."""
        choices = [{}]
        for name in names:
            choices = [choice | {name: to} for choice in choices for to in (True, False)]
        return any(passes(tree, outcomes | choice) is True for choice in choices)

    obstacles = tuple(obstacle.label for obstacle in nearest[0].obstacles)
    assert turned(obstacles)
    used = [name for name in ATOMS if name in repr(tree)]
    assert not any(turned(fewer) for k in range(len(obstacles)) for fewer in combinations(used, k))


# -- trees ---------------------------------------------------------------------------------------------------


def walk(tree: TreeExplanation) -> list[TreeExplanation]:
    return [tree, *(inner for child in tree.children for inner in walk(child))]


@given(
    st.sampled_from(SYMBOLS),
    st.integers(ms("2025-05-27T12:00Z") // 60_000, ms("2025-06-03T15:31Z") // 60_000),
)
@examples(25)
def test_the_tree_says_what_the_columns_decided(symbol: str, minute: int) -> None:
    batch = replay(shipped_rules(), symbol, market((symbol,)), [minute * 60_000])
    explained = explain(batch, 0)
    assert explained.verdict == batch.verdict(0)
    for timeframe in explained.timeframes:
        decision = timeframe.decision
        by_outcome = {True: decision.rules_passed, False: decision.rules_failed, None: decision.rules_unknown}
        passed = {side.side for side in timeframe.sides if side.outcome is True}
        assert decision.signal in (*passed, "invalid")
        for side in timeframe.sides:
            assert side.outcome is (True if any(s.outcome is True for s in side.scenarios) else side.outcome)
            for node in (node for scenario in side.scenarios for node in walk(scenario)):
                if node.op == "condition":
                    assert node.label in by_outcome[node.outcome]
                    assert (node.trace is not None) and node.trace.outcome is node.outcome
                if node.margin is not None:
                    assert (node.margin > 0) <= (node.outcome is True)
                    assert (node.margin < 0) <= (node.outcome is False)
        assert timeframe.gate.passed == decision.valid
        assert timeframe.gate.reason == decision.invalid_reason
    assert [gate.gate for gate in explained.gates][:3] == ["data", "data", "context"]
    assert len(explained.gates) == (3 if explained.verdict.context.reason_if_invalid else 4)


def test_margins_go_up_a_tree_least_greatest_negative() -> None:
    scenario = {"all_of": ["up", {"any_of": ["trending", {"not": "down"}]}]}
    explained = why(long_only(scenario), rsi_5m=62.0, adx_14_5m=15.0)
    whole = explained.timeframes[0].sides[0].scenarios[0]
    up, either = whole.children
    trending, not_down = either.children
    assert (up.margin, trending.margin, not_down.margin) == (2.0, -5.0, 22.0)
    assert (either.margin, whole.margin) == (22.0, 2.0)
    assert whole.relative_margin == pytest.approx(2 / 62)


def test_an_unknown_member_leaves_the_margin_of_what_is_decided() -> None:
    explained = why(long_only({"any_of": ["up", "trending"]}, {"all_of": ["up", "trending"]}), rsi_5m=62.0)
    either, both = explained.timeframes[0].sides[0].scenarios
    assert (either.outcome, either.margin) == (True, 2.0)
    assert (both.outcome, both.margin) == (None, None)


def test_each_condition_shows_its_expression_parameters_and_facts() -> None:
    explained = explain(
        live(shipped_rules(), ["LINKUSDT"], market(("LINKUSDT",)), ms("2025-06-01T07:46Z")), 0
    )
    near = next(
        node
        for timeframe in explained.timeframes
        for side in timeframe.sides
        for scenario in side.scenarios
        for node in walk(scenario)
        if node.label == "near_vwap"
    )
    assert near.expression == "abs(close / vwap - 1) <= tolerance"
    assert near.params == {"tolerance": 0.0012}
    assert set(near.facts) == {"close", "vwap"}
    assert near.summary == "Price within a band around VWAP."
    assert near.outcome is True


# -- JSON ----------------------------------------------------------------------------------------------------


def numbers(value: object) -> list[float]:
    match value:
        case dict():
            return [x for inner in value.values() for x in numbers(inner)]
        case list() | tuple():
            return [x for inner in value for x in numbers(inner)]
        case float():
            return [value]
        case _:
            return []


@given(st.integers(ms("2025-05-26T00:00Z") // 60_000, ms("2025-06-04T00:00Z") // 60_000))
@examples(20)
def test_json_holds_only_numbers_that_json_has(minute: int) -> None:
    batch = live(shipped_rules(), SYMBOLS, market(), minute * 60_000)
    for at in range(len(batch)):
        said = explain(batch, at).to_json()
        assert all(math.isfinite(number) for number in numbers(said))
        assert json.loads(json.dumps(said, allow_nan=False)) == said


@pytest.mark.parametrize("facts", [{}, {"rsi_5m": 70.0}, {"close_5m": 0.0, "rsi_5m": 70.0, "rsi_1m": 70.0}])
def test_json_of_rows_with_unknown_facts(facts: dict[str, float]) -> None:
    rules = small(filters_mandatory=["trending", "calm"], neutral_policy="tolerate")
    said = why(rules, **facts).to_json()
    assert json.loads(json.dumps(said, allow_nan=False)) == said


def test_whole(golden: SnapshotAssertion) -> None:
    """Everything there is to say of one symbol that was refused."""
    batch = live(shipped_rules(), ["BTCUSDT"], market(("BTCUSDT",)), ms("2025-06-01T07:46Z"))
    assert short(explain(batch, 0).to_json()) == golden

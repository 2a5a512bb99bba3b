"""Conditions and trees: linking, parameters, sharing, three values."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from shipped import examples, shipped_rules

from engine.expression import ExpressionError, FactRef
from engine.models.conditions import ConditionDefinition, Tree
from engine.rules import Catalogue, RuleProgram, label_of
from engine.truth import Truth

DEFINITIONS = TypeAdapter(dict[str, ConditionDefinition])
TREE = TypeAdapter(Tree)
VALUES = (True, False, None)

PLAIN: dict[str, Any] = {
    "a_up": {"when": "a > 0"},
    "b_up": {"when": "b > 0"},
    "c_up": {"when": "c > 0"},
    "above": {
        "params": {"least": {"default": 1, "unit": "price", "by_timeframe": {"5m": 5}}},
        "when": "a > least",
    },
    "between": {
        "params": {"low": {"default": 0, "unit": "price"}, "high": {"default": 9, "unit": "price"}},
        "when": "low <= a <= high",
    },
    "both": {"all_of": ["a_up", "b_up"]},
    "neither": {"not": {"any_of": ["a_up", "b_up"]}},
    "deep": {"any_of": ["both", {"all_of": ["neither", {"not": "c_up"}]}, {"above": {"least": 3}}]},
    "odd": {"when": "a + nothing > 0"},
}


def catalogue(**more: Any) -> Catalogue:
    facts = dict.fromkeys("abc", "price")
    return Catalogue(DEFINITIONS.validate_python(PLAIN | more), facts, frozenset({"1m", "5m"}))


def run(tree: Any, timeframe: str = "1m", **columns: list[float | None]) -> list[bool | None]:
    """Outcome per row of a tree over columns ``a``, ``b``, ``c``."""
    linker = catalogue().linker(timeframe)
    linked = linker.link(TREE.validate_python(tree))
    program = RuleProgram(linker.instances)
    rows = len(next(iter(columns.values())))
    arrays = {n: np.array([np.nan if v is None else v for v in values]) for n, values in columns.items()}
    table = [arrays.get(ref.name, np.full(rows, np.nan)) for ref in program.refs]
    return program.run(table, rows).of(linked).to_list()


def as_number(outcome: bool | None) -> float | None:
    return None if outcome is None else 1.0 if outcome else -1.0


# -- trees ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tree",
    [
        {"all_of": ["a_up", "b_up", "c_up"]},
        {"any_of": ["a_up", "b_up", "c_up"]},
        {"not": {"all_of": ["a_up", {"not": "b_up"}]}},
        {"any_of": ["both", {"not": "neither"}, "c_up"]},
        {"all_of": ["a_up"]},
        "deep",
    ],
)
def test_trees_are_kleenes_and_or_not_of_their_members(tree: Any) -> None:
    outcomes = list(product(VALUES, repeat=3))
    a, b, c = (Truth.of(column) for column in zip(*outcomes, strict=True))
    three = Truth.of(
        [False if x is not None else None for x, _, _ in outcomes]
    )  # a is 1 or -1: never above 3

    def expected(tree: Any) -> Truth:
        match tree:
            case "a_up":
                return a
            case "b_up":
                return b
            case "c_up":
                return c
            case "both":
                return a & b
            case "neither":
                return ~(a | b)
            case "deep":
                return (a & b) | (~(a | b) & ~c) | three
            case {"not": member}:
                return ~expected(member)
            case {"all_of": members} | {"any_of": members}:
                parts = [expected(member) for member in members]
                whole = parts[0]
                for part in parts[1:]:
                    whole = whole & part if "all_of" in tree else whole | part
                return whole
        raise AssertionError(tree)

    columns = {
        name: [as_number(outcome) for outcome in column]
        for name, column in zip("abc", zip(*outcomes, strict=True), strict=True)
    }
    assert run(tree, **columns) == expected(tree).to_list()


@given(st.lists(st.tuples(*[st.sampled_from((None, -1.0, 0.5, 4.0))] * 3), min_size=1, max_size=6))
@examples(50)
def test_rows_of_a_tree_do_not_know_of_each_other(table: list[tuple[float | None, ...]]) -> None:
    columns = {name: list(column) for name, column in zip("abc", zip(*table, strict=True), strict=True)}
    alone = [run("deep", a=[a], b=[b], c=[c])[0] for a, b, c in table]
    assert run("deep", **columns) == alone


# -- parameters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "timeframe", "expected"),
    [
        ("above", "1m", [False, True, True]),
        ("above", "5m", [False, False, True]),
        ({"above": 1}, "5m", [False, True, True]),  # an explicit value always wins
        ({"above": {"least": 7}}, "5m", [False, False, False]),
        ({"between": {"high": 3}}, "1m", [True, True, False]),
        ({"between": {"low": 3, "high": 6}}, "1m", [False, True, True]),
        ("between", "1m", [True, True, True]),
    ],
)
def test_a_value_is_the_references_else_the_timeframes_else_the_default(
    tree: Any, timeframe: str, expected: list[bool]
) -> None:
    assert run(tree, timeframe, a=[1.0, 3.0, 6.0]) == expected


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        ("missing", "'missing'"),
        ({"missing": 3}, "missing"),
        ({"between": 3}, "does not have exactly one parameter"),
        ({"a_up": 3}, "does not have exactly one parameter"),
        ({"above": {"lest": 3}}, "'above' has no parameter 'lest'"),
        ({"both": {"least": 3}}, "'both' has no parameters"),
    ],
)
def test_a_reference_that_names_nothing_is_refused(tree: Any, error: str) -> None:
    with pytest.raises(KeyError, match=error):
        catalogue().linker("1m").link(TREE.validate_python(tree))


def test_an_expression_that_does_not_fit_the_facts_is_refused_when_it_is_linked() -> None:
    with pytest.raises(ExpressionError, match="unknown fact or parameter 'nothing'"):
        catalogue().linker("1m").link("odd")


def test_a_cycle_never_links() -> None:
    with pytest.raises(RecursionError):
        catalogue(one={"all_of": ["two"]}, two={"not": "one"}).linker("1m").link("one")


# -- sharing -------------------------------------------------------------------------------------------------


def test_the_same_condition_with_the_same_values_is_evaluated_once() -> None:
    linker = catalogue().linker("1m")
    for tree in ({"above": 1}, "above", {"above": {"least": 1.0}}, {"any_of": ["above", {"above": 2}]}):
        linker.link(TREE.validate_python(tree))
    assert [label_of(instance) for instance in linker.instances] == ["above(least=1)", "above(least=2)"]


def test_members_come_before_the_conditions_that_are_made_of_them() -> None:
    linker = catalogue().linker("1m")
    linker.link("deep")
    names = [instance.name for instance in linker.instances]
    assert names.index("a_up") < names.index("both") < names.index("deep")
    assert names.index("neither") < names.index("deep")


def test_a_program_says_which_facts_it_reads_on_which_timeframe() -> None:
    linker = catalogue(past={"when": 'a[2] > a["5m"] and rising(b, 1)'}).linker("1m")
    linker.link("past")
    assert RuleProgram(linker.instances).refs == (
        FactRef("a", 2, "1m"),
        FactRef("a", 0, "5m"),
        FactRef("b", 0, "1m"),
        FactRef("b", 1, "1m"),
    )


def test_labels_are_unique_within_a_timeframe() -> None:
    for program in shipped_rules().timeframes.values():
        assert len(set(program.labels)) == len(program.labels)

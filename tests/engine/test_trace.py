"""One row shown: the outcomes of the columns, and margins whose sign is the outcome's."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from null_logic import PARAMS, SCOPE, WILD, Row, Tree, bound, by_engine, rows, trees
from shipped import examples

from engine.expression import Expression, Scope
from engine.expression.trace import Trace, trace


def shown(text: str, scope: Scope = SCOPE, **values: Any) -> Trace:
    """One row of an expression written by hand; facts that are not named are unknown."""
    return trace(Expression.read(text, scope).bind(PARAMS, "1m"), lambda ref: values.get(ref.name))


def nodes(whole: Trace) -> list[Trace]:
    return [whole, *(inner for child in whole.children for inner in nodes(child))]


@given(trees(WILD), rows(WILD))
@examples(200)
def test_a_row_shown_has_the_outcome_that_its_column_has(tree: Tree, table: list[Row]) -> None:
    binding = bound(tree)
    outcomes = [trace(binding, lambda ref, row=row: row[ref.name]).outcome for row in table]
    assert outcomes == by_engine(tree, table)


@given(trees(WILD), rows(WILD))
@examples(250)
def test_the_sign_of_a_margin_is_the_outcome_and_junctions_combine_margins(
    tree: Tree, table: list[Row]
) -> None:
    """``and`` takes the least, ``or`` the greatest, ``not`` the negative; a share of the larger side is
    within 2."""
    combine = {"and": min, "or": max, "not": lambda margins: -margins[0]}
    for row in table:
        for node in nodes(trace(bound(tree), lambda ref, row=row: row[ref.name])):
            relative = node.relative_margin
            for margin in (node.margin, relative):
                assert (margin is None) == (node.outcome is None), node
                if margin is not None:
                    assert not math.isnan(margin)
                    assert margin <= 0 or node.outcome is True, node
                    assert margin >= 0 or node.outcome is False, node
            if node.margin is not None and node.children:
                known = [child.margin for child in node.children if child.margin is not None]
                assert node.margin == combine[node.op](known)
            elif relative is not None and math.isfinite(relative):
                assert -2 <= relative <= 2


@pytest.mark.parametrize(
    ("text", "values", "outcome", "margin", "relative"),
    [
        ("a > 52", {"a": 53.0}, True, 1.0, 1 / 53),
        ("a > 52", {"a": 51.2}, False, 51.2 - 52, (51.2 - 52) / 52),
        ("a > 52", {"a": 52.0}, False, 0.0, 0.0),
        ("a >= 52", {"a": 52.0}, True, 0.0, 0.0),
        ("a < 70", {"a": 60.0}, True, 10.0, 10 / 70),
        ("a <= b", {"a": 60.0, "b": 50.0}, False, -10.0, -10 / 60),
        ("a == b", {"a": 2.0, "b": 5.0}, False, -3.0, -3 / 5),
        ("a != b", {"a": 2.0, "b": 5.0}, True, 3.0, 3 / 5),
        ("a > 0", {"a": 0.0}, False, 0.0, 0.0),
        ("a > 1", {}, None, None, None),
        ("not (a > 1)", {"a": 3.0}, False, -2.0, -2 / 3),
        ("not (a > 1)", {}, None, None, None),
        ("1 < a < 4", {"a": 2.0}, True, 1.0, 0.5),
        ("a > 1 and b > 1", {"a": 3.0, "b": 0.5}, False, -0.5, -0.5),
        ("a > 1 or b > 1", {"a": 3.0, "b": 0.5}, True, 2.0, 2 / 3),
        ("a > 1 and b > 1", {"a": 0.5}, False, -0.5, -0.5),
        ("a > 1 or b > 1", {"a": 3.0}, True, 2.0, 2 / 3),
        ("a > limit", {"a": 1.0}, True, 0.25, 0.25),
        ("p", {"p": True}, True, math.inf, math.inf),
        ("not p", {"p": True}, False, -math.inf, -math.inf),
        ("p and a > 1", {"p": True, "a": 3.0}, True, 2.0, 2 / 3),
        ("p and a > 1", {"p": False, "a": 3.0}, False, -math.inf, -math.inf),
        ("known(a) and a > 1", {"a": 3.0}, True, 2.0, 2 / 3),
        ("known(a)", {}, False, -math.inf, -math.inf),
        ("true", {}, True, math.inf, math.inf),
        ("a / b > 1", {"a": 1.0, "b": 0.0}, None, None, None),
    ],
)
def test_margins_of_rows_written_by_hand(
    text: str, values: dict[str, Any], outcome: bool | None, margin: float | None, relative: float | None
) -> None:
    whole = shown(text, **values)
    assert (whole.outcome, whole.margin) == (outcome, margin)
    assert whole.relative_margin == (relative if relative is None else pytest.approx(relative))


def test_a_comparison_shows_both_sides_and_how_they_were_written() -> None:
    whole = shown("abs(a / b - 1) <= limit", a=3.0, b=2.0)
    assert (whole.op, whole.left, whole.right) == ("<=", 0.5, 0.75)
    assert (whole.left_text, whole.right_text) == ("abs(a / b - 1)", "limit")
    assert whole.text == "abs(a / b - 1) <= limit"


def test_an_unknown_side_is_none_and_the_other_one_is_shown() -> None:
    whole = shown("a / b > limit", a=3.0, b=0.0)
    assert (whole.outcome, whole.left, whole.right) == (None, None, 0.75)


def test_texts_are_shown_and_have_no_distance() -> None:
    scope = Scope({"mode": "name"}, history=False)
    equal = shown('mode == "strict"', scope, mode="pragmatic")
    assert (equal.outcome, equal.margin, equal.left, equal.right) == (False, -math.inf, "pragmatic", "strict")
    member = shown('mode in ["a", "b"]', scope, mode="b")
    assert (member.outcome, member.margin, member.op, member.right_text) == (True, math.inf, "in", "[a, b]")
    assert shown('mode in ["a"]', scope).outcome is None


def test_a_trend_shows_each_of_its_steps() -> None:
    scope = Scope({"h": "price"}, {"limit": "price"}, frozenset({"1m"}))
    series = (-1.660, -1.716, -1.736, -1.721)
    binding = Expression.read("rising(h, 3)", scope).bind({"limit": 0.0}, "1m")
    whole = trace(binding, lambda ref: series[ref.lag])
    assert whole.outcome is False
    assert [child.outcome for child in whole.children] == [True, True, False]
    assert [child.left_text for child in whole.children] == ["rise of h", "rise of h[1]", "rise of h[2]"]
    assert whole.margin == pytest.approx(-0.015)
    one = trace(
        Expression.read("falling(h, 1, limit)", scope).bind({"limit": 0.01}, "1m"), lambda r: series[r.lag]
    )
    assert (one.outcome, one.children) == (False, ())
    assert one.left_text == "fall of h"
    assert one.left == pytest.approx(-0.056)
    assert one.margin == pytest.approx(-0.066)

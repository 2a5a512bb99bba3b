"""How far an expression looks back when a parameter says so: ``x[lookback]`` and ``within(…, n)``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from null_logic import SCOPE, Tree, trees, written
from shipped import examples

from engine.expression import Expression, FactRef, Scope, parse
from engine.expression.nodes import Node
from engine.expression.resolve import written as rewritten
from engine.expression.trace import trace

HISTORY = Scope(
    {"h": "price", "s": "price"},
    {"n": "bars", "gap": "price", "strict": "flag"},
    frozenset({"1m", "1h"}),
)
VALUES = (None, -1.0, -0.4, 0.4, 1.0)


def outcome(text: str, newest_first: Sequence[float | None], **params: float) -> bool | None:
    """One row; ``newest_first`` is the series ``h``."""
    binding = Expression.read(text, HISTORY).bind({"n": 2, "gap": 0.5, "strict": True, **params}, "1m")
    columns = [np.array([np.nan if v is None else v]) for v in newest_first]
    yes, no = binding.compile(lambda ref: ref.lag)(columns)
    told = bool(np.all(yes)), bool(np.all(no))
    shown = trace(binding, lambda ref: newest_first[ref.lag])
    found = {(True, False): True, (False, True): False, (False, False): None}[told]
    assert shown.outcome is found, "a trace says the same"
    return found


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, False), (1, True), (2, False), (3, None)],
)
def test_a_parameter_as_a_lag(n: int, expected: bool | None) -> None:
    assert outcome("h > h[n]", [2.0, 1.0, 3.0, None], n=n) is expected


def test_a_lag_is_resolved_when_the_parameters_are_known() -> None:
    read = Expression.read('h - h[n] > s["1h"][n]', HISTORY)

    assert read.bind({"n": 8}, "1m").facts() == (
        FactRef("h", 0, "1m"),
        FactRef("h", 8, "1m"),
        FactRef("s", 8, "1h"),
    )


@pytest.mark.parametrize(
    ("text", "newest_first", "expected"),
    [
        ("within(h > gap, 2)", [0.0, 0.0, 1.0], True),
        ("within(h > gap, 1)", [0.0, 0.0, 1.0], False),
        ("within(h > gap, 0)", [1.0], True),
        ("within(h > gap, 0)", [0.0], False),
        ("within(h > gap, n)", [0.0, None, 1.0], True),
        ("within(h > gap, n)", [0.0, None, 0.0], None),
        ("not within(h > gap, n)", [0.0, None, 0.0], None),
        ("not within(h > gap, n)", [0.0, 0.0, 0.0], True),
        ("within(h >= gap and h[1] <= -gap, 1)", [0.6, 0.5, -0.5], True),
        ("within(h >= gap and h[1] <= -gap, 1)", [0.6, 0.5, 0.5], False),
        ("within(rising(h, 1, gap), 1)", [0.0, 1.0, 0.0], True),
        ("within(rising(h, 1, gap), 1)", [0.0, 0.4, 0.0], False),
    ],
)
def test_within_holds_now_or_on_one_of_the_candles_before(
    text: str, newest_first: list[float | None], expected: bool | None
) -> None:
    assert outcome(text, newest_first) is expected


@given(st.lists(st.sampled_from(VALUES), min_size=6, max_size=6), st.integers(0, 4))
@examples(150)
def test_within_is_or_over_the_candles(series: list[float | None], n: int) -> None:
    inner = "h >= gap and (not strict or h[1] <= -gap)"
    alternatives = (f"h[{k}] >= gap and (not strict or h[{k + 1}] <= -gap)" for k in range(n + 1))

    assert outcome(f"within({inner}, n)", series, n=n) is outcome(
        " or ".join(f"({each})" for each in alternatives), series
    )


def test_each_candle_of_within_is_shown_as_it_could_be_written() -> None:
    binding = Expression.read("within(h >= gap * s and h[1] <= -gap, n)", HISTORY).bind(
        {"n": 1, "gap": 0.5}, "1m"
    )

    shown = trace(binding, lambda ref: 1.0 if ref.lag < 2 else -1.0)

    assert shown.outcome is True
    assert shown.text == "within(h >= gap * s and h[1] <= -gap, n)"
    assert [child.text for child in shown.children] == [
        "h >= gap * s and h[1] <= -gap",
        "h[1] >= gap * s[1] and h[2] <= -gap",
    ]
    assert [child.outcome for child in shown.children] == [False, True]
    assert shown.margin == shown.children[1].margin == 0.5


@pytest.mark.parametrize("strict", [True, False])
def test_a_flag_is_yes_or_no(strict: bool) -> None:
    assert outcome("h > gap and (not strict or h[1] < -gap)", [1.0, 0.0], strict=strict) is not strict


@given(trees())
@examples(150)
def test_a_tree_that_is_written_again_is_the_same_tree(tree: Tree) -> None:
    read = parse(written(tree), SCOPE)

    assert bare(parse(rewritten(read), SCOPE)) == bare(read)


def bare(value: Any) -> Any:
    """A tree without the texts it was read from; a chain of comparisons is its links."""
    match value:
        case tuple() if not isinstance(value, FactRef):
            return tuple(bare(item) for item in value)
        case Node() if is_dataclass(value):
            named = {f.name: bare(getattr(value, f.name)) for f in fields(value) if f.name != "text"}
            return type(value).__name__, named
        case _:
            return value

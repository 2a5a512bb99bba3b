"""Expressions over columns agree with polars and SQLite about null, row by row and all together."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from null_logic import (
    COMPARISONS,
    PARAMS,
    SCOPE,
    SLOTS,
    TAME,
    WILD,
    Row,
    Tree,
    bound,
    by_engine,
    by_polars,
    by_sqlite,
    engine_columns,
    rows,
    trees,
    written,
)
from shipped import examples, shipped_rules

from engine.expression import Expression, FactRef, Scope
from engine.rules import RuleProgram, program

UNKNOWN_ROW: Row = dict.fromkeys(SLOTS)


def row_of(**values: float | bool | None) -> Row:
    return {**UNKNOWN_ROW, **values}


def outcome(text: str, scope: Scope = SCOPE, **values: Any) -> bool | None:
    """One row of an expression written by hand."""
    binding = Expression.read(text, scope).bind(PARAMS)
    compiled = binding.compile(lambda ref: list(scope.facts).index(ref.name))
    given_columns: list[Any] = []
    for name, unit in scope.facts.items():
        value = values.get(name)
        if unit == "flag":
            given_columns.append((np.array([value is True]), np.array([value is False])))
        elif unit == "name":
            given_columns.append(np.array([value], dtype=object))
        else:
            given_columns.append(np.array([np.nan if value is None else value], dtype=np.float64))
    with np.errstate(all="ignore"):
        yes, no = compiled(given_columns)
    yes, no = np.broadcast_to(yes, (1,)), np.broadcast_to(no, (1,))
    assert not (yes[0] and no[0])
    return True if yes[0] else False if no[0] else None


# -- independent judges --------------------------------------------------------------------------------------


@given(trees(WILD), rows(WILD))
@example((">", ("/", ("fact", "a"), ("fact", "b")), ("number", 0.5)), [row_of(a=1.0, b=0.0)])
@example(("<", ("*", ("fact", "a"), ("fact", "a")), ("number", 0.5)), [row_of(a=1e308)])
@example(("not", (">", ("+", ("fact", "a"), ("fact", "a")), ("number", 0.5))), [row_of(a=1e308)])
@examples(250)
def test_outcomes_agree_with_the_nulls_of_polars(tree: Tree, table: list[Row]) -> None:
    assert by_engine(tree, table) == by_polars(tree, table), written(tree)


@given(trees(TAME), rows(TAME))
@examples(250)
def test_outcomes_agree_with_the_null_of_sqlite(tree: Tree, table: list[Row]) -> None:
    assert by_engine(tree, table) == by_sqlite(tree, table), written(tree)


@pytest.mark.parametrize("op", COMPARISONS)
def test_every_pair_of_values_compares_as_the_judges_say(op: str) -> None:
    table = [row_of(a=x, b=y) for x, y in product((None, *TAME), repeat=2)]
    tree = (op, ("fact", "a"), ("fact", "b"))
    assert by_engine(tree, table) == by_sqlite(tree, table) == by_polars(tree, table)
    constants = [(op, ("fact", "a"), ("number", 0.75)), (op, ("number", 0.75), ("fact", "a"))]
    for against_constant in constants:
        assert by_engine(against_constant, table) == by_sqlite(against_constant, table)


@pytest.mark.parametrize("connective", ["and", "or"])
def test_every_triple_of_outcomes_joins_as_the_judges_say(connective: str) -> None:
    table = [
        row_of(p=x, q=y, a=z) for x, y, z in product((True, False, None), (True, False, None), (None, 1.0))
    ]
    third = (">", ("fact", "a"), ("number", 0.5))
    for tree in (
        (connective, ("flag", "p"), ("flag", "q")),
        (connective, ("flag", "p"), ("flag", "q"), third),
        ("not", (connective, ("not", ("flag", "p")), ("flag", "q"), third)),
    ):
        assert by_engine(tree, table) == by_sqlite(tree, table) == by_polars(tree, table)


# -- rows and columns ----------------------------------------------------------------------------------------


@given(trees(WILD), rows(WILD))
@examples(120)
def test_rows_one_by_one_equal_rows_together(tree: Tree, table: list[Row]) -> None:
    assert by_engine(tree, table) == [by_engine(tree, [row])[0] for row in table]


@given(trees(WILD), rows(WILD))
@examples(100)
def test_scalars_give_what_columns_of_one_row_give(tree: Tree, table: list[Row]) -> None:
    """A gate hands in one row as scalars."""
    compiled = bound(tree).compile(lambda ref: SLOTS[ref.name])
    for row in table:
        scalars = [
            (column[0][0], column[1][0]) if isinstance(column, tuple) else column[0]
            for column in engine_columns([row])
        ]
        with np.errstate(all="ignore"):
            yes, no = compiled(scalars)
        assert (True if yes else False if no else None) is by_engine(tree, [row])[0]


@given(
    st.permutations(range(8)), trees(TAME), st.lists(rows(TAME).map(lambda r: r[0]), min_size=8, max_size=8)
)
@examples(60)
def test_the_order_of_rows_does_not_matter(order: list[int], tree: Tree, table: list[Row]) -> None:
    together = by_engine(tree, table)
    assert by_engine(tree, [table[i] for i in order]) == [together[i] for i in order]


@pytest.mark.parametrize("rows_asked", [0, 1, program.CHUNK, program.CHUNK + 1, 2 * program.CHUNK + 1717])
@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_chunks_give_what_one_piece_gives(
    rows_asked: int, timeframe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: RuleProgram = shipped_rules().timeframes[timeframe].program
    random = np.random.default_rng(5)
    table = [
        np.where(random.random(rows_asked) < 0.1, np.nan, random.normal(50, 9, rows_asked))
        for _ in compiled.refs
    ]
    chunked = compiled.run(table, rows_asked)
    monkeypatch.setattr(program, "CHUNK", rows_asked + 1)
    whole = compiled.run(table, rows_asked)
    assert np.array_equal(chunked.true, whole.true)
    assert np.array_equal(chunked.false, whole.false)
    monkeypatch.setattr(program, "CHUNK", 7)
    few = [column[:100] for column in table]
    small = compiled.run(few, min(rows_asked, 100))
    assert np.array_equal(small.codes(), whole.codes()[:, :100])


# -- what has no value ---------------------------------------------------------------------------------------

BIG = 1e308

VALUELESS = (
    "a / b",  # b is 0
    "-a / b",
    "b / b",
    "a / (b * c)",
    "a / -b",
    "a + (c + a / b)",
    "abs(a / b)",
    "min(a / b, c)",
    "max(c, a / b)",
    "max(a / b, 1)",
    "c / (a / b)",
    "c / abs(a / b)",
    "c / (1 / (a / b))",
    "c / min(a / b, 1)",
    "(a / b) * 0",
    "0 / (a / b)",
    "a / b - a / b",
    "big * big",
    "big + big",
    "-big - big",
    "1 / (big * big)",
    "c / (big + big)",
    "big * big - big * big",
    "min(big * big, 1)",
    "big * 10 / 10",
    "max(-big - big, 1)",
    "1e308 * 10 * c",
    "c / (1e308 * 10)",
    "1 / 0 + c",
    "min(1 / 0, c)",
    "abs(-1e308 * 10) + c",
    "c / (0 / 0)",
    "unknown",
    "unknown * 0",
    "0 * (unknown + 1)",
    "min(unknown, c)",
    "max(c, unknown, c)",
    "abs(-unknown)",
    "unknown / unknown",
)


COMPARED = (
    *("{} > 0.5", "{} < 0.5", "{} == 0.5", "{} != 0.5", "0.5 >= {}", "0.5 <= {}"),
    *("{} <= {}", "{} == {}", "c < {} < c", "rising(c, 1, {})"),
)


@pytest.mark.parametrize("number", VALUELESS)
@pytest.mark.parametrize("comparison", COMPARED)
def test_what_has_no_value_neither_passes_nor_fails(number: str, comparison: str) -> None:
    scope = Scope(dict.fromkeys(("a", "b", "c", "big", "unknown"), "price"), {}, frozenset())
    text = comparison.replace("{}", f"({number})")
    binding = Expression.read(text, scope).bind({})
    values = {"a": 3.0, "b": 0.0, "c": 2.0, "big": BIG, "unknown": np.nan}
    compiled = binding.compile(lambda ref: [*values].index(ref.name))
    table = [np.full(3, value) for value in values.values()]
    with np.errstate(all="ignore"):
        yes, no = compiled(table)
    assert not np.any(yes), text
    assert not np.any(no), text
    negated = Expression.read(f"not ({text})", scope).bind({}).compile(lambda ref: [*values].index(ref.name))
    with np.errstate(all="ignore"):
        yes, no = negated(table)
    assert not np.any(yes | no)


@pytest.mark.parametrize("text", ["1e308 * 1e308 * a > 0", "a / 0 > 0", "-a / 0 < 0", "a / 0 != 0"])
def test_infinity_is_no_large_number(text: str) -> None:
    assert outcome(text, a=2.0) is None


def test_a_decided_side_decides_whatever_is_unknown_beside_it() -> None:
    assert outcome("a > 1 or b > 1", a=2.0) is True
    assert outcome("a > 1 and b > 1", a=0.0) is False
    assert outcome("not (a > 1 and b > 1)", a=0.0) is True
    assert outcome("a > 1 or b > 1", a=0.0) is None
    assert outcome("a > 1 and b > 1", a=2.0) is None
    assert outcome("0 < a < b", a=-1.0) is False
    assert outcome("not (a > 52)") is None


def test_a_value_that_is_not_there_is_not_equal_and_not_unequal_to_itself() -> None:
    assert outcome("a == a") is None
    assert outcome("a != a") is None
    assert outcome("a == a", a=1.0) is True


def test_known_is_never_unknown() -> None:
    assert outcome("known(a)") is False
    assert outcome("known(a)", a=0.0) is True
    assert outcome("not known(a)") is True
    assert outcome("known(p)") is False
    assert outcome("known(p)", p=False) is True


def test_texts_are_compared_and_unknown_when_absent() -> None:
    scope = Scope({"mode": "name", "other": "name"}, history=False)
    assert outcome('mode == "strict"', scope, mode="strict") is True
    assert outcome('mode == "strict"', scope, mode="pragmatic") is False
    assert outcome('mode == "strict"', scope) is None
    assert outcome('"strict" != mode', scope, mode="strict") is False
    assert outcome('not (mode == "strict")', scope) is None
    assert outcome('mode in ["a", "b"]', scope, mode="b") is True
    assert outcome('mode in ["a", "b"]', scope, mode="c") is False
    assert outcome('mode in ["a", "b"]', scope) is None
    assert outcome("mode == other", scope, mode="a", other="a") is True
    assert outcome("mode != other", scope, mode="a") is None
    assert outcome("known(mode)", scope) is False
    assert outcome('mode == "é"', scope, mode="é") is True


# -- history -------------------------------------------------------------------------------------------------

HISTORY = Scope({"h": "price", "s": "price"}, {"n": "bars", "eps": "price"}, frozenset({"1m", "1h"}))


def test_an_expression_says_which_columns_it_reads() -> None:
    binding = Expression.read('h > s[2] and h["1h"] > 0 and rising(h, n, eps * s)', HISTORY).bind(
        {"n": 2, "eps": 0.5}, "1m"
    )
    assert binding.facts() == (
        FactRef("h", 0, "1m"),
        FactRef("s", 2, "1m"),
        FactRef("h", 0, "1h"),
        FactRef("h", 1, "1m"),
        FactRef("h", 2, "1m"),
        FactRef("s", 0, "1m"),
    )


@pytest.mark.parametrize(
    ("text", "params", "newest_first", "expected"),
    [
        ("rising(h, 1)", {}, [2.0, 1.0], True),
        ("rising(h, 2)", {}, [3.0, 2.0, 1.0], True),
        ("rising(h, 2)", {}, [3.0, 2.0, 2.5], False),
        ("rising(h, 2)", {}, [3.0, 2.0, None], None),
        ("rising(h, 2)", {}, [1.0, 2.0, None], False),
        ("rising(h, 1)", {}, [1.0, 1.0], False),  # a step of nothing is no rise
        ("falling(h, 1)", {}, [1.0, 1.0], False),
        ("falling(h, 2)", {}, [1.0, 2.0, 3.0], True),
        ("falling(h, 3)", {}, [-1.660, -1.716, -1.736, -1.721], False),
        ("rising(h, 2)", {}, [-1.660, -1.716, -1.736, -1.721], True),
        ("rising(h, 3)", {}, [-1.660, -1.716, -1.736, -1.721], False),
        ("rising(h, 1, 1)", {}, [2.0, 1.0], False),  # greater than the least step, not equal to it
        ("rising(h, 1, 0.5)", {}, [2.0, 1.0], True),
        ("falling(h, 1, 0.5)", {}, [1.0, 1.5], False),
        ("falling(h, 1, 0.5)", {}, [1.0, 1.6], True),
        ("rising(h, n, eps)", {"n": 2.0, "eps": 0.0}, [3.0, 2.0, 1.0], True),
        ("rising(h[1], 1)", {}, [0.0, 2.0, 1.0], True),
        ("h[1] <= 1 and h > 1", {}, [2.0, 1.0], True),
    ],
)
def test_trends_look_at_each_of_the_last_steps(
    text: str, params: dict[str, float], newest_first: list[float | None], expected: bool | None
) -> None:
    binding = Expression.read(text, HISTORY).bind({"n": 1, "eps": 0, **params}, "1m")
    compiled = binding.compile(lambda ref: ref.lag)
    yes, no = compiled([np.array([np.nan if v is None else v]) for v in newest_first])
    assert (bool(yes[0]), bool(no[0])) == (expected is True, expected is False)

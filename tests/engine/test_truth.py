"""Laws of Kleene's three-valued logic on columns of outcomes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped import examples

from engine.truth import FAIL, OUTCOME_NAMES, PASS, UNKNOWN, Truth

VALUES = (True, False, None)
PAIRS = list(product(VALUES, repeat=2))
TRIPLES = list(product(VALUES, repeat=3))

AND = {
    (True, True): True, (True, False): False, (True, None): None,
    (False, True): False, (False, False): False, (False, None): False,
    (None, True): None, (None, False): False, (None, None): None,
}  # fmt: skip


def columns(cases: list[tuple[bool | None, ...]]) -> list[Truth]:
    """One column per position of the cases, one row per case."""
    return [Truth.of(column) for column in zip(*cases, strict=True)]


def same(left: Truth, right: Truth) -> bool:
    return left.to_list() == right.to_list()


def test_and_is_kleenes_table() -> None:
    a, b = columns(PAIRS)
    assert (a & b).to_list() == [AND[pair] for pair in PAIRS]


def test_or_is_the_table_of_and_seen_from_the_other_side() -> None:
    a, b = columns(PAIRS)
    turned = {True: False, False: True, None: None}
    assert (a | b).to_list() == [turned[AND[turned[x], turned[y]]] for x, y in PAIRS]


def test_not_swaps_pass_and_fail_and_keeps_unknown() -> None:
    assert (~Truth.of(VALUES)).to_list() == [False, True, None]


@pytest.mark.parametrize("junction", [Truth.__and__, Truth.__or__], ids=["and", "or"])
def test_junctions_are_commutative_and_associative_and_idempotent(junction: object) -> None:
    join = junction
    assert callable(join)
    a, b = columns(PAIRS)
    assert same(join(a, b), join(b, a))
    assert same(join(a, a), a)
    x, y, z = columns(TRIPLES)
    assert same(join(join(x, y), z), join(x, join(y, z)))


def test_de_morgan() -> None:
    a, b = columns(PAIRS)
    assert same(~(a & b), ~a | ~b)
    assert same(~(a | b), ~a & ~b)


def test_double_negation() -> None:
    a = Truth.of(VALUES)
    assert same(~~a, a)


def test_each_junction_distributes_over_the_other_and_absorbs_it() -> None:
    x, y, z = columns(TRIPLES)
    assert same(x & (y | z), (x & y) | (x & z))
    assert same(x | (y & z), (x | y) & (x | z))
    assert same(x & (x | y), x)
    assert same(x | (x & y), x)


def test_the_excluded_middle_does_not_hold_for_unknown() -> None:
    a = Truth.of(VALUES)
    assert (a | ~a).to_list() == [True, True, None]
    assert (a & ~a).to_list() == [False, False, None]


def test_knowing_more_never_turns_an_outcome_round() -> None:
    """Replacing an unknown by either outcome leaves every known result as it was."""
    for x, y in PAIRS:
        for result in (Truth.__and__, Truth.__or__):
            before = result(Truth.of([x]), Truth.of([y])).to_list()[0]
            if before is None:
                continue
            for x2, y2 in product(VALUES if x is None else (x,), VALUES if y is None else (y,)):
                assert result(Truth.of([x2]), Truth.of([y2])).to_list()[0] is before


@given(st.lists(st.sampled_from(VALUES), max_size=40))
@examples(100)
def test_a_column_is_its_rows(outcomes: list[bool | None]) -> None:
    truth = Truth.of(outcomes)
    assert truth.to_list() == outcomes
    assert not (truth.true & truth.false).any()
    assert truth.unknown.tolist() == [outcome is None for outcome in outcomes]
    assert [OUTCOME_NAMES[code] for code in truth.codes()] == [
        {True: "pass", False: "fail", None: "unknown"}[outcome] for outcome in outcomes
    ]
    assert truth.codes().dtype == np.int8
    assert {PASS, FAIL, UNKNOWN} == {0, 1, 2}

"""Every shipped condition against its table: both sides of each threshold, and each value missing."""

from __future__ import annotations

from itertools import groupby

import pytest
from condition_tables import FOLDER, Case, cases, comparisons, is_near, linked
from shipped import ROOT, ruleset

CASES = tuple(cases())
ALL = {name: tuple(rows) for name, rows in groupby(CASES, key=lambda case: case.condition)}
CONSTANT = {name for name, rows in ALL.items() if not linked(rows[0]).program.refs}
"""Conditions that are always the same, and say so."""
TABLES = {name: rows for name, rows in ALL.items() if name not in CONSTANT}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_condition_says_what_its_table_says(case: Case) -> None:
    assert linked(case).outcome(case) is case.expected


@pytest.mark.parametrize("case", CASES, ids=str)
def test_with_a_value_less_a_condition_says_the_same_or_that_it_does_not_know(case: Case) -> None:
    condition = linked(case)
    for ref in condition.program.refs:
        assert condition.outcome(case, without=ref) in (case.expected, None), f"without {ref}"


@pytest.mark.parametrize("name", TABLES)
def test_no_value_can_be_missing_unnoticed(name: str) -> None:
    """For each value there is a case that passes and no longer does when it is taken away."""
    passing = [case for case in TABLES[name] if case.expected]
    read = {(case.timeframe, ref): False for case in passing for ref in linked(case).program.refs}
    for case in passing:
        condition = linked(case)
        for ref in condition.program.refs:
            read[case.timeframe, ref] |= condition.outcome(case, without=ref) is None
    usual = linked(passing[0]).program.refs  # settings of other rows may look further back
    assert [str(ref) for (_, ref), noticed in read.items() if ref in usual and not noticed] == []


@pytest.mark.parametrize("name", [name for name in TABLES if linked(TABLES[name][0]).instance.binding])
def test_a_table_sees_both_sides_of_every_comparison_and_comes_near(name: str) -> None:
    holds: dict[str, set[bool | None]] = {}
    near: set[bool | None] = set()
    for case in TABLES[name]:
        shown = linked(case).shown(case)
        assert shown.outcome is case.expected, "the explanation agrees"
        for part in comparisons(shown):
            text = f"{part.left_text} {part.op} {part.right_text}"
            if not case.settings or text in holds:  # settings of single rows may look further back
                holds.setdefault(text, set()).add(part.outcome)
        if is_near(shown):
            near.add(shown.outcome)
    assert [text for text, seen in holds.items() if not seen >= {True, False}] == []
    assert near == {True, False}, "a case that passes and one that fails near the threshold"


@pytest.mark.parametrize("name", [name for name in TABLES if not linked(TABLES[name][0]).instance.binding])
def test_every_member_of_a_composed_condition_decides_once(name: str) -> None:
    tree = linked(TABLES[name][0]).instance.tree
    assert tree is not None
    passing = tree.op == "any_of"  # an alternative shows itself by being the only one that passes
    decided: set[int] = set()
    for case in TABLES[name]:
        condition = linked(case)
        outcomes = [condition.member(member, case) for member in tree.members]
        if outcomes.count(passing) == 1:
            decided.add(outcomes.index(passing))
    assert decided == set(range(len(tree.members)))


def test_every_shipped_condition_has_a_table_where_one_looks_for_it() -> None:
    folder = ROOT / "rules" / "conditions"
    assert set(ALL) == set(ruleset().conditions)
    assert {file.name for file in FOLDER.glob("*.yaml")} == {file.name for file in folder.glob("*.yaml")}


@pytest.mark.parametrize("name", TABLES)
def test_a_condition_whose_facts_are_all_unknown_is_unknown(name: str) -> None:
    nothing = Case(name, None, {})
    assert linked(nothing).outcome(nothing) is None


def test_what_is_always_the_same() -> None:
    assert {name: rows[0].expected for name, rows in ALL.items() if name in CONSTANT} == {
        "get_true": True,
        "get_false": False,
        "scalping": False,
        "trailing_after_tp1": False,
        "end_of_zone_fallback": False,
    }


def test_every_condition_says_in_one_line_what_it_asks() -> None:
    assert [name for name, definition in ruleset().conditions.items() if not definition.summary] == []

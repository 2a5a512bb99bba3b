"""The case tables of the shipped conditions, read from ``condition_cases`` and run by the engine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from ruamel.yaml import YAML
from shipped import ruleset

from engine.expression import FactRef
from engine.expression.trace import Trace, trace
from engine.models.conditions import Tree
from engine.rules import Catalogue, Instance, RuleProgram
from engine.rules.catalogue import LinkedTree

FOLDER = Path(__file__).parent / "condition_cases"
TIMEFRAME = "15m"
"""Where a case does not say another."""
OUTCOMES: dict[str, bool | None] = {"pass": True, "fail": False, "unknown": None}

TREE: TypeAdapter[Tree] = TypeAdapter(Tree)


@dataclass(frozen=True)
class Case:
    """One row of a table."""

    condition: str
    expected: bool | None
    values: Mapping[str, float | list[float]]
    settings: Mapping[str, float] = field(default_factory=dict[str, float])
    timeframe: str = TIMEFRAME

    def __str__(self) -> str:
        told = next(name for name, outcome in OUTCOMES.items() if outcome is self.expected)
        given = {**self.values, **({"with": dict(self.settings)} if self.settings else {})}
        return f"{self.condition} {told} {given}"

    def read(self, ref: FactRef, without: FactRef | None = None) -> float | None:
        """A fact's value; None where the table has none, or where it is taken away."""
        elsewhere = "" if ref.timeframe == self.timeframe else f'["{ref.timeframe}"]'
        value = self.values.get(f"{ref.name}{elsewhere}")
        if ref == without or value is None:
            return None
        if not isinstance(value, list):
            return float(value)
        return float(value[ref.lag]) if ref.lag < len(value) else None


@dataclass(frozen=True)
class Linked:
    """A condition with its settings, ready to run."""

    program: RuleProgram
    tree: LinkedTree

    @property
    def instance(self) -> Instance:
        """The condition itself, which comes after its members."""
        return self.program.instances[self.tree.leaf]

    def outcome(self, case: Case, without: FactRef | None = None) -> bool | None:
        """What the rules program says."""
        given = [case.read(ref, without) for ref in self.program.refs]
        columns = [np.array([math.nan if value is None else value]) for value in given]
        return self.program.run(columns, 1).of(self.tree).to_list()[0]

    def member(self, tree: LinkedTree, case: Case) -> bool | None:
        """The same of a part of it."""
        columns = [np.array([math.nan if (v := case.read(ref)) is None else v]) for ref in self.program.refs]
        return self.program.run(columns, 1).of(tree).to_list()[0]

    def shown(self, case: Case) -> Trace:
        """How it is explained; for a condition that is an expression."""
        assert self.instance.binding is not None
        return trace(self.instance.binding, case.read)


def cases() -> Iterator[Case]:
    """Every row of every table."""
    for file in sorted(FOLDER.glob("*.yaml")):
        for condition, table in YAML(typ="safe").load(file.read_text(encoding="utf-8")).items():
            usual = table.pop("usual", {})
            for outcome, rows in table.items():
                for row in rows:
                    values = dict(row)
                    settings, timeframe = values.pop("with", {}), values.pop("on", TIMEFRAME)
                    yield Case(condition, OUTCOMES[outcome], {**usual, **values}, settings, timeframe)


def linked(case: Case) -> Linked:
    """The case's condition with its settings on its timeframe."""
    return _linked(case.condition, tuple(case.settings.items()), case.timeframe)


@cache
def _linked(condition: str, settings: tuple[tuple[str, float], ...], timeframe: str) -> Linked:
    linker = catalogue().linker(timeframe)
    reference: Any = {condition: dict(settings)} if settings else condition
    tree = linker.link(TREE.validate_python(reference))
    return Linked(RuleProgram(linker.instances), tree)


@cache
def catalogue() -> Catalogue:
    """The shipped conditions over everything that one may read somewhere: facts, metrics, a plan's facts."""
    shipped = ruleset()
    places = (shipped.gates["plan"].document.facts, shipped.facts.metrics, shipped.facts.facts)
    units = {name: fact.unit for place in places for name, fact in place.items()}
    return Catalogue(shipped.conditions, units, frozenset(shipped.facts.history))


def is_near(shown: Trace) -> bool:
    """Whether a row is near the other outcome: by 15 % of the threshold, or by 0.1 where that is 0."""
    if shown.margin is None or shown.relative_margin is None:
        return False
    against_zero = any(part.right == 0 and part.margin == shown.margin for part in comparisons(shown))
    return abs(shown.relative_margin) <= 0.15 or (against_zero and abs(shown.margin) <= 0.1)


def comparisons(shown: Trace) -> Iterator[Trace]:
    """The parts of an explanation that compare something."""
    if shown.children:
        for child in shown.children:
            yield from comparisons(child)
    elif shown.op not in ("flag", "constant", "known"):
        yield shown

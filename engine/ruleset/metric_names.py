"""Metrics: their expressions, what code hands in, and that a name means one thing wherever it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.documents import Entry, MapNode, Problem, ScalarNode
from engine.expression import Kind, Scope
from engine.expression import nodes as n
from engine.ruleset.expressions import RESERVED, read_expression
from engine.ruleset.fixed_code import FixedCode
from engine.ruleset.folder import Folder
from engine.ruleset.gates import name_differences
from engine.ruleset.names import section, text_of
from engine.ruleset.places import NUMBERLESS_UNITS, Names

THE_SELECTOR = "the execution selector"


def metric_problems(folder: Folder, fixed: FixedCode, names: Names | None) -> Iterator[Problem]:
    """What is wrong with the metrics of ``facts.yaml``."""
    document = folder.singles.get("facts")
    if document is None or document.root is None or names is None:
        return
    metrics = section(document, "metrics") or {}
    handed: dict[str, Entry] = {}
    for name, entry in metrics.items():
        if name in RESERVED:
            message = f"'{name}' is a word of the rule language and cannot be a metric's name"
            yield entry.key.position.problem(message)
        if not isinstance(entry.value, MapNode):
            continue
        unit, value = entry.value.get("unit"), entry.value.get("value")
        if unit is not None and text_of(unit) in NUMBERLESS_UNITS:
            yield unit.position.problem(f"a metric is a number, and a '{text_of(unit)}' is not")
        if value is None:
            handed[name] = entry
        elif name in fixed.metrics:
            yield value.position.problem(f"fixed code computes '{name}'", "leave 'value' out")
        elif isinstance(value, ScalarNode) and text_of(value) is not None:
            yield from _value_problems(value, names)
    owner = document.root.entries["metrics" if "metrics" in document.root.entries else "facts"].key.position
    wanted = fixed.metrics - {name for name in metrics if name not in handed}
    yield from name_differences("metric", handed, wanted, THE_SELECTOR, owner)
    yield from _conflicts(metrics, "metric", names.metrics, names.facts, "the fact of candles")
    plan = section(folder.gates.get("plan"), "facts") or {}
    yield from _conflicts(plan, "fact", names.plan, names.facts, "the fact of candles")
    yield from _conflicts(plan, "fact", names.plan, names.metrics, "the metric")


def _value_problems(value: ScalarNode, names: Names) -> Iterator[Problem]:
    units = {name: unit or "" for name, unit in names.facts.items()}
    unreadable = frozenset(name for name, unit in units.items() if not unit)
    scope = Scope(units, timeframes=names.timeframes)
    expression, problems = read_expression(value, scope, unreadable, Kind.NUMBER)
    yield from problems
    if expression is None:
        return
    told: set[str] = set()
    for node in n.below(expression.tree):
        if isinstance(node, n.Fact) and node.ref.timeframe is None and node.ref.name not in told:
            told.add(node.ref.name)
            at = re.search(rf"\b{node.ref.name}\b(?!\s*\[\s*[\"'])", str(value.value))
            yield value.position_of(at.start() if at else 0).problem(
                f"'{node.ref.name}' does not say its timeframe", f'write {node.ref.name}["5m"], for example'
            )


def _conflicts(
    entries: Mapping[str, Entry],
    what: str,
    own: Mapping[str, str | None],
    others: Mapping[str, str | None],
    whose: str,
) -> Iterator[Problem]:
    """Names that mean something else elsewhere: a condition that reads one could be about either."""
    for name, entry in entries.items():
        unit, other = own.get(name), others.get(name)
        if unit is not None and other is not None and unit != other:
            message = f"{what} '{name}' is in {unit}, and {whose} of that name in {other}"
            yield entry.key.position.problem(message, "give it another name")

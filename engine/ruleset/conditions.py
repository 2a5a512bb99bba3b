"""Definitions of conditions: their expressions, their parameters, and that none depends on itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.documents import Node, Problem, ScalarNode
from engine.documents.reader import MAX_DEPTH
from engine.models.conditions import JUNCTIONS
from engine.ruleset.expressions import MAX_LAG, RESERVED, counted_parameters, mentions, read_expression
from engine.ruleset.names import ConditionName, ParameterName, entries_of, items_of, members, text_of
from engine.ruleset.places import Names
from engine.ruleset.requirements import requirement_problems
from engine.ruleset.trees import NameUse, tree_problems, uses, value_problem


def definition_problems(
    condition: ConditionName,
    known: Mapping[str, ConditionName] | None,
    names: Names | None,
) -> Iterator[Problem]:
    """What is wrong with one definition. ``known`` and ``names`` are None where they cannot be told."""
    if condition.name in JUNCTIONS:
        yield condition.key.position.problem(
            f"'{condition.name}' builds trees and cannot be a condition's name"
        )
    for parameter in condition.params.values():
        yield from _parameter_problems(parameter, condition, names.units if names is not None else {})
    if condition.tree is not None and known is not None:
        for member in members(condition):
            yield from tree_problems(member, known)
    yield from requirement_problems(condition)
    if condition.when is not None and names is not None:
        yield from _expression_problems(condition, condition.when, names)


def cycle_problems(conditions: Mapping[str, ConditionName]) -> Iterator[Problem]:
    """One problem for each circle of conditions, at the reference that closes it, and each chain too long."""
    levels: dict[str, int] = {}
    for start in conditions:
        trail: dict[str, Iterator[NameUse]] = {}
        if start not in levels:
            trail[start] = _uses_of(conditions[start])
        while trail:
            name, remaining = next(reversed(trail.items()))
            use = next(remaining, None)
            if use is None:
                del trail[name]
                yield from _depth_problems(conditions[name], levels)
            elif use.name in trail:
                names = list(trail)
                circle = " → ".join([*names[names.index(use.name) :], use.name])
                yield use.node.position.problem(f"conditions refer to each other in a circle: {circle}")
            elif use.name in conditions and use.name not in levels:
                trail[use.name] = _uses_of(conditions[use.name])


def _depth_problems(condition: ConditionName, levels: dict[str, int]) -> Iterator[Problem]:
    """Adds a condition's ``levels``; a problem where it is the first of a chain that has too many."""
    below = max((_levels_of(member, levels) for member in members(condition)), default=0)
    levels[condition.name] = below + 1
    used = max((levels.get(use.name, 0) for use in _uses_of(condition)), default=0)
    if below + 1 > MAX_DEPTH >= used:
        yield condition.key.position.problem(
            f"condition '{condition.name}' stands on more than {MAX_DEPTH} levels of groups and conditions"
        )


def _levels_of(tree: Node, levels: Mapping[str, int]) -> int:
    if (name := text_of(tree)) is not None:
        return levels.get(name, 0)
    below = [0]
    for key, entry in entries_of(tree).items():
        if key not in JUNCTIONS:
            below.append(levels.get(key, 0))
        else:
            inner = (entry.value,) if key == "not" else items_of(entry.value)
            below += [1 + _levels_of(member, levels) for member in inner]
    return max(below)


def closure(names: Iterator[str], conditions: Mapping[str, ConditionName]) -> frozenset[str]:
    """The given conditions and every condition they are composed of."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in conditions and name not in found:
            found.add(name)
            waiting += [use.name for use in _uses_of(conditions[name])]
    return frozenset(found)


def _uses_of(condition: ConditionName) -> Iterator[NameUse]:
    for member in members(condition):
        yield from uses(member)


def _parameter_problems(
    parameter: ParameterName, condition: ConditionName, facts: Mapping[str, str | None]
) -> Iterator[Problem]:
    name = str(parameter.key.value)
    position = parameter.key.position
    if name in RESERVED:
        yield position.problem(f"'{name}' is a word of the rule language and cannot be a parameter's name")
    elif name in facts:
        yield position.problem(f"parameter '{name}' hides the fact of that name", "give it another name")
    elif condition.when is not None and not mentions(str(condition.when.value), name):
        yield position.problem(f"parameter '{name}' is never read")
    fields = entries_of(parameter.node)
    if parameter.unit == "name":
        yield fields["unit"].value.position.problem("a parameter is a number or a flag, and a 'name' is not")
    if parameter.unit == "flag":
        for bound in fields.keys() & {"minimum", "maximum"}:
            yield fields[bound].key.position.problem(f"'{name}' is true or false and has no {bound}")
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None and low > high:
        yield fields["minimum"].value.position.problem(f"the minimum {low} is above the maximum {high}")
    values = [entry.value for key, entry in fields.items() if key == "default"]
    if "by_timeframe" in fields:
        values += [entry.value for entry in entries_of(fields["by_timeframe"].value).values()]
    for value in values:
        if problem := value_problem(value, parameter):
            yield problem


def _setting_unit(parameter: ParameterName) -> str:
    """The unit, or nothing where it has been refused: what follows from it is not told as well."""
    return parameter.unit if parameter.unit and parameter.unit != "name" else ""


def _expression_problems(condition: ConditionName, when: ScalarNode, names: Names) -> Iterator[Problem]:
    params = {name: _setting_unit(parameter) for name, parameter in condition.params.items()}
    unreadable = frozenset(name for name, unit in {**names.units, **params}.items() if not unit)
    expression, problems = read_expression(when, names.scope(params), unreadable, constant=True)
    yield from problems
    if expression is None:
        return
    for name, least in counted_parameters(expression).items():
        parameter = condition.params[name]
        low, high = parameter.minimum, parameter.maximum
        if low is None or low < least or high is None or high > MAX_LAG:
            message = f"parameter '{name}' counts candles and needs bounds within {least} and {MAX_LAG}"
            yield parameter.key.position.problem(message, f"add minimum: {least} and maximum: {MAX_LAG}")

"""Trees of references: every name, parameter and value in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.documents import MapNode, Node, Problem, ScalarNode
from engine.models.conditions import JUNCTIONS
from engine.ruleset.names import ConditionName, ParameterName, items_of, number_of, setting_of, text_of

WHOLE_UNITS = ("bars", "count")
"""Units of parameters that only take whole numbers."""


@dataclass(frozen=True, slots=True)
class NameUse:
    """A place where a tree names a condition."""

    name: str
    node: ScalarNode


def uses(tree: Node) -> Iterator[NameUse]:
    """Every condition that a tree names, in the order of the text."""
    if (name := text_of(tree)) is not None and isinstance(tree, ScalarNode):
        yield NameUse(name, tree)
    elif isinstance(tree, MapNode):
        for key, entry in tree.entries.items():
            if key not in JUNCTIONS:
                yield NameUse(key, entry.key)
            elif key == "not":
                yield from uses(entry.value)
            else:
                for member in items_of(entry.value):
                    yield from uses(member)


def tree_problems(tree: Node, conditions: Mapping[str, ConditionName]) -> Iterator[Problem]:
    """Unknown conditions and parameters, wrong values. What has no shape of a tree has been told already."""
    if (name := text_of(tree)) is not None and isinstance(tree, ScalarNode):
        if name not in conditions:
            yield _unknown(tree, name, conditions)
    elif isinstance(tree, MapNode):
        for key, entry in tree.entries.items():
            if key == "not":
                yield from tree_problems(entry.value, conditions)
            elif key in JUNCTIONS:
                for member in items_of(entry.value):
                    yield from tree_problems(member, conditions)
            elif key not in conditions:
                yield _unknown(entry.key, key, [*conditions, *JUNCTIONS])
            else:
                yield from _argument_problems(entry.key, entry.value, conditions[key])


def value_problem(node: Node | None, parameter: ParameterName) -> Problem | None:
    """A parameter's value that is not of its unit or outside its bounds."""
    value = setting_of(node)
    if node is None or value is None:
        return None
    name = parameter.key.value
    if isinstance(value, bool) != (parameter.unit == "flag"):
        needed = "true or false" if parameter.unit == "flag" else "a number"
        return node.position.problem(f"parameter '{name}' is {needed}, and {_written(value)} is not")
    if isinstance(value, bool):
        return None
    if parameter.unit in WHOLE_UNITS and value != int(value):
        return node.position.problem(
            f"parameter '{name}' counts {parameter.unit}; {value} is not a whole number"
        )
    if parameter.minimum is not None and value < parameter.minimum:
        return node.position.problem(f"{value} is below the least '{name}', {parameter.minimum}")
    if parameter.maximum is not None and value > parameter.maximum:
        return node.position.problem(f"{value} is above the greatest '{name}', {parameter.maximum}")
    return None


def _written(value: float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unknown(node: ScalarNode, name: str, valid: Iterable[str]) -> Problem:
    return node.position.unknown("condition", name, valid)


def _argument_problems(key: ScalarNode, argument: Node, condition: ConditionName) -> Iterator[Problem]:
    params = condition.params
    if condition.broken:
        return
    if isinstance(argument, MapNode):
        for name, entry in argument.entries.items():
            if name in params:
                if problem := value_problem(entry.value, params[name]):
                    yield problem
            elif params:
                yield entry.key.position.unknown(f"parameter of '{condition.name}'", name, params)
            else:
                yield entry.key.position.problem(f"condition '{condition.name}' has no parameters")
    elif number_of(argument) is not None:
        if len(params) == 1:
            if problem := value_problem(argument, next(iter(params.values()))):
                yield problem
        elif not params:
            yield argument.position.problem(f"condition '{condition.name}' has no parameters")
        else:
            hint = f"write {key.value}: {{{next(iter(params))}: …}}"
            names = ", ".join(params)
            yield argument.position.problem(
                f"condition '{condition.name}' has {len(params)} parameters: {names}", hint
            )

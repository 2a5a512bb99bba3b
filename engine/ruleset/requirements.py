"""Values of parameters that only make sense together: ``requires`` of a condition, wherever it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.documents import MapNode, Node, Problem, ScalarNode, did_you_mean
from engine.expression import Expression, ExpressionError, Scope
from engine.expression import nodes as n
from engine.expression.trace import trace
from engine.models.conditions import JUNCTIONS
from engine.ruleset.names import ConditionName, entries_of, items_of, setting_of, text_of


def requirement_problems(condition: ConditionName) -> Iterator[Problem]:
    """What is wrong with a ``requires`` itself, and defaults that do not keep it."""
    node = condition.requires
    if node is None:
        return
    units = {name: parameter.unit or "" for name, parameter in condition.params.items()}
    if any(unit in ("", "name") for unit in units.values()):
        return
    try:
        expression = Expression.read(str(node.value), Scope({}, units))
    except ExpressionError as error:
        for problem in error.problems:
            hint = did_you_mean(problem.wrong, problem.choices) if problem.wrong is not None else None
            yield node.position_of(problem.offset).problem(
                problem.message.replace("fact or parameter", "parameter"), hint
            )
        return
    if not any(isinstance(inner, n.Param) for inner in n.below(expression.tree)):
        yield node.position.problem("'requires' reads no parameter, so it always says the same")
        return
    for timeframe in _timeframes_of(condition):
        if said := _unmet(condition, expression, {}, timeframe):
            place = f" on {timeframe}" if timeframe else ""
            yield node.position.problem(f"the defaults{place} do not keep this: {said}")


@dataclass(slots=True)
class Requirements:
    """Goes through trees of one timeframe and everything that they are composed of."""

    conditions: Mapping[str, ConditionName]
    _read: dict[str, Expression | None] = field(default_factory=dict[str, Expression | None])

    def problems(self, tree: Node, timeframe: str | None) -> Iterator[Problem]:
        """References whose values do not fit together, each at its own place."""
        waiting, seen = [tree], set[str]()
        while waiting:
            node = waiting.pop()
            name = text_of(node)
            if isinstance(node, ScalarNode) and name is not None and name not in seen:
                seen.add(name)
                waiting += self._members(name)
            for key, entry in entries_of(node).items():
                if key == "not":
                    waiting.append(entry.value)
                elif key in JUNCTIONS:
                    waiting += items_of(entry.value)
                else:
                    yield from self._reference(key, entry.value, timeframe)

    def _members(self, name: str) -> tuple[Node, ...]:
        condition = self.conditions.get(name)
        if condition is None or condition.tree is None:
            return ()
        form, node = condition.tree
        return (node,) if form == "not" else items_of(node)

    def _reference(self, name: str, argument: Node, timeframe: str | None) -> Iterator[Problem]:
        condition = self.conditions.get(name)
        expression = self._expression(condition) if condition is not None else None
        if condition is None or expression is None:
            return
        if isinstance(argument, MapNode):
            given = {key: entry.value for key, entry in argument.entries.items() if key in condition.params}
        else:
            given = dict.fromkeys(list(condition.params)[:1], argument)
        if given and (said := _unmet(condition, expression, given, timeframe)):
            everywhere = _unmet(condition, expression, given, None) == said
            place = f" on {timeframe}" if timeframe and not everywhere else ""
            position = next(iter(given.values())).position
            yield position.problem(f"'{name}'{place} requires {expression.text}, and {said}")

    def _expression(self, condition: ConditionName) -> Expression | None:
        """The ``requires`` of a condition that is sound; None where there is nothing to hold."""
        if condition.name not in self._read:
            sound = condition.requires is not None and not any(requirement_problems(condition))
            units = {name: parameter.unit or "" for name, parameter in condition.params.items()}
            text = str(condition.requires.value) if condition.requires is not None else ""
            self._read[condition.name] = Expression.read(text, Scope({}, units)) if sound else None
        return self._read[condition.name]


def _timeframes_of(condition: ConditionName) -> tuple[str | None, ...]:
    """Those with a default of their own, after none in particular."""
    named = [timeframe for parameter in condition.params.values() for timeframe in parameter.by_timeframe]
    return (None, *dict.fromkeys(named))


def _unmet(
    condition: ConditionName, expression: Expression, given: Mapping[str, Node], timeframe: str | None
) -> str | None:
    """The values that do not fit together; None where they do, or where one of them cannot be read."""
    values: dict[str, float] = {}
    for name, parameter in condition.params.items():
        value = setting_of(given[name]) if name in given else parameter.value(timeframe)
        if value is None:
            return None
        values[name] = value
    if trace(expression.bind(values), lambda _: None).outcome is True:
        return None
    asked = dict.fromkeys(x.name for x in n.below(expression.tree) if isinstance(x, n.Param))
    return " and ".join(f"{name} is {values[name]}" for name in asked)

"""Which names a condition may read where it is used: facts of candles, metrics, or facts of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.documents import Node, Position, Problem
from engine.expression import Expression, ExpressionError, Scope
from engine.expression import nodes as n
from engine.ruleset.names import ConditionName, entries_of, members
from engine.ruleset.trees import NameUse, uses

Units = Mapping[str, str | None]
"""Names to units; None where a unit cannot be read."""

NUMBERLESS_UNITS = ("flag", "name")
"""Units whose values are no numbers."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where conditions are used. ``whose`` names its facts; ``candles``: they have lags and timeframes."""

    where: str
    whose: str
    facts: Units
    candles: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """Every name that some place knows. A name that several places know is of one unit in all of them."""

    facts: Units
    metrics: Units
    plan: Units
    timeframes: frozenset[str]

    @property
    def units(self) -> dict[str, str | None]:
        """All names."""
        return {**self.plan, **self.metrics, **self.facts}

    @property
    def momentary(self) -> frozenset[str]:
        """Names without candles behind them."""
        return (frozenset(self.metrics) | frozenset(self.plan)) - frozenset(self.facts)

    def scope(self, params: Mapping[str, str]) -> Scope:
        """For the expression of a condition with these parameters, wherever it is used."""
        units = {name: unit or "" for name, unit in self.units.items()}
        return Scope(units, params, self.timeframes, momentary=self.momentary)

    @property
    def timeframe(self) -> Place:
        """Scenarios and filters."""
        return Place("a timeframe", "facts of candles", self.facts, candles=True)

    @property
    def selector(self) -> Place:
        """Groups of the execution selector."""
        return Place("the execution selector", "metrics", self.metrics)

    @property
    def of_plan(self) -> Place:
        """Conditions that a plan must meet."""
        return Place("a plan", "facts of the gate 'plan'", self.plan)

    def owner(self, name: str) -> str:
        """What a name is, for a problem."""
        for place, what in ((self.facts, "a fact of candles"), (self.metrics, "a metric")):
            if name in place:
                return what
        return "a fact of the gate 'plan'"


@dataclass
class Reads:
    """What conditions read, found once each. Conditions whose expression is refused read nothing here.

    ``known`` may be shared by the profiles of a folder: it is by the place of the definition.
    """

    names: Names
    conditions: Mapping[str, ConditionName]
    known: dict[Position, tuple[n.Fact, ...]] = field(default_factory=dict[Position, tuple[n.Fact, ...]])

    def problems(self, tree: Node, place: Place) -> Iterator[Problem]:
        """What a tree names and its place cannot answer, once per condition that the tree itself names."""
        for use in uses(tree):
            problem = self._problem(use, place)
            if problem is not None:
                yield problem

    def _problem(self, use: NameUse, place: Place) -> Problem | None:
        for name in self._all(use.name):
            said = f"condition '{use.name}'" + ("" if name == use.name else f" (by '{name}')")
            for fact in self._facts(name):
                if fact.ref.name not in place.facts:
                    owner = self.names.owner(fact.ref.name)
                    message = f"{said} reads '{fact.ref.name}', {owner}, which {place.where} does not know"
                    return use.node.position.problem(message, f"{place.where} reads {place.whose}")
                if not place.candles and (fact.ref.lag or fact.ref.timeframe):
                    message = f"{said} reads '{fact.text}', and {place.whose} have no history"
                    return use.node.position.problem(message)
            if not place.candles and self._by_timeframe(name):
                message = f"{said} has defaults by timeframe, and {place.where} has none"
                return use.node.position.problem(message)
        return None

    def _all(self, name: str) -> Iterator[str]:
        """The condition and those it is composed of."""
        seen: dict[str, None] = {name: None}
        waiting = [name]
        while waiting:
            at = waiting.pop()
            condition = self.conditions.get(at)
            if condition is None or condition.broken:
                continue
            yield at
            inner = [use.name for member in members(condition) for use in uses(member)]
            waiting += [other for other in inner if other not in seen]
            seen |= dict.fromkeys(inner)

    def _facts(self, name: str) -> tuple[n.Fact, ...]:
        condition = self.conditions[name]
        position = condition.key.position
        if position not in self.known:
            self.known[position] = self._read(condition)
        return self.known[position]

    def _read(self, condition: ConditionName) -> tuple[n.Fact, ...]:
        if condition.when is None:
            return ()
        params = {name: parameter.unit or "" for name, parameter in condition.params.items()}
        try:
            expression = Expression.read(str(condition.when.value), self.names.scope(params))
        except ExpressionError:
            return ()
        return tuple(_facts_of(expression.tree))

    def _by_timeframe(self, name: str) -> bool:
        parameters = self.conditions[name].params.values()
        return any("by_timeframe" in entries_of(parameter.node) for parameter in parameters)


def _facts_of(tree: n.Node) -> Iterator[n.Fact]:
    """Every fact, and one that is read some candles back as such."""
    for node in n.below(tree):
        match node:
            case n.Fact():
                yield node
            case n.Trend(fact=fact) | n.Earlier(fact=fact):
                yield n.Fact(node.text, fact.ref._replace(lag=fact.ref.lag + 1), fact.kind)
            case n.Within(operand=operand):
                for fact in n.below(operand):
                    if isinstance(fact, n.Fact):
                        yield n.Fact(node.text, fact.ref._replace(lag=fact.ref.lag + 1), fact.kind)
            case _:
                pass

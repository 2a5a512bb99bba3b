"""Linking: from names in trees to condition instances with their parameters' values.

An *instance* is a condition with fixed parameters on one timeframe. Two references with the same values
share one instance, so nothing is evaluated twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.expression import Binding, Expression, Scope
from engine.models.conditions import (
    AllOf,
    AnyOf,
    ComposedAll,
    ComposedAny,
    ComposedNot,
    ConditionDefinition,
    Expressed,
    Not,
    Parameter,
    Reference,
    Tree,
)

Values = tuple[tuple[str, float], ...]
"""By parameter, in the order of their names; a flag is a ``bool``."""


@dataclass(frozen=True, slots=True)
class LinkedTree:
    """``leaf`` is the index of an instance; the other forms have members."""

    op: Literal["leaf", "all_of", "any_of", "not"]
    leaf: int = -1
    members: tuple[LinkedTree, ...] = ()

    def leaves(self) -> tuple[int, ...]:
        """Indices of the instances named in the tree, in order of appearance."""
        if self.op == "leaf":
            return (self.leaf,)
        return tuple(dict.fromkeys(i for member in self.members for i in member.leaves()))


@dataclass(frozen=True, slots=True)
class Instance:
    """A condition with its parameters fixed: an expression (``binding``) or a tree of other instances."""

    name: str
    values: Values
    summary: str | None
    binding: Binding | None
    tree: LinkedTree | None


def label_of(instance: Instance) -> str:
    """``near_vwap(tolerance=0.0012)``: unique within a timeframe."""
    if not instance.values:
        return instance.name
    return f"{instance.name}({', '.join(f'{k}={_shown(v)}' for k, v in instance.values)})"


def _shown(value: float) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


@dataclass
class Catalogue:
    """Named conditions and the facts they may read. Expressions are parsed once, on first use."""

    conditions: Mapping[str, ConditionDefinition]
    facts: Mapping[str, str]
    timeframes: frozenset[str]
    _parsed: dict[str, Expression] = field(default_factory=dict[str, Expression])

    def expression(self, name: str) -> Expression:
        """The parsed ``when`` of a condition. Raises ``ExpressionError`` or ``KeyError``."""
        if name not in self._parsed:
            definition = self.conditions[name]
            if not isinstance(definition, Expressed):
                raise TypeError(f"condition '{name}' is a tree")
            scope = Scope(self.facts, {k: p.unit for k, p in definition.params.items()}, self.timeframes)
            self._parsed[name] = Expression.read(definition.when, scope)
        return self._parsed[name]

    def linker(self, timeframe: str | None) -> Linker:
        """Collects the instances of one timeframe; of None where the facts have no timeframe."""
        return Linker(self, timeframe)


@dataclass
class Linker:
    """Builds instances on demand; members come before the trees that use them."""

    catalogue: Catalogue
    timeframe: str | None
    instances: list[Instance] = field(default_factory=list[Instance])
    _index: dict[tuple[str, Values], int] = field(default_factory=dict[tuple[str, Values], int])

    def link(self, tree: Tree) -> LinkedTree:
        """A tree of references as a tree of instances. Raises ``KeyError`` for an unknown condition or
        parameter and ``RecursionError`` for a cycle; a ruleset reports both with their place before this."""
        match tree:
            case str():
                return LinkedTree("leaf", self._instance(tree, {}))
            case Reference():
                return LinkedTree("leaf", self._instance(tree.name, self._arguments(tree)))
            case AllOf(all_of=members):
                return LinkedTree("all_of", members=tuple(self.link(m) for m in members))
            case AnyOf(any_of=members):
                return LinkedTree("any_of", members=tuple(self.link(m) for m in members))
            case Not(not_=member):
                return LinkedTree("not", members=(self.link(member),))

    def _arguments(self, reference: Reference) -> Mapping[str, float]:
        definition = self.catalogue.conditions[reference.name]
        argument = reference.argument
        if isinstance(argument, dict):
            return argument
        params = list(definition.params) if isinstance(definition, Expressed) else []
        if len(params) != 1:
            raise KeyError(f"'{reference.name}' does not have exactly one parameter")
        return {params[0]: argument}

    def _instance(self, name: str, given: Mapping[str, float]) -> int:
        definition = self.catalogue.conditions[name]
        values: dict[str, float] = {}
        if isinstance(definition, Expressed):
            for key in given:
                if key not in definition.params:
                    raise KeyError(f"'{name}' has no parameter '{key}'")
            values = {
                key: _value(given.get(key, default_of(parameter, self.timeframe)))
                for key, parameter in definition.params.items()
            }
        elif given:
            raise KeyError(f"'{name}' has no parameters")
        key = (name, tuple(sorted(values.items())))
        if key not in self._index:
            made = self._make(name, definition, key[1], values)
            self._index[key] = len(self.instances)
            self.instances.append(made)
        return self._index[key]

    def _make(
        self, name: str, definition: ConditionDefinition, frozen: Values, values: Mapping[str, float]
    ) -> Instance:
        match definition:
            case Expressed():
                binding = self.catalogue.expression(name).bind(values, self.timeframe)
                return Instance(name, frozen, definition.summary, binding, None)
            case ComposedAll(all_of=members):
                tree = LinkedTree("all_of", members=tuple(self.link(m) for m in members))
            case ComposedAny(any_of=members):
                tree = LinkedTree("any_of", members=tuple(self.link(m) for m in members))
            case ComposedNot(not_=member):
                tree = LinkedTree("not", members=(self.link(member),))
        return Instance(name, frozen, definition.summary, None, tree)


def _value(given: float) -> float:
    return given if isinstance(given, bool) else float(given)


def default_of(parameter: Parameter, timeframe: str | None) -> float:
    """The default a parameter has on a timeframe."""
    by_timeframe = {str(tf): value for tf, value in parameter.by_timeframe.items()}
    return parameter.default if timeframe is None else by_timeframe.get(timeframe, parameter.default)


def labels_of(instances: Sequence[Instance]) -> tuple[str, ...]:
    """A label for each: its name, with the parameters' values where another has the same name."""
    names = [instance.name for instance in instances]
    return tuple(label_of(i) if names.count(i.name) > 1 else i.name for i in instances)


def conditions_in(trees: Iterable[Tree], conditions: Mapping[str, ConditionDefinition]) -> frozenset[str]:
    """Every condition that the trees name, and every one that those are composed of."""
    found: set[str] = set()
    waiting = list(trees)
    while waiting:
        match waiting.pop():
            case str() as name:
                pass
            case Reference() as reference:
                name = reference.name
            case AllOf(all_of=members) | AnyOf(any_of=members):
                waiting += members
                continue
            case Not(not_=member):
                waiting.append(member)
                continue
        if name in found:
            continue
        found.add(name)
        match conditions[name]:
            case ComposedAll(all_of=members) | ComposedAny(any_of=members):
                waiting += members
            case ComposedNot(not_=member):
                waiting.append(member)
            case Expressed():
                pass
    return frozenset(found)

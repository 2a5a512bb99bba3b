"""Running an accepted expression over columns, in three values.

``Binding.compile`` folds parameters into constants and returns one closure per expression. The closure reads
a list of columns (one slot per ``FactRef``) and returns the two masks of ``engine.truth``:

* a number is a float64 column or scalar, unknown where NaN; facts are finite or NaN by contract;
* a flag is a pair of masks; a name is an object column of texts or a scalar, unknown where ``None``.

Only division, and products or sums that overflow, give a non-finite number. It stays non-finite through
``+ - * abs`` and unary minus, so it is turned into unknown where something else would consume it:
a comparison, ``min``/``max``, a denominator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any, cast

import numpy as np

from engine.expression import nodes as n
from engine.expression.grammar import parse
from engine.expression.nodes import FactRef, Kind, Node
from engine.expression.resolve import count_of, resolve
from engine.expression.scope import Scope

Column = Any
"""float64 array or scalar; a pair of masks; or an object array or scalar of texts."""

Columns = Sequence[Column]
Masks = tuple[Any, Any]
Numeric = Callable[[Columns], Any]
Predicate = Callable[[Columns], Masks]
SlotOf = Callable[[FactRef], int]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that passed the grammar."""

    text: str
    tree: Node

    @staticmethod
    def read(text: str, scope: Scope, kind: Kind = Kind.TRUTH) -> Expression:
        """Parses and types ``text``. Raises ``ExpressionError``."""
        return Expression(text, parse(text, scope, kind))

    def bind(self, params: Mapping[str, float], timeframe: str | None = None) -> Binding:
        """Fixes parameters, and the timeframe that plain facts are read on."""
        return Binding(self, dict(params), timeframe, resolve(self.tree, params))


@dataclass(frozen=True, slots=True)
class Binding:
    """An expression with its parameters' values; ``tree`` is its tree with everything they decide."""

    expression: Expression
    params: Mapping[str, float]
    timeframe: str | None
    tree: Node

    def facts(self) -> tuple[FactRef, ...]:
        """Every column that evaluating reads, in order of first appearance."""
        return tuple(dict.fromkeys(self._refs(self.tree)))

    def resolve(self, ref: FactRef) -> FactRef:
        """The column a plain name means here."""
        return ref if ref.timeframe else ref._replace(timeframe=self.timeframe)

    def steps(self, trend: n.Trend) -> int:
        """How many candles back a trend looks."""
        return count_of(trend.steps, self.params)

    def compile(self, slot_of: SlotOf) -> Predicate:
        """A closure over columns; ``slot_of`` says where a column will stand in the list."""
        return _Compiler(self, slot_of).truth(self.tree)

    def compile_number(self, slot_of: SlotOf) -> Callable[[Columns], Any]:
        """The same for an expression that is a number: what it gives is finite, or NaN where unknown."""
        value = _Compiler(self, slot_of).number(self.tree)
        return lambda columns: finite(value(columns) if callable(value) else value)

    def _refs(self, node: Node) -> Iterator[FactRef]:
        if isinstance(node, n.Fact):
            yield self.resolve(node.ref)
        elif isinstance(node, n.Trend):
            base = self.resolve(node.fact.ref)
            yield from (base._replace(lag=base.lag + back) for back in range(self.steps(node) + 1))
            yield from self._refs(node.eps)
        else:
            for child in n.children(node):
                yield from self._refs(child)


def finite(values: Any) -> Any:
    """The same, with NaN for anything infinite: ``x * 0`` is NaN exactly there."""
    return values * 0.0 + values


_COMPARE = {
    "<": (np.less, np.greater_equal),
    "<=": (np.less_equal, np.greater),
    ">": (np.greater, np.less_equal),
    ">=": (np.greater_equal, np.less),
    "==": (np.equal, None),
    "!=": (None, np.equal),
}


@dataclass(frozen=True, slots=True)
class _Compiler:
    binding: Binding
    slot_of: SlotOf

    # -- numbers ---------------------------------------------------------------------------------------

    def number(self, node: Node) -> Numeric | float:
        """A closure, or the value itself where it depends on no column."""
        match node:
            case n.Number(value=value):
                return value
            case n.Param(name=name):
                return float(self.binding.params[name])
            case n.Fact(ref=ref):
                slot = self.slot_of(self.binding.resolve(ref))
                return lambda columns: columns[slot]
            case n.Negative(operand=operand):
                inner = self.number(operand)
                return (lambda columns: -inner(columns)) if callable(inner) else -inner
            case n.Arithmetic():
                return self._arithmetic(node)
            case n.Call(function=function, arguments=arguments):
                return self._function(function, arguments)
            case _:
                raise TypeError(f"{node.text} is not a number")

    def _arithmetic(self, node: n.Arithmetic) -> Numeric | float:
        left = self.number(node.left)
        right = self.settled(node.right) if node.op == "/" else self.number(node.right)
        operation = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[node.op]
        if callable(left):
            if callable(right):
                return lambda columns: operation(left(columns), right(columns))
            return lambda columns: operation(left(columns), right)
        if callable(right):
            return lambda columns: operation(left, right(columns))
        with np.errstate(all="ignore"):
            return float(finite(operation(left, right)))

    def _function(self, function: str, arguments: tuple[Node, ...]) -> Numeric | float:
        if function == "abs":
            inner = self.number(arguments[0])
            return (lambda columns: np.absolute(inner(columns))) if callable(inner) else abs(inner)
        pick = np.minimum if function == "min" else np.maximum  # both give NaN where one side is NaN
        parts = [_as_numeric(self.settled(argument)) for argument in arguments]
        return lambda columns: reduce(pick, [part(columns) for part in parts])

    def settled(self, node: Node) -> Numeric | float:
        """Like ``number``, with everything infinite already turned into NaN."""
        value = self.number(node)
        if not callable(value) or (isinstance(node, n.Fact | n.Call) and _is_settled(node)):
            return value
        return lambda columns: finite(value(columns))

    # -- truth -----------------------------------------------------------------------------------------

    def truth(self, node: Node) -> Predicate:
        """The masks of a yes/no node."""
        match node:
            case n.Constant(value=value):
                masks = (np.bool_(value), np.bool_(not value))
                return lambda columns: masks
            case n.Param(name=name):
                return self.truth(n.Constant(name, bool(self.binding.params[name])))
            case n.Fact(ref=ref):
                slot = self.slot_of(self.binding.resolve(ref))
                return lambda columns: columns[slot]
            case n.Negation(operand=operand):
                inner = self.truth(operand)
                return lambda columns: inner(columns)[::-1]
            case n.Junction(op=op, operands=operands):
                return _junction(op, [self.truth(operand) for operand in operands])
            case n.Comparison():
                return self._text_comparison(node) if node.left.kind is Kind.TEXT else self._comparison(node)
            case n.Membership(operand=operand, options=options):
                read = self._text(operand)
                return lambda columns: _texts(read(columns), options)
            case n.Known(fact=fact):
                return self._known(fact)
            case n.Trend():
                return self._trend(node)
            case _:
                raise TypeError(f"{node.text} is not yes or no")

    def _comparison(self, node: n.Comparison) -> Predicate:
        left, right = self.settled(node.left), self.settled(node.right)
        yes, no = _COMPARE[node.op]
        if yes is None or no is None:
            return _equality(_as_numeric(left), _as_numeric(right), equal=no is None)
        if callable(left):
            if callable(right):

                def both(columns: Columns) -> Masks:
                    a, b = left(columns), right(columns)
                    return yes(a, b), no(a, b)

                return both

            def against_constant(columns: Columns) -> Masks:
                a = left(columns)
                return yes(a, right), no(a, right)

            return against_constant
        wrapped = _as_numeric(right)

        def constant_first(columns: Columns) -> Masks:
            b = wrapped(columns)
            return yes(left, b), no(left, b)

        return constant_first

    def _text(self, node: Node) -> Callable[[Columns], Any]:
        if isinstance(node, n.Text):
            value = node.value
            return lambda columns: value
        slot = self.slot_of(self.binding.resolve(cast(n.Fact, node).ref))
        return lambda columns: columns[slot]

    def _text_comparison(self, node: n.Comparison) -> Predicate:
        left, right = self._text(node.left), self._text(node.right)

        def compare(columns: Columns) -> Masks:
            a, b = left(columns), right(columns)
            known = _present(a) & _present(b)
            equal = known & _same(a, b)
            return equal, known & ~equal

        return compare if node.op == "==" else lambda columns: compare(columns)[::-1]

    def _known(self, fact: n.Fact) -> Predicate:
        slot = self.slot_of(self.binding.resolve(fact.ref))

        def known(columns: Columns) -> Masks:
            column = columns[slot]
            if fact.kind is Kind.TRUTH:
                present = column[0] | column[1]
            else:
                present = _present(column) if fact.kind is Kind.TEXT else ~np.isnan(column)
            return present, ~present

        return known

    def _trend(self, node: n.Trend) -> Predicate:
        base = self.binding.resolve(node.fact.ref)
        slots = [self.slot_of(base._replace(lag=base.lag + k)) for k in range(self.binding.steps(node) + 1)]
        eps = _as_numeric(self.settled(node.eps))
        sign = 1.0 if node.direction == "rising" else -1.0

        def trend(columns: Columns) -> Masks:
            least = eps(columns)
            yes, no = np.bool_(True), np.bool_(False)
            for newer, older in pairwise(slots):
                step = finite((columns[newer] - columns[older]) * sign)
                yes, no = yes & (step > least), no | (step <= least)
            return yes, no

        return trend


def _is_settled(node: n.Fact | n.Call) -> bool:
    return isinstance(node, n.Fact) or node.function != "abs"


def _as_numeric(value: Numeric | float) -> Numeric:
    return value if callable(value) else lambda columns: value


def _equality(left: Numeric, right: Numeric, *, equal: bool) -> Predicate:
    def compare(columns: Columns) -> Masks:
        a, b = left(columns), right(columns)
        same, other = np.equal(a, b), np.less(a, b) | np.greater(a, b)
        return (same, other) if equal else (other, same)

    return compare


def _junction(op: str, parts: list[Predicate]) -> Predicate:
    if len(parts) == 2:
        first, second = parts
        if op == "and":

            def conjunction(columns: Columns) -> Masks:
                (t1, f1), (t2, f2) = first(columns), second(columns)
                return t1 & t2, f1 | f2

            return conjunction

        def disjunction(columns: Columns) -> Masks:
            (t1, f1), (t2, f2) = first(columns), second(columns)
            return t1 | t2, f1 & f2

        return disjunction
    return lambda columns: combine(op, [part(columns) for part in parts])


def combine(op: str, masks: Sequence[Masks]) -> Masks:
    """Kleene's ``and``/``or`` (also ``all_of``/``any_of``) of one or more pairs of masks."""
    yes, no = masks[0]
    for t, f in masks[1:]:
        yes, no = (yes & t, no | f) if op == "and" else (yes | t, no & f)
    return yes, no


def _present(column: Any) -> Any:
    if isinstance(column, np.ndarray):
        return cast(Any, np.not_equal)(column, None, dtype=object).astype(np.bool_)
    return np.bool_(column is not None)


def _same(left: Any, right: Any) -> Any:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return cast(Any, np.equal)(left, right, dtype=object).astype(np.bool_)
    return np.bool_(left == right)


def _texts(column: Any, options: tuple[str, ...]) -> Masks:
    known = _present(column)
    found = known & False
    for option in options:
        found = found | (known & _same(column, option))
    return found, known & ~found

"""One row of an expression, shown: each comparison with its values, its outcome and its margin.

The margin is the signed distance to the other outcome, positive where the row passes: a comparison's is the
difference of its sides, ``and`` takes the least, ``or`` the greatest, ``not`` the negative (the robustness
semantics of signal temporal logic; Donzé & Maler, *Robust satisfaction of temporal logic*, 2010). Texts and
flags have no distance: their margin is infinite, with the sign of the outcome.

Built only for rows somebody asks about. Its outcomes equal those of ``program``; a property test holds that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from engine.expression import nodes as n
from engine.expression.nodes import FactRef, Kind, Node
from engine.expression.program import Binding

_MIRRORED: dict[str, n.ComparisonOp] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

Value = float | str | bool | None
Reader = Callable[[FactRef], Value]


@dataclass(frozen=True, slots=True)
class Trace:
    """``left``/``right`` are the values compared (numbers or texts), ``None`` where unknown."""

    text: str
    outcome: bool | None
    margin: float | None
    op: str
    left: Value = None
    right: Value = None
    left_text: str | None = None
    right_text: str | None = None
    children: tuple[Trace, ...] = ()

    @property
    def relative_margin(self) -> float | None:
        """The margin over the larger side, comparable between units; ``None`` where unknown."""
        if self.children:
            worst = [child.relative_margin for child in self.children]
            return _combine_margins(
                self.op, [(c.outcome, m) for c, m in zip(self.children, worst, strict=True)], self
            )
        if self.margin is None or math.isinf(self.margin):
            return self.margin
        scale = max((abs(v) for v in (self.left, self.right) if isinstance(v, float)), default=0.0)
        return self.margin / scale if scale > 0 else 0.0


def trace(binding: Binding, read: Reader) -> Trace:
    """Evaluates one row; ``read`` gives a fact's value, ``None`` or NaN where unknown."""
    return _Tracer(binding, read).truth(binding.tree)


def _combine_margins(op: str, parts: list[tuple[bool | None, float | None]], whole: Trace) -> float | None:
    if whole.outcome is None:
        return None
    known = [m for _, m in parts if m is not None]
    if op == "not":
        return -known[0] if known else None
    if not known:
        return None
    return min(known) if op == "and" else max(known)


@dataclass(frozen=True, slots=True)
class _Tracer:
    binding: Binding
    read: Reader

    def number(self, node: Node) -> float | None:
        value = self._number(node)
        return value if value is not None and math.isfinite(value) else None

    def _number(self, node: Node) -> float | None:
        match node:
            case n.Number(value=value):
                return value
            case n.Param(name=name):
                return float(self.binding.params[name])
            case n.Fact(ref=ref):
                value = self.read(self.binding.resolve(ref))
                return None if value is None else float(cast(float, value))
            case n.Negative(operand=operand):
                inner = self.number(operand)
                return None if inner is None else -inner
            case n.Arithmetic(op=op, left=left, right=right):
                return _arithmetic(op, self.number(left), self.number(right))
            case n.Call(function=function, arguments=arguments):
                values = [self.number(argument) for argument in arguments]
                if any(v is None for v in values):
                    return None
                known = cast("list[float]", values)
                return abs(known[0]) if function == "abs" else (min if function == "min" else max)(known)
            case _:
                raise TypeError(f"{node.text} is not a number")

    def truth(self, node: Node) -> Trace:
        match node:
            case n.Constant(value=value):
                return _sure(node.text, value, "constant")
            case n.Param(name=name):
                return _sure(node.text, bool(self.binding.params[name]), "flag")
            case n.Fact(ref=ref):
                value = self.read(self.binding.resolve(ref))
                outcome = None if value is None else bool(value)
                return Trace(node.text, outcome, _infinite(outcome), "flag", left=outcome)
            case n.Negation(operand=operand):
                inner = self.truth(operand)
                return self._joined(
                    node.text, "not", (inner,), None if inner.outcome is None else not inner.outcome
                )
            case n.Junction(op=op, operands=operands):
                parts = tuple(self.truth(operand) for operand in operands)
                return self._joined(node.text, op, parts, kleene(op, [p.outcome for p in parts]))
            case n.Comparison():
                return self._text_comparison(node) if node.left.kind is Kind.TEXT else self._comparison(node)
            case n.Membership(operand=operand, options=options):
                value = self._text(operand)
                outcome = None if value is None else value in options
                listed = ", ".join(options)
                return Trace(
                    node.text, outcome, _infinite(outcome), "in", value, listed, operand.text, f"[{listed}]"
                )
            case n.Known(fact=fact):
                value = self.read(self.binding.resolve(fact.ref))
                missing = value is None or (isinstance(value, float) and math.isnan(value))
                return Trace(node.text, not missing, _infinite(not missing), "known", value, None, fact.text)
            case n.Trend():
                return self._trend(node)
            case _:
                raise TypeError(f"{node.text} is not yes or no")

    def _joined(self, text: str, op: str, parts: tuple[Trace, ...], outcome: bool | None) -> Trace:
        whole = Trace(text, outcome, None, op, children=parts)
        margin = _combine_margins(op, [(p.outcome, p.margin) for p in parts], whole)
        return Trace(text, outcome, margin, op, children=parts)

    def _text(self, node: Node) -> str | None:
        if isinstance(node, n.Text):
            return node.value
        return cast("str | None", self.read(self.binding.resolve(cast(n.Fact, node).ref)))

    def _text_comparison(self, node: n.Comparison) -> Trace:
        left, right = self._text(node.left), self._text(node.right)
        outcome = None if left is None or right is None else (left == right) == (node.op == "==")
        return Trace(
            node.text, outcome, _infinite(outcome), node.op, left, right, node.left.text, node.right.text
        )

    def _comparison(self, node: n.Comparison) -> Trace:
        """What is measured stands on the left, the bound on the right, however it was written."""
        sides, op = (node.left, node.right), node.op
        if _is_bound(node.left) and not _is_bound(node.right):
            sides, op = (node.right, node.left), _MIRRORED[node.op]
        left, right = sides
        return _compare(node.text, op, self.number(left), self.number(right), left.text, right.text)

    def _trend(self, node: n.Trend) -> Trace:
        base = self.binding.resolve(node.fact.ref)
        eps = self.number(node.eps)
        newer_first = [self._series(base, back) for back in range(self.binding.steps(node) + 1)]
        parts: list[Trace] = []
        for back, (newer, older) in enumerate(pairwise(newer_first)):
            sign = 1.0 if node.direction == "rising" else -1.0
            step = None if newer is None or older is None else _arithmetic("*", newer - older, sign)
            ref = base._replace(timeframe=node.fact.ref.timeframe, lag=base.lag + back)
            moved = f"{'rise' if node.direction == 'rising' else 'fall'} of {ref}"
            parts.append(_compare(moved, ">", step, eps, moved, node.eps.text))
        if len(parts) == 1:
            only = parts[0]
            return Trace(
                node.text,
                only.outcome,
                only.margin,
                ">",
                only.left,
                only.right,
                only.left_text,
                only.right_text,
            )
        return self._joined(node.text, "and", tuple(parts), kleene("and", [p.outcome for p in parts]))

    def _series(self, base: FactRef, back: int) -> float | None:
        value = self.read(base._replace(lag=base.lag + back))
        return None if value is None or not math.isfinite(cast(float, value)) else cast(float, value)


def kleene(op: str, outcomes: list[bool | None]) -> bool | None:
    """Kleene's ``and``/``or`` of single outcomes."""
    decisive = op == "or"
    if any(outcome is decisive for outcome in outcomes):
        return decisive
    return None if any(outcome is None for outcome in outcomes) else not decisive


def _arithmetic(op: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (op == "/" and right == 0):
        return None
    try:
        value = {"+": left + right, "-": left - right, "*": left * right}[op] if op != "/" else left / right
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def _compare(
    text: str, op: str, left: float | None, right: float | None, left_text: str, right_text: str
) -> Trace:
    if left is None or right is None:
        return Trace(text, None, None, op, left, right, left_text, right_text)
    distance = left - right
    outcome = {
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "==": left == right,
        "!=": left != right,
    }[op]
    margin = {"<": -distance, "<=": -distance, ">": distance, ">=": distance, "==": -abs(distance)}.get(
        op, abs(distance)
    )
    return Trace(text, outcome, margin, op, left, right, left_text, right_text)


def _is_bound(node: Node) -> bool:
    """A number that does not depend on the row."""
    return isinstance(node, n.Number | n.Param) or (isinstance(node, n.Negative) and _is_bound(node.operand))


def _infinite(outcome: bool | None) -> float | None:
    return None if outcome is None else math.inf if outcome else -math.inf


def _sure(text: str, value: bool, op: str) -> Trace:
    return Trace(text, value, _infinite(value), op)

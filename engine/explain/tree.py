"""A tree of conditions for one row, each with its expression, parameters, values, outcome and margin."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.expression import FactRef
from engine.expression.trace import Trace, Value, kleene, trace
from engine.rules import Instance, LinkedTree
from engine.truth import OUTCOME_NAMES
from engine.verdict import TimeframeProgram

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class TreeExplanation:
    """A condition (``op`` is ``condition``) or a junction of several.

    ``margin`` is in the units of the comparison it comes from, ``relative_margin`` a share of its larger
    side, by which margins of different units compare; both ``None`` where unknown.
    """

    op: Literal["condition", "all_of", "any_of", "not"]
    label: str
    outcome: bool | None
    margin: float | None
    relative_margin: float | None
    summary: str | None = None
    expression: str | None = None
    params: Mapping[str, float] = field(default_factory=dict[str, float])
    facts: Mapping[str, Value] = field(default_factory=dict[str, Value])
    trace: Trace | None = None
    children: tuple[TreeExplanation, ...] = ()

    def to_json(self) -> Json:
        """Without what does not apply; an infinite margin (a text or a flag) is left out."""
        said: Json = {"op": self.op, "label": self.label, "outcome": outcome_name(self.outcome)}
        said |= {
            k: v
            for k, v in (("margin", self.margin), ("relative_margin", self.relative_margin))
            if is_number(v)
        }
        if self.summary:
            said["summary"] = self.summary
        if self.expression:
            said |= {"expression": self.expression, "params": dict(self.params), "facts": dict(self.facts)}
        if self.trace:
            said["trace"] = trace_json(self.trace)
        if self.children:
            said["children"] = [child.to_json() for child in self.children]
        return said


def outcome_name(outcome: bool | None) -> str:
    """``pass``, ``fail`` or ``unknown``."""
    return OUTCOME_NAMES[2 if outcome is None else int(outcome)]


def is_number(value: object) -> bool:
    """A number that JSON can hold."""
    return isinstance(value, int | float) and math.isfinite(value)


def trace_json(node: Trace) -> Json:
    """A trace with its values."""
    said: Json = {"text": node.text, "outcome": outcome_name(node.outcome), "op": node.op}
    if is_number(node.margin):
        said["margin"] = node.margin
    if node.left_text is not None:
        said |= {"left": node.left_text, "left_value": node.left}
    if node.right_text is not None:
        said |= {"right": node.right_text, "right_value": node.right}
    if node.children:
        said["children"] = [trace_json(child) for child in node.children]
    return said


@dataclass(frozen=True, slots=True)
class TreeReader:
    """Explains trees of linked conditions at one row; ``read`` gives a fact's value or ``None``.

    ``timeframe``: the one whose facts are shown by their plain names; None where facts have no timeframe.
    """

    instances: Sequence[Instance]
    labels: Sequence[str]
    timeframe: str | None
    read: Callable[[FactRef], Value]

    @staticmethod
    def of(program: TimeframeProgram, read: Callable[[FactRef], Value]) -> TreeReader:
        """For the trees of one timeframe."""
        return TreeReader(program.program.instances, program.labels, program.timeframe, read)

    def explain(self, tree: LinkedTree) -> TreeExplanation:
        """The whole tree, every member evaluated."""
        if tree.op == "leaf":
            return self._instance(tree.leaf)
        members = tuple(self.explain(member) for member in tree.members)
        return _joined(tree.op, tree.op, members, None)

    def _instance(self, index: int) -> TreeExplanation:
        instance = self.instances[index]
        label = self.labels[index]
        if instance.binding is None:
            if instance.tree is None:
                raise TypeError(f"condition '{instance.name}' is neither an expression nor a tree")
            inner = self.explain(instance.tree)
            return TreeExplanation(
                inner.op,
                label,
                inner.outcome,
                inner.margin,
                inner.relative_margin,
                instance.summary,
                children=inner.children or (inner,),
            )
        shown = trace(instance.binding, self.read)
        return TreeExplanation(
            "condition",
            label,
            shown.outcome,
            shown.margin,
            shown.relative_margin,
            instance.summary,
            instance.binding.expression.text,
            dict(instance.values),
            {_short(ref, self.timeframe): self.read(ref) for ref in instance.binding.facts()},
            shown,
        )


def _short(ref: FactRef, timeframe: str | None) -> str:
    return str(ref._replace(timeframe=None) if ref.timeframe == timeframe else ref)


def _joined(
    op: Literal["all_of", "any_of", "not"],
    label: str,
    members: tuple[TreeExplanation, ...],
    summary: str | None,
) -> TreeExplanation:
    outcomes = [member.outcome for member in members]
    if op == "not":
        outcome = None if outcomes[0] is None else not outcomes[0]
    else:
        outcome = kleene("and" if op == "all_of" else "or", outcomes)
    return TreeExplanation(
        op,
        label,
        outcome,
        _margin(op, outcome, [m.margin for m in members]),
        _margin(op, outcome, [m.relative_margin for m in members]),
        summary,
        children=members,
    )


def _margin(op: str, outcome: bool | None, margins: list[float | None]) -> float | None:
    known = [m for m in margins if m is not None]
    if outcome is None or not known:
        return None
    if op == "not":
        return -known[0]
    return min(known) if op == "all_of" else max(known)

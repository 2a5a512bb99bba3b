"""The typed tree that an accepted expression becomes.

A node has a ``kind`` (number, truth or text) and the piece of source it came from; evaluation over
columns lives in ``program``, evaluation of one row with margins in ``trace``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple

ArithmeticOp = Literal["+", "-", "*", "/"]
ComparisonOp = Literal["<", "<=", ">", ">=", "==", "!="]


class Kind(Enum):
    """Type of a value; nothing converts from one to another."""

    NUMBER = "number"
    TRUTH = "truth"
    TEXT = "text"


class FactRef(NamedTuple):
    """One column: a fact, ``lag`` closed candles back, on ``timeframe`` (``None``: the one at hand)."""

    name: str
    lag: int = 0
    timeframe: str | None = None

    def __str__(self) -> str:
        other = f'["{self.timeframe}"]' if self.timeframe else ""
        return f"{self.name}{other}[{self.lag}]" if self.lag else f"{self.name}{other}"


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes; ``text`` is the source it was read from."""

    text: str

    @property
    def kind(self) -> Kind:
        """What evaluating the node gives."""
        return Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Number(Node):
    value: float


@dataclass(frozen=True, slots=True)
class Text(Node):
    value: str

    @property
    def kind(self) -> Kind:
        return Kind.TEXT


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """``true`` or ``false``."""

    value: bool

    @property
    def kind(self) -> Kind:
        return Kind.TRUTH


@dataclass(frozen=True, slots=True)
class Fact(Node):
    ref: FactRef
    of_kind: Kind

    @property
    def kind(self) -> Kind:
        return self.of_kind


@dataclass(frozen=True, slots=True)
class Param(Node):
    name: str
    of_kind: Kind = Kind.NUMBER

    @property
    def kind(self) -> Kind:
        return self.of_kind


@dataclass(frozen=True, slots=True)
class Negative(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    op: ArithmeticOp
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``abs``, ``min`` or ``max``."""

    function: Literal["abs", "min", "max"]
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    op: ComparisonOp
    left: Node
    right: Node

    @property
    def kind(self) -> Kind:
        return Kind.TRUTH


@dataclass(frozen=True, slots=True)
class Membership(Node):
    """``fact in ["a", "b"]``."""

    operand: Node
    options: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return Kind.TRUTH


@dataclass(frozen=True, slots=True)
class Known(Node):
    """Is there a value? Never unknown itself."""

    fact: Fact

    @property
    def kind(self) -> Kind:
        return Kind.TRUTH


@dataclass(frozen=True, slots=True)
class Trend(Node):
    """Each of the last ``steps`` steps of ``fact`` goes ``direction`` by more than ``eps``."""

    direction: Literal["rising", "falling"]
    fact: Fact
    steps: Number | Param
    eps: Node

    @property
    def kind(self) -> Kind:
        return Kind.TRUTH


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """``and``/``or`` of two or more, also a chained comparison."""

    op: Literal["and", "or"]
    operands: tuple[Node, ...]

    @property
    def kind(self) -> Kind:
        return Kind.TRUTH


@dataclass(frozen=True, slots=True)
class Negation(Node):
    operand: Node

    @property
    def kind(self) -> Kind:
        return Kind.TRUTH


@dataclass(frozen=True, slots=True)
class Earlier(Node):
    """``fact[by]`` with a parameter as the lag. Binding puts the ``Fact`` in its place."""

    fact: Fact
    by: Param

    @property
    def kind(self) -> Kind:
        return self.fact.kind


@dataclass(frozen=True, slots=True)
class Within(Node):
    """``operand`` holds now or on one of the ``candles`` before. Binding puts an ``or`` in its place."""

    operand: Node
    candles: Number | Param

    @property
    def kind(self) -> Kind:
        return Kind.TRUTH


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order they are written."""
    match node:
        case Negative(operand=x) | Negation(operand=x) | Membership(operand=x):
            return (x,)
        case Arithmetic(left=a, right=b) | Comparison(left=a, right=b):
            return (a, b)
        case Call(arguments=items) | Junction(operands=items):
            return items
        case Known(fact=x):
            return (x,)
        case Trend(fact=x, steps=steps, eps=eps):
            return (x, steps, eps)
        case Earlier(fact=x, by=by):
            return (x, by)
        case Within(operand=x, candles=candles):
            return (x, candles)
        case _:
            return ()


def below(node: Node) -> Iterator[Node]:
    """A node and all nodes below it."""
    yield node
    for child in children(node):
        yield from below(child)

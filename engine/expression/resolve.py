"""What parameters decide about the shape of an expression: how far back it looks.

With their values known, ``fact[lookback]`` becomes a fact with its lag, and ``within(x, n)`` becomes ``x or``
the same one candle earlier, and so on, ``n`` times. What evaluates, explains or counts candles only meets
forms that it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from engine.expression import nodes as n
from engine.expression.nodes import Node

_LEVELS = {"or": 1, "and": 2, "not": 3, "compare": 4, "+": 5, "-": 5, "*": 6, "/": 6, "negative": 7}
"""How tightly forms bind, as in Python."""


def count_of(candles: n.Number | n.Param, params: Mapping[str, float]) -> int:
    """A number of candles, written or given."""
    return int(candles.value if isinstance(candles, n.Number) else params[candles.name])


def resolve(node: Node, params: Mapping[str, float]) -> Node:
    """The tree without ``Earlier`` and ``Within``; what has neither stays as it is written."""
    match node:
        case n.Earlier(text=text, fact=fact, by=by):
            return n.Fact(text, fact.ref._replace(lag=count_of(by, params)), fact.of_kind)
        case n.Within(text=text, operand=operand, candles=candles):
            now = resolve(operand, params)
            shifted = [earlier(now, back) for back in range(1, count_of(candles, params) + 1)]
            return n.Junction(text, "or", (now, *shifted)) if shifted else now
        case _:
            return _mapped(node, lambda child: resolve(child, params))


def earlier(node: Node, back: int) -> Node:
    """The same, asked ``back`` candles earlier, and written so."""
    if isinstance(node, n.Fact):
        ref = node.ref._replace(lag=node.ref.lag + back)
        return n.Fact(str(ref), ref, node.of_kind)
    moved = _mapped(node, lambda child: earlier(child, back))
    return replace(moved, text=written(moved))


def _mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    match node:
        case n.Negative(operand=x) | n.Negation(operand=x):
            return replace(node, operand=change(x))
        case n.Arithmetic(left=a, right=b) | n.Comparison(left=a, right=b):
            return replace(node, left=change(a), right=change(b))
        case n.Call(arguments=items):
            return replace(node, arguments=tuple(change(item) for item in items))
        case n.Junction(operands=items):
            return replace(node, operands=tuple(change(item) for item in items))
        case n.Membership(operand=x):
            return replace(node, operand=change(x))
        case n.Known(fact=fact):
            return replace(node, fact=change(fact))
        case n.Trend(fact=fact, eps=eps):
            return replace(node, fact=change(fact), eps=change(eps))
        case _:
            return node


def written(node: Node) -> str:
    """A tree as an expression again, with the brackets it needs."""
    match node:
        case n.Negation(operand=x):
            return f"not {_inside(x, _LEVELS['not'])}"
        case n.Negative(operand=x):
            return f"-{_inside(x, _LEVELS['negative'])}"
        case n.Arithmetic(op=op, left=a, right=b):
            level = _LEVELS[op]
            return f"{_inside(a, level)} {op} {_inside(b, level + 1)}"
        case n.Comparison(op=op, left=a, right=b):
            level = _LEVELS["compare"] + 1
            return f"{_inside(a, level)} {op} {_inside(b, level)}"
        case n.Junction(op=op, operands=items):
            return f" {op} ".join(_inside(item, _LEVELS[op] + 1) for item in items)
        case n.Call(function=function, arguments=items):
            return f"{function}({', '.join(written(item) for item in items)})"
        case n.Membership(operand=x, options=options):
            listed = ", ".join(f'"{option}"' for option in options)
            return f"{written(x)} in [{listed}]"
        case n.Known(fact=fact):
            return f"known({written(fact)})"
        case n.Trend(direction=direction, fact=fact, steps=steps, eps=eps):
            return f"{direction}({written(fact)}, {steps.text}, {written(eps)})"
        case _:
            return node.text


def _inside(node: Node, least: int) -> str:
    text = written(node)
    return text if _level(node) >= least else f"({text})"


def _level(node: Node) -> int:
    match node:
        case n.Negation():
            return _LEVELS["not"]
        case n.Negative():
            return _LEVELS["negative"]
        case n.Arithmetic(op=op) | n.Junction(op=op):
            return _LEVELS[op]
        case n.Comparison() | n.Membership():
            return _LEVELS["compare"]
        case _:
            return 8

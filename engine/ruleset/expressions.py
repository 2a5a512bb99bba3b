"""Expressions of conditions and gates, checked where they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.documents import Problem, ScalarNode, did_you_mean
from engine.expression import Expression, ExpressionError, Kind, Scope
from engine.expression import nodes as n
from engine.expression.words import FUNCTIONS, MAX_LAG

RESERVED = frozenset(
    {
        "and",
        "or",
        "not",
        "in",
        "is",
        "if",
        "else",
        "true",
        "false",
        "True",
        "False",
        "None",
        "lambda",
        *FUNCTIONS,
    }
)
"""Words of the expression grammar, which cannot be names of facts or parameters."""


def read_expression(
    node: ScalarNode,
    scope: Scope,
    unreadable: frozenset[str],
    kind: Kind = Kind.TRUTH,
    *,
    constant: bool = False,
) -> tuple[Expression | None, list[Problem]]:
    """The expression a scalar holds, or what is wrong with it, each at its own column.

    ``unreadable``: names whose definition is broken; an expression that uses one is not judged. ``constant``:
    it may be a plain ``true`` or ``false``, which says openly that it is always the same.
    """
    text = str(node.value)
    if any(mentions(text, name) for name in unreadable):
        return None, []
    try:
        expression = Expression.read(text, scope, kind)
    except ExpressionError as error:
        found: list[Problem] = []
        for problem in error.problems:
            hint = did_you_mean(problem.wrong, problem.choices) if problem.wrong is not None else None
            found.append(node.position_of(problem.offset).problem(problem.message, hint))
        return None, found
    if constant and isinstance(expression.tree, n.Constant):
        return expression, []
    if not any(isinstance(inner, n.Fact) for inner in n.below(expression.tree)):
        return expression, [node.position.problem("the expression reads no fact, so it always says the same")]
    return expression, []


def mentions(text: str, name: str) -> bool:
    """Whether a name occurs as a word of an expression."""
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def counted_parameters(expression: Expression) -> dict[str, int]:
    """Parameters that count candles, with the least that makes sense: a step, or this candle itself."""
    least: dict[str, int] = {}
    for node in n.below(expression.tree):
        match node:
            case n.Trend(steps=n.Param(name=name)):
                least[name] = 1
            case n.Earlier(by=n.Param(name=name)) | n.Within(candles=n.Param(name=name)):
                least.setdefault(name, 0)
            case _:
                pass
    return least


def text_problems(
    node: ScalarNode, expression: Expression, values: Mapping[str, tuple[str, ...] | None]
) -> Iterator[Problem]:
    """Texts that a fact is compared with and can never be; ``values`` says what each fact can be."""
    for inner in n.below(expression.tree):
        match inner:
            case n.Membership(operand=n.Fact(ref=ref), options=options):
                yield from _wrong_texts(node, ref.name, options, values)
            case n.Comparison(left=n.Fact(ref=ref), right=n.Text(value=text)):
                yield from _wrong_texts(node, ref.name, (text,), values)
            case n.Comparison(left=n.Text(value=text), right=n.Fact(ref=ref)):
                yield from _wrong_texts(node, ref.name, (text,), values)
            case _:
                pass


def _wrong_texts(
    node: ScalarNode, fact: str, texts: tuple[str, ...], values: Mapping[str, tuple[str, ...] | None]
) -> Iterator[Problem]:
    allowed = values.get(fact)
    written = str(node.value)
    for text in texts:
        if allowed is not None and text in allowed:
            continue
        at = re.search(rf"""(['"]){re.escape(text)}\1""", written)
        position = node.position_of(at.start() if at else 0)
        if allowed is None:
            yield position.problem(
                f"'{fact}' is compared with a text, but does not say what it can be", "give the fact 'values'"
            )
        else:
            yield position.problem(
                f"'{fact}' is never '{text}'",
                did_you_mean(text, allowed) or f"it is one of {', '.join(allowed)}",
            )


__all__ = [
    "MAX_LAG",
    "RESERVED",
    "counted_parameters",
    "mentions",
    "read_expression",
    "text_problems",
]

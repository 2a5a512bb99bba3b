"""From text to a typed tree, or every reason why not.

simpleeval parses and dispatches; its node table is replaced by the handlers below, which build
``engine.expression.nodes`` instead of computing. A node type that is not in the table is refused while
the document loads: nothing is left to be refused while it runs.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any, Literal, cast

from simpleeval import SimpleEval

from engine.expression import nodes as n
from engine.expression.errors import ExpressionError, ExpressionProblem
from engine.expression.nodes import FactRef, Kind
from engine.expression.places import Places
from engine.expression.scope import Scope, kind_of
from engine.expression.words import (
    ARITHMETIC,
    COMPARISON,
    FUNCTIONS,
    MAX_DEPTH,
    MAX_LAG,
    MAX_LENGTH,
    REFUSED,
)


class _Refusal(Exception):
    """Aborts the sub-tree at hand; the problem is already noted."""


def parse(text: str, scope: Scope, kind: Kind = Kind.TRUTH) -> n.Node:
    """The tree of an expression of ``kind``. Raises ``ExpressionError`` with every problem found."""
    reader = _Reader(text, scope, kind)
    tree = reader.read()
    if reader.problems or tree is None:
        raise ExpressionError(text, tuple(sorted(set(reader.problems), key=lambda p: p.offset)))
    return tree


def _is_timeframe(node: ast.Subscript) -> bool:
    return isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)


class _Reader(SimpleEval):  # pyright: ignore[reportUntypedBaseClass]
    """simpleeval with a node table that builds trees of the rule language."""

    def __init__(self, text: str, scope: Scope, kind: Kind) -> None:
        super().__init__(operators={}, functions={}, names={})  # pyright: ignore[reportUnknownMemberType]
        self.text = text
        self.scope = scope
        self.kind = kind
        self.problems: list[ExpressionProblem] = []
        self.depth = 0
        table: dict[type[ast.AST], Callable[[Any], n.Node]] = {
            ast.Expr: self._expr,
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary,
            ast.BoolOp: self._bool,
            ast.Compare: self._compare_chain,
            ast.Call: self._call,
            ast.Subscript: self._subscript,
        }
        self.nodes = table
        self._places = Places(text)
        self._source = self._places.source

    # -- entry -----------------------------------------------------------------------------------------

    def read(self) -> n.Node | None:
        if not self.text.strip():
            self._note("the expression is empty", 0)
            return None
        if len(self.text) > MAX_LENGTH:
            self._note(f"the expression is longer than {MAX_LENGTH} characters", MAX_LENGTH)
            return None
        try:
            module = ast.parse(self._source)
        except SyntaxError as error:
            self._note(f"not an expression: {error.msg}", self._places.of_error(error))
            return None
        except (ValueError, RecursionError, MemoryError):
            self._note("not an expression", 0)
            return None
        if not module.body:
            self._note("the expression is empty", self._places.shift)
            return None
        if len(module.body) > 1:
            self._note("one expression is expected, not several", self._places.of_node(module.body[1]))
            return None
        try:
            tree = self._eval(cast(ast.AST, SimpleEval.parse(self._source)))  # pyright: ignore[reportUnknownMemberType]
        except _Refusal:
            return None
        if tree.kind is not self.kind:
            wanted = "a condition must say yes or no" if self.kind is Kind.TRUTH else "a number is expected"
            found = "yes or no" if tree.kind is Kind.TRUTH else f"a {tree.kind.value}"
            self._note(f"{wanted}; this is {found}", self._places.shift)
            return None
        return tree

    def _eval(self, node: ast.AST) -> n.Node:
        handler = self.nodes.get(type(node))
        if handler is None:
            what = REFUSED.get(type(node), f"'{self._segment(node)}' is not part of the rule language")
            raise self._refuse(what, node)
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH:
                raise self._refuse("the expression is nested too deeply", node)
            return handler(node)
        finally:
            self.depth -= 1

    # -- problems -------------------------------------------------------------------------------------

    def _segment(self, node: ast.AST) -> str:
        inner = node.value if isinstance(node, ast.Expr) else node
        return " ".join((ast.get_source_segment(self._source, inner) or ast.unparse(inner)).split())

    def _note(
        self, message: str, offset: int, wrong: str | None = None, choices: tuple[str, ...] = ()
    ) -> None:
        self.problems.append(ExpressionProblem(message, offset, wrong, choices))

    def _refuse(
        self, message: str, node: ast.AST, wrong: str | None = None, choices: tuple[str, ...] = ()
    ) -> _Refusal:
        self._note(message, self._places.of_node(node), wrong, choices)
        return _Refusal()

    def _both(self, *parts: ast.AST) -> list[n.Node]:
        """Reads several sub-trees, so that each one's problems are noted, then gives up if one failed."""
        read: list[n.Node] = []
        failed = False
        for part in parts:
            try:
                read.append(self._eval(part))
            except _Refusal:
                failed = True
        if failed:
            raise _Refusal
        return read

    def _need(self, node: n.Node, kind: Kind, at: ast.AST, where: str) -> n.Node:
        if node.kind is not kind:
            raise self._refuse(f"{where} needs a {kind.value}, and '{node.text}' is a {node.kind.value}", at)
        return node

    # -- handlers --------------------------------------------------------------------------------------

    def _expr(self, node: ast.Expr) -> n.Node:
        return self._eval(node.value)

    def _constant(self, node: ast.Constant) -> n.Node:
        value = node.value
        text = self._segment(node)
        if isinstance(value, bool):
            raise self._refuse(f"write {str(value).lower()}, not {value}", node)
        if isinstance(value, int | float):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if not math.isfinite(number):
                raise self._refuse("the number is too large", node)
            return n.Number(text, number)
        if isinstance(value, str):
            return n.Text(text, value)
        raise self._refuse(f"'{text}' is not a number or a text", node)

    def _spelled(self, node: ast.Name) -> str:
        """The name as it is written: Python reads other letters, like full-width ones, as plain ones."""
        written = self._segment(node)
        if written != node.id:
            raise self._refuse(f"'{written}' is not spelled in plain letters; write {node.id}", node)
        return written

    def _name(self, node: ast.Name) -> n.Node:
        name = self._spelled(node)
        if name in ("true", "false"):
            return n.Constant(name, name == "true")
        if name in self.scope.params:
            return n.Param(name, name, kind_of(self.scope.params[name]))
        if name in self.scope.facts:
            return n.Fact(name, FactRef(name), kind_of(self.scope.facts[name]))
        if name in FUNCTIONS:
            raise self._refuse(f"'{name}' is a function: write {name}(…)", node)
        choices = (*self.scope.facts, *self.scope.params, "true", "false")
        raise self._refuse(f"unknown fact or parameter '{name}'", node, name, choices)

    def _unary(self, node: ast.UnaryOp) -> n.Node:
        operand = self._eval(node.operand)
        text = self._segment(node)
        if isinstance(node.op, ast.Not):
            return n.Negation(text, self._need(operand, Kind.TRUTH, node.operand, "'not'"))
        if isinstance(node.op, ast.USub):
            self._need(operand, Kind.NUMBER, node.operand, "'-'")
            return (
                n.Number(text, -operand.value) if isinstance(operand, n.Number) else n.Negative(text, operand)
            )
        raise self._refuse(f"'{text[0]}' is not part of the rule language", node)

    def _binary(self, node: ast.BinOp) -> n.Node:
        op = ARITHMETIC.get(type(node.op))
        if op is None:
            raise self._refuse("only + - * / are part of the rule language", node)
        left, right = self._both(node.left, node.right)
        self._need(left, Kind.NUMBER, node.left, f"'{op}'")
        self._need(right, Kind.NUMBER, node.right, f"'{op}'")
        return n.Arithmetic(self._segment(node), op, left, right)

    def _bool(self, node: ast.BoolOp) -> n.Node:
        op: Literal["and", "or"] = "and" if isinstance(node.op, ast.And) else "or"
        operands = self._both(*node.values)
        for operand, at in zip(operands, node.values, strict=True):
            self._need(operand, Kind.TRUTH, at, f"'{op}'")
        return n.Junction(self._segment(node), op, tuple(operands))

    def _compare_chain(self, node: ast.Compare) -> n.Node:
        text = self._segment(node)
        if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            return self._membership(node, text)
        sides = self._both(node.left, *node.comparators)
        parts = (node.left, *node.comparators)
        links: list[n.Node] = []
        for index, op in enumerate(node.ops):
            word = COMPARISON.get(type(op))
            if word is None:
                raise self._refuse("'is' is not part of the rule language; compare with ==", parts[index + 1])
            links.append(self._comparison(word, sides, parts, index, text if len(node.ops) == 1 else None))
        return links[0] if len(links) == 1 else n.Junction(text, "and", tuple(links))

    def _comparison(
        self,
        op: n.ComparisonOp,
        sides: list[n.Node],
        parts: tuple[ast.expr, ...],
        index: int,
        text: str | None,
    ) -> n.Node:
        left, right = sides[index], sides[index + 1]
        for side, at in ((left, parts[index]), (right, parts[index + 1])):
            if side.kind is Kind.TRUTH:
                raise self._refuse(f"'{side.text}' is yes or no and cannot be compared; use and, or, not", at)
        if left.kind is not right.kind:
            raise self._refuse(
                f"'{left.text}' is a {left.kind.value} and '{right.text}' is a {right.kind.value}",
                parts[index + 1],
            )
        if left.kind is Kind.TEXT:
            if op not in ("==", "!="):
                raise self._refuse("texts have no order; compare them with ==, != or in", parts[index + 1])
            if not isinstance(left, n.Fact) and not isinstance(right, n.Fact):
                raise self._refuse("a text is compared with a fact of unit 'name'", parts[index])
        return n.Comparison(text or f"{left.text} {op} {right.text}", op, left, right)

    def _membership(self, node: ast.Compare, text: str) -> n.Node:
        if len(node.ops) > 1:
            raise self._refuse("'in' cannot be chained", node)
        if isinstance(node.ops[0], ast.NotIn):
            raise self._refuse("write not (… in […])", node)
        operand = self._eval(node.left)
        if not isinstance(operand, n.Fact) or operand.kind is not Kind.TEXT:
            raise self._refuse("'in' needs a fact of unit 'name' on its left", node.left)
        options = node.comparators[0]
        if not isinstance(options, ast.List) or not options.elts:
            raise self._refuse('\'in\' needs a list of texts on its right, like ["a", "b"]', options)
        words: list[str] = []
        for item in options.elts:
            if not isinstance(item, ast.Constant) or not isinstance(item.value, str):
                raise self._refuse("the list after 'in' holds texts only", item)
            words.append(item.value)
        return n.Membership(text, operand, tuple(words))

    def _subscript(self, node: ast.Subscript) -> n.Node:
        inner = self._eval(node.value)
        if not isinstance(inner, n.Fact):
            raise self._refuse("only a fact has candles to go back to", node.value)
        if not self.scope.history:
            raise self._refuse("a gate's facts have no history and no timeframe", node.slice)
        if inner.ref.name in self.scope.momentary:
            raise self._refuse(f"'{inner.ref.name}' has no history and no timeframe", node.slice)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        ref = inner.ref
        if isinstance(node.slice, ast.Name):
            return self._earlier(node, inner, node.slice)
        if isinstance(key, str):
            if ref.timeframe or ref.lag:
                raise self._refuse("the timeframe comes first and only once", node.slice)
            if key not in self.scope.timeframes:
                choices = tuple(self.scope.timeframes)
                raise self._refuse(f"unknown timeframe '{key}'", node.slice, key, choices)
            ref = ref._replace(timeframe=key)
        elif isinstance(key, int) and not isinstance(key, bool):
            if isinstance(node.value, ast.Subscript) and not _is_timeframe(node.value):
                raise self._refuse("a lag is given only once", node.slice)
            if key > MAX_LAG:
                raise self._refuse(f"a lag is at most {MAX_LAG} candles", node.slice)
            ref = ref._replace(lag=key)
        else:
            raise self._refuse(
                'write x[1] for one candle earlier or x["1h"] for another timeframe', node.slice
            )
        return n.Fact(self._segment(node), ref, inner.kind)

    def _earlier(self, node: ast.Subscript, fact: n.Fact, name: ast.Name) -> n.Node:
        by = self._counted(name, 0)
        if fact.ref.lag or not isinstance(by, n.Param):
            raise self._refuse("a lag is given only once", node.slice)
        return n.Earlier(self._segment(node), fact, by)

    def _counted(self, node: ast.expr, least: int) -> n.Number | n.Param:
        """A whole number of candles, or a parameter, whose bounds are checked where it is defined."""
        steps = self._eval(node)
        if isinstance(steps, n.Number):
            if steps.value != int(steps.value) or not least <= steps.value <= MAX_LAG:
                raise self._refuse(f"the number of candles is whole, {least} to {MAX_LAG}", node)
            return steps
        if isinstance(steps, n.Param) and self.scope.params[steps.name] in ("count", "bars"):
            return steps
        raise self._refuse("the number of candles is a whole number or a parameter of unit 'bars'", node)

    def _call(self, node: ast.Call) -> n.Node:
        if not isinstance(node.func, ast.Name):
            raise self._refuse("only a named function can be called", node.func)
        name = self._spelled(node.func)
        if name not in FUNCTIONS:
            raise self._refuse(f"unknown function '{name}'", node.func, name, FUNCTIONS)
        if node.keywords:
            raise self._refuse("arguments are given by position", node.keywords[0].value)
        text = self._segment(node)
        if name == "known":
            return n.Known(text, self._fact_argument(node, name))
        if name in ("rising", "falling"):
            return self._trend(node, "rising" if name == "rising" else "falling", text)
        if name == "within":
            return self._within(node, text)
        if (name == "abs") != (len(node.args) == 1) or not node.args:
            raise self._refuse(
                f"{name} takes {'one argument' if name == 'abs' else 'two or more arguments'}", node
            )
        arguments = self._both(*node.args)
        for argument, at in zip(arguments, node.args, strict=True):
            self._need(argument, Kind.NUMBER, at, name)
        return n.Call(text, name, tuple(arguments))

    def _fact_argument(self, node: ast.Call, name: str) -> n.Fact:
        if name == "known" and len(node.args) != 1:
            raise self._refuse("known takes one fact", node)
        fact = self._eval(node.args[0])
        if not isinstance(fact, n.Fact):
            raise self._refuse(f"{name} needs a fact, and '{fact.text}' is not one", node.args[0])
        return fact

    def _trend(self, node: ast.Call, direction: Literal["rising", "falling"], text: str) -> n.Node:
        if len(node.args) not in (2, 3):
            raise self._refuse(
                f"{direction} takes a fact, a number of candles and optionally a least step", node
            )
        if not self.scope.history:
            raise self._refuse("a gate's facts have no history", node)
        fact = self._fact_argument(node, direction)
        self._need(fact, Kind.NUMBER, node.args[0], direction)
        if fact.ref.name in self.scope.momentary:
            raise self._refuse(f"'{fact.ref.name}' has no history", node.args[0])
        steps = self._counted(node.args[1], 1)
        eps = n.Number("0", 0.0) if len(node.args) == 2 else self._eval(node.args[2])
        if len(node.args) == 3:
            self._need(eps, Kind.NUMBER, node.args[2], direction)
        return n.Trend(text, direction, fact, steps, eps)

    def _within(self, node: ast.Call, text: str) -> n.Node:
        if len(node.args) != 2:
            raise self._refuse("within takes a yes/no and a number of candles", node)
        if not self.scope.history:
            raise self._refuse("a gate's facts have no history", node)
        operand = self._eval(node.args[0])
        self._need(operand, Kind.TRUTH, node.args[0], "within")
        for inner in n.below(operand):
            if isinstance(inner, n.Within):
                raise self._refuse("within cannot stand inside within", node.args[0])
            if isinstance(inner, n.Fact) and inner.ref.name in self.scope.momentary:
                raise self._refuse(f"'{inner.text}' has no history", node.args[0])
            if isinstance(inner, n.Fact) and inner.ref.timeframe:
                raise self._refuse(
                    f"within goes back candle by candle, and '{inner.text}' has candles of its own",
                    node.args[0],
                )
        return n.Within(text, operand, self._counted(node.args[1], 0))

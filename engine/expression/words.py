"""The words of the expression grammar, its limits, and what is said of Python that is not part of it."""

from __future__ import annotations

import ast

from engine.expression import nodes as n

MAX_LENGTH = 2000
MAX_DEPTH = 60
MAX_LAG = 500

FUNCTIONS = ("abs", "falling", "known", "max", "min", "rising", "within")
ARITHMETIC: dict[type[ast.operator], n.ArithmeticOp] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
COMPARISON: dict[type[ast.cmpop], n.ComparisonOp] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "attributes are not part of the rule language",
    ast.IfExp: "'if … else …' is not part of the rule language; use and, or, not",
    ast.Lambda: "lambda is not part of the rule language",
    ast.JoinedStr: "f-strings are not part of the rule language",
    ast.ListComp: "comprehensions are not part of the rule language",
    ast.NamedExpr: "assignment is not part of the rule language",
    ast.Assign: "assignment is not part of the rule language; compare with ==",
    ast.AugAssign: "assignment is not part of the rule language",
    ast.List: "a list may only stand to the right of 'in'",
}

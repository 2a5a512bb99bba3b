"""The small expression grammar: read by simpleeval's parser, narrowed at load, run over columns."""

from engine.expression.errors import ExpressionError, ExpressionProblem
from engine.expression.grammar import parse
from engine.expression.nodes import FactRef, Kind, Node
from engine.expression.program import Binding, Expression
from engine.expression.scope import Scope

__all__ = [
    "Binding",
    "Expression",
    "ExpressionError",
    "ExpressionProblem",
    "FactRef",
    "Kind",
    "Node",
    "Scope",
    "parse",
]

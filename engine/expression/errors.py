"""What is wrong with an expression, and where in its text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """``offset`` counts characters from the start of the text; ``wrong``/``choices`` feed "did you mean"."""

    message: str
    offset: int
    wrong: str | None = None
    choices: tuple[str, ...] = ()


class ExpressionError(ValueError):
    """An expression was refused; ``problems`` lists every reason."""

    def __init__(self, text: str, problems: tuple[ExpressionProblem, ...]) -> None:
        super().__init__(f"{problems[0].message} (in {text!r} at character {problems[0].offset + 1})")
        self.text = text
        self.problems = problems

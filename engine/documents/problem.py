"""One problem of a document: where it is, what it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.documents.nearest import nearest


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """A line of ``file:line:column: message; hint``. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        tail = f"; {self.hint}" if self.hint else ""
        return one_line(f"{self.file}:{self.line}:{self.column}: {self.message}{tail}")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file, counted from 1."""

    file: str
    line: int
    column: int

    def problem(self, message: str, hint: str | None = None) -> Problem:
        """A problem at this place."""
        return Problem(self.file, self.line, self.column, message, hint)

    def unknown(self, what: str, name: str, valid: Iterable[str]) -> Problem:
        """``unknown <what> 'name'`` with the nearest of the ``valid`` names, if one is near."""
        return self.problem(f"unknown {what} '{name}'", did_you_mean(name, valid))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def one_line(text: str) -> str:
    """The text with escapes for line breaks and whatever else cannot be printed or encoded."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def did_you_mean(name: str, valid: Iterable[str]) -> str | None:
    """The hint of an unknown name: the nearest valid one, or None when nothing is near."""
    found = nearest(name, valid)
    return f"did you mean '{found}'?" if found is not None else None

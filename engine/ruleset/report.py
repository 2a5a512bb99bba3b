"""The problems of a folder, each told once and not a second time in other words."""

from __future__ import annotations

from collections.abc import Iterable

from engine.documents import Problem


class Report:
    """Collects problems; what a document's own check found at a place explains what linking finds there."""

    def __init__(self) -> None:
        self._problems: set[Problem] = set()
        self._causes: set[tuple[str, int, int]] = set()

    def causes(self, problems: Iterable[Problem]) -> None:
        """Problems of layout, syntax and shape."""
        for problem in problems:
            self._problems.add(problem)
            self._causes.add((problem.file, problem.line, problem.column))

    def add(self, problem: Problem) -> None:
        """A problem of linking, kept unless something is wrong at its place already."""
        if (problem.file, problem.line, problem.column) not in self._causes:
            self._problems.add(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Several problems of linking."""
        for problem in problems:
            self.add(problem)

    def sorted(self) -> tuple[Problem, ...]:
        """All problems by file, line and column."""
        return tuple(sorted(self._problems, key=lambda p: (p.file, p.line, p.column, p.message)))

    def __bool__(self) -> bool:
        return bool(self._problems)

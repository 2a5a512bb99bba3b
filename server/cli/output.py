"""The two streams of a command: its answer on stdout, everything about it on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

LEAST_WIDTH = 60
"""Tables are not squeezed below this; a terminal narrower than that wraps them."""


class Answer:
    """Stdout for tables and trees: coloured on a terminal, plain text of 80 columns elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console

        width = max(Console().width, LEAST_WIDTH)
        self._console = Console(highlight=False, markup=False, emoji=False, width=width)

    def print(self, *parts: RenderableType, style: str | None = None, wrap: bool = True) -> None:
        """Without a terminal, lines end with their last letter instead of a column's blanks."""
        if self._console.is_terminal:
            self._console.print(*parts, style=style, soft_wrap=not wrap)
            return
        with self._console.capture() as captured:
            self._console.print(*parts, style=style, soft_wrap=not wrap)
        say(*(line.rstrip() for line in captured.get().splitlines()))


def remarks() -> Console:
    """Stderr, for progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def say(*lines: str) -> None:
    """Plain lines on stdout, never wrapped."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def complain(lines: Iterable[str]) -> None:
    """Plain lines on stderr."""
    sys.stdout.flush()
    for line in lines:
        sys.stderr.write(f"{line}\n")


def say_json(value: object) -> None:
    """One JSON document on stdout."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 problem``, ``2 problems``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"

"""Where the parser's lines and columns lie in the text as it was written."""

from __future__ import annotations

import ast
import re
from itertools import accumulate

_LINE_ENDS = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
"""What ends a line for the parser; ``str.splitlines`` knows more line ends."""


class Places:
    """``source`` is the text without its leading blanks; offsets count from the start of the text."""

    def __init__(self, text: str) -> None:
        self.source = text.lstrip()
        self.shift = len(text) - len(self.source)
        self._length = len(text)
        self._rows = _LINE_ENDS.split(self.source)
        self._starts = [0, *accumulate(len(row) for row in self._rows)]

    def of_error(self, error: SyntaxError) -> int:
        """A syntax error counts characters, from 1."""
        return self._offset(error.lineno or 1, max(0, (error.offset or 1) - 1))

    def of_node(self, node: ast.AST) -> int:
        """A node counts bytes, from 0."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        row = self._rows[min(line, len(self._rows)) - 1]
        return self._offset(line, len(row.encode()[:column].decode(errors="ignore")))

    def _offset(self, line: int, characters: int) -> int:
        at = self._starts[min(line, len(self._rows)) - 1]
        return min(self.shift + at + characters, self._length)

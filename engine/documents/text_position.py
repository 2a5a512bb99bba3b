"""From a character of a scalar's value back to the character of the file it came from."""

from __future__ import annotations

import re

_DOUBLE_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_SPACE = " \t\r\n"


def position_in_text(
    text: str, index: int, line: int, column: int, style: str, value: str, offset: int
) -> tuple[int, int]:
    """Line and column (from 1) of ``value[offset]`` for the scalar that starts at ``text[index]``.

    ``style`` is the scalar's first mark: a quote, ``|``, ``>``, or nothing. Exact for every style, but for
    an offset within the white space where lines were folded: that gives the next word.
    """
    target = _index_in_source(text, index, style, value, min(max(offset, 0), len(value)))
    lines = text.count("\n", index, target)
    if lines == 0:
        return line, column + target - index
    return line + lines, target - text.rfind("\n", 0, target)


def _index_in_source(text: str, index: int, style: str, value: str, offset: int) -> int:
    """Walks source and value side by side until ``offset`` characters of the value are behind."""
    at = index
    if style in ("|", ">"):
        at = _skip_space(text, text.find("\n", index))
        done = _skip_space(value, 0)
    else:
        at += len(style)
        done = 0
    while done < offset:
        if at >= len(text):
            return index
        run = _skip_space(text, at)
        if "\n" in text[at:run]:
            folded = _skip_space(value, done)
            if folded >= offset:
                return run
            at, done = run, folded
        elif style == '"' and text[at] == "\\":
            escape = _DOUBLE_ESCAPE.match(text, at)
            at = escape.end() if escape else at + 1
            if escape and escape.group() == "\\\n":
                at = _skip_space(text, at)
            else:
                done += 1
        else:
            at += 2 if style == "'" and text[at] == "'" else 1
            done += 1
    return at


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at

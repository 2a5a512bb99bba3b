"""Numbers and misses as a person in a terminal reads them: short, never misleading."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from server.cli.output import count

if TYPE_CHECKING:
    from engine.explain import NearMiss
    from engine.expression.trace import Value

_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


def short(value: float, digits: int = 4) -> str:
    """So many significant digits, but every digit before the point: ``104180``, ``0.001234``, ``49``."""
    text = f"{value:.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value + 0.0:.{digits}g}"
    return "0" if text == "-0" else text


def shorten(sentence: str) -> str:
    """The sentence with short numbers, unless two different ones would then look the same."""
    numbers = set(_NUMBER.findall(sentence))
    if len({short(float(number)) for number in numbers}) < len(numbers):
        return sentence
    made = _NUMBER.sub(lambda found: short(float(found[0])), sentence)
    compared = re.search(r"(\S+), needs \S+ (\S+)$", made)
    return sentence if compared and compared[1] == compared[2] else made


def nearest_in_short(miss: NearMiss) -> str:
    """``short: rsi 47.9, needs < 48``; of several conditions the nearest one and how many more there are."""
    known = [o for o in miss.obstacles if o.relative_margin is not None]
    first = max(known, key=lambda o: o.relative_margin or 0.0, default=miss.obstacles[0])
    more = len(miss.obstacles) - 1
    tail = f" (and {count(more, 'more', 'more')})" if more else ""
    return f"{miss.side}: {shorten(first.sentence)}{tail}"


def pair(left: Value, right: Value) -> tuple[str, str]:
    """Two values that are compared: short ones, unless they would then look the same and are not."""
    if isinstance(left, float) and isinstance(right, float):
        texts = short(left, 5), short(right, 5)
        if texts[0] != texts[1] or left == right:
            return texts
    return shown(left), shown(right)


def shown(value: Value) -> str:
    """A value of a trace."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value + 0.0:.6g}"
    return "unknown" if value is None else str(value)

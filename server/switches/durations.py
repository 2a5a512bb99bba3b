"""How long something stays switched off, as operators write it: ``15m``, ``4h``, ``1d``, ``2 hours``."""

from __future__ import annotations

import re

from server.orders.holds import MS_PER_DAY

_UNITS = {"m": 60_000, "h": 3_600_000, "d": MS_PER_DAY}
_DIGITS = {"m": 6, "h": 4, "d": 3}
"""Most digits of a number, so that no length is beyond what clocks know."""
_WORDS = {"m": "minute", "h": "hour", "d": "day"}

FORM = "a duration such as 15m, 4h, 1d or 2 hours"


def _any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


PATTERN = "|".join(
    f"[1-9][0-9]{{0,{digits - 1}}}({_any_case(unit)}| +{_any_case(_WORDS[unit])}[sS]?)"
    for unit, digits in _DIGITS.items()
)
"""What `duration_ms` reads, for ``re.fullmatch`` and for schemas."""


def duration_ms(text: str) -> int:
    """A number and its unit in ms. Raises ``ValueError`` for anything else, for nothing and for too much."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"expected {FORM}")
    number = re.match("[0-9]+", text)
    assert number is not None
    return int(number[0]) * _UNITS[text[number.end() :].strip()[0].lower()]


def duration(length_ms: int) -> str:
    """The shortest spelling of a length; seconds where it has no whole minutes."""
    for unit in ("d", "h", "m"):
        if length_ms and length_ms % _UNITS[unit] == 0:
            return f"{length_ms // _UNITS[unit]}{unit}"
    return f"{length_ms / 1000:g}s"

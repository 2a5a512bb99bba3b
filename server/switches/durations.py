"""How long something stays switched off, as operators write it: ``15m``, ``4h``, ``1d``, ``2 hours``."""

from __future__ import annotations

import re

from server.orders.holds import MS_PER_DAY

_UNITS = {
    "m": 60_000,
    "minute": 60_000,
    "h": 3_600_000,
    "hour": 3_600_000,
    "d": MS_PER_DAY,
    "day": MS_PER_DAY,
}
PATTERN = r"^\s*[0-9]{1,7}(?:[mMhHdD]|\s+(?:[mM][iI][nN][uU][tT][eE]|[hH][oO][uU][rR]|[dD][aA][yY])[sS]?)\s*$"
"""What `duration_ms` reads, as a regular expression for schemas."""

FORM = "a duration such as 15m, 4h, 1d or 2 hours"
MOST_DAYS = 3650
_MOST_MS = MOST_DAYS * MS_PER_DAY
_TEXT = re.compile(r"([0-9]{1,7})(?:([mhd])|\s+(minute|hour|day)s?)", re.IGNORECASE | re.ASCII)


def duration_ms(text: str) -> int:
    """A number and its unit in ms. Raises ``ValueError`` for anything else, for nothing and for too much."""
    form = _TEXT.fullmatch(text.strip())
    if form is None:
        raise ValueError(f"expected {FORM}")
    number, short, word = form.groups()
    length = int(number) * _UNITS[(short or word).lower()]
    if not 0 < length <= _MOST_MS:
        raise ValueError(f"expected {FORM}, from 1m to {MOST_DAYS}d")
    return length


def duration(length_ms: int) -> str:
    """The shortest spelling of a length of whole minutes; seconds where it has none such."""
    for unit in ("d", "h", "m"):
        if length_ms and length_ms % _UNITS[unit] == 0:
            return f"{length_ms // _UNITS[unit]}{unit}"
    return f"{length_ms / 1000:g}s"

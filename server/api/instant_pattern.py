"""Instants as regular expressions of JSON Schema, which has no greatest date.

What fits a pattern is accepted for certain; a 29 February or a time zone close to the clock is accepted too,
but not described.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_FIRST_YEAR, _LAST_YEAR = 2001, 2099
_SECONDS = r":[0-5][0-9](\.[0-9]{1,9})?"
_TIME = rf"([01][0-9]|2[0-3]):[0-5][0-9]{_SECONDS}"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
_EAST = r"(Z|\+(0[0-9]|1[0-3]):[0-5][0-9])"
"""UTC and the zones ahead of it, where the same time of day came earlier."""

_DAYS = {31: r"(0[1-9]|[12][0-9]|3[01])", 30: r"(0[1-9]|[12][0-9]|30)", 28: r"(0[1-9]|1[0-9]|2[0-8])"}
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ANY_DAY = rf"((0[13578]|1[02])-{_DAYS[31]}|(0[469]|11)-{_DAYS[30]}|02-{_DAYS[28]})"


def any_instant() -> str:
    """An instant of this century with its zone."""
    return rf"^20[0-9][0-9]-{_ANY_DAY}T{_TIME}{_OFFSET}$"


def instants_until(clock_ms: int) -> str:
    """Instants up to the minute of the clock: in any zone until two days before it, then from UTC east."""
    clock = datetime.fromtimestamp(clock_ms / 1000, UTC)
    before = (clock - timedelta(days=2)).date()
    years = _numbers(_FIRST_YEAR, min(before.year - 1, _LAST_YEAR))
    days = [f"({years})-{_ANY_DAY}"] if years else []
    for month in range(1, before.month):
        days.append(f"{before.year}-{month:02d}-{_DAYS[_LENGTHS[month - 1]]}")
    days.append(
        f"{before.year}-{before.month:02d}-({_numbers(1, min(before.day, _LENGTHS[before.month - 1]))})"
    )
    earlier = rf"({'|'.join(days)})T{_TIME}{_OFFSET}"
    yesterday = rf"{(clock - timedelta(days=1)).date()}T{_TIME}{_EAST}"
    today = [rf"({_numbers(0, clock.hour - 1)}):[0-5][0-9]{_SECONDS}"] if clock.hour else []
    if clock.minute:
        today.append(rf"{clock.hour:02d}:({_numbers(0, clock.minute - 1)}){_SECONDS}")
    parts = [earlier, yesterday, *([rf"{clock.date()}T({'|'.join(today)}){_EAST}"] if today else [])]
    return rf"^({'|'.join(parts)})$"


def _numbers(first: int, last: int) -> str:
    return "|".join(f"{number:02d}" for number in range(first, last + 1))

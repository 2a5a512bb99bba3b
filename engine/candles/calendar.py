"""Steps of timeframes and UTC calendar periods. Every instant is an int of milliseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, cast, get_args

from engine.models.base import Timeframe
from engine.models.facts import Anchor

MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS

STEP_MS: dict[Timeframe, int] = {
    "1m": MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "1d": DAY_MS,
}
"""Length of a candle in milliseconds."""

TIMEFRAMES: tuple[Timeframe, ...] = get_args(Timeframe)
"""All timeframes, shortest first."""

Period = Literal["day", "week", "month", "quarter", "year"]


def _millis(year: int, month: int = 1, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


def _start(period: Period, at_ms: int) -> int:
    """Start of the calendar period that ``at_ms`` lies in (its own start belongs to it)."""
    midnight = at_ms - at_ms % DAY_MS
    if period == "day":
        return midnight
    at = datetime.fromtimestamp(midnight / 1000, UTC)
    if period == "week":
        return midnight - at.weekday() * DAY_MS
    month = {"month": at.month, "quarter": at.month - (at.month - 1) % 3, "year": 1}[period]
    return _millis(at.year, month)


def _period(anchor: Anchor) -> Period:
    return cast(Period, anchor.removeprefix("previous_"))


@lru_cache(maxsize=4096)
def period_bounds(anchor: Anchor, as_of_ms: int) -> tuple[int, int]:
    """``[start, end)`` of the period that ``as_of_ms`` lies in: within it the anchor does not move."""
    period = _period(anchor)
    start = _start(period, as_of_ms)
    beyond = {"day": 1, "week": 7, "month": 32, "quarter": 93, "year": 367}[period]
    return start, _start(period, start + beyond * DAY_MS)


@lru_cache(maxsize=4096)
def anchor_of(anchor: Anchor, as_of_ms: int) -> int:
    """Open time of the first candle that matters at ``as_of_ms``: the start of the period before its own."""
    period = _period(anchor)
    return _start(period, _start(period, as_of_ms) - 1)

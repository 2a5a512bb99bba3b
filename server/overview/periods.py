"""Which period a question is about."""

from __future__ import annotations

from dataclasses import replace

from server.journal import Journal, RunFilter
from server.journal.course import count_runs, newest_instant

MINUTE_MS, DAY_MS = 60_000, 86_400_000
MOST_RUNS = 50_000


class TooMuch(ValueError):
    """More than one question may be about."""


async def period_of(journal: Journal, wanted: RunFilter) -> RunFilter:
    """The filter with both ends: up to the newest run, and a day back from the end, where none is given.

    Raises ``TooMuch``, ``JournalError``.
    """
    start, end = wanted.from_ms, wanted.to_ms
    if end is None:
        newest = await newest_instant(journal, wanted)
        end = (start or 0) if newest is None else (newest // MINUTE_MS + 1) * MINUTE_MS
    if start is None:
        start = max(0, end - DAY_MS)
    asked = replace(wanted, from_ms=start, to_ms=end)
    runs = await count_runs(journal, asked)
    if runs > MOST_RUNS:
        raise TooMuch(f"{runs:,} runs are in this period, and one question can be about {MOST_RUNS:,}")
    return asked

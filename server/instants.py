"""Instants as people read them: ISO 8601, UTC, with Z. Inside everything they are ms since the epoch."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import lru_cache


def machine_ms() -> int:
    """This machine's clock."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=8192)  # the answer of a run says the same few instants for every symbol
def iso(at_ms: int) -> str:
    """``2025-06-03T15:32:00Z``; milliseconds only where there are any."""
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(
        timespec="milliseconds" if at_ms % 1000 else "seconds"
    )
    return text.replace("+00:00", "Z")


def at(text: str) -> int:
    """The instant that an ISO 8601 date and time with its zone names, as ms UTC.

    Raises ``ValueError`` that says what is missing; a time without a zone is not guessed at.
    """
    form = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:\d\d)?", text, re.ASCII
    )
    if form is None:
        raise ValueError("expected an instant such as 2025-06-03T15:32:00Z")
    day, clock, zone = form.groups()
    if zone is None:
        raise ValueError("expected a zone at the end of the instant; Z is UTC")
    clock, _, fraction = clock.partition(".")
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in 'Zz' else zone}")
        seconds = int(moment.timestamp())
    except (ValueError, OverflowError) as error:
        raise ValueError(f"there is no such instant: {error}") from error
    return seconds * 1000 + int(fraction.ljust(3, "0")[:3] or 0)

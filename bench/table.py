"""Rows of the benchmark table."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str], None]
"""Told what is being measured; a person waits for it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement; ``held`` is None where there is no number to hold."""

    what: str
    measured: str
    hold: str = ""
    held: bool | None = None


def best_of(times: int, work: Callable[[], object]) -> float:
    """Shortest duration of ``work`` in seconds, after one warm-up, with the collector off."""
    work()
    collecting = gc.isenabled()
    gc.disable()
    try:
        shortest = float("inf")
        for _ in range(times):
            start = time.perf_counter()
            work()
            shortest = min(shortest, time.perf_counter() - start)
        return shortest
    finally:
        if collecting:
            gc.enable()


def per_second(count: float) -> str:
    """``664 M/s``, ``164 k/s``."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}/s"
    return f"{count:,.0f} /s"


def span(seconds: float) -> str:
    """``51 µs``, ``12.3 ms``, ``1.42 s``."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:,.0f} µs"
    return f"{seconds * 1e3:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"

"""The paper venue's clock: standing at an instant, or running through the recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Says what time it is at the venue, in ms UTC; never goes back."""

    def now_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class FixedClock:
    """Stands at ``at_ms``."""

    at_ms: int

    def now_ms(self) -> int:
        return self.at_ms


class RunningClock:
    """Starts at ``start_ms`` when it is made and stops at ``end_ms``, the end of the recording.

    ``speed`` is recorded seconds per real second; ``monotonic`` gives real seconds and is handed in so that
    time can be told without waiting for it.
    """

    def __init__(self, start_ms: int, end_ms: int, speed: float, monotonic: Callable[[], float]) -> None:
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._speed = speed
        self._monotonic = monotonic
        self._began = monotonic()

    def now_ms(self) -> int:
        elapsed_ms = (self._monotonic() - self._began) * 1000 * self._speed
        # Compared before it is made whole: at a high speed the product may be larger than any instant.
        if elapsed_ms >= self._end_ms - self._start_ms:
            return self._end_ms
        return self._start_ms + int(elapsed_ms)

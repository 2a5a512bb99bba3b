"""The paper venue's clock: standing at an instant, running through the recording, or moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from server.instants import iso

_SHORTEST_WAIT_SEC = 0.003
"""However fast the clock runs, who waits lets others work."""


class Clock(Protocol):
    """Says what time it is at the venue, in ms UTC; never goes back."""

    def now_ms(self) -> int: ...

    @property
    def speed(self) -> float:
        """Venue seconds per real second; 1 where the two have nothing to do with each other."""
        ...

    def obstacle(self) -> str | None:
        """Why no order can be traded by this clock; None where it can."""
        ...

    async def wait(self, seconds: float) -> None:
        """Returns when about so many seconds have passed by this clock; a standing one counts real ones."""
        ...


@dataclass(frozen=True, slots=True)
class FixedClock:
    """Stands at ``at_ms``."""

    at_ms: int
    speed: float = 1.0

    def now_ms(self) -> int:
        return self.at_ms

    def obstacle(self) -> str | None:
        return (
            f"the paper venue's clock stands at {iso(self.at_ms)}, so nothing would ever be traded; "
            "let it run: entrygate serve --start TIME --speed X"
        )

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class RunningClock:
    """Starts at ``start_ms`` when it is made and stops at ``end_ms``, the end of the recording.

    ``speed`` is recorded seconds per real second; ``monotonic`` gives real seconds and is handed in so that
    time can be told without waiting for it. ``began`` is the reading of ``monotonic`` at which it was at
    ``start_ms``: None is now, one in the past continues a clock that has been running.
    """

    def __init__(
        self,
        start_ms: int,
        end_ms: int,
        speed: float,
        monotonic: Callable[[], float],
        began: float | None = None,
    ) -> None:
        self._start_ms = start_ms
        self._end_ms = end_ms
        self.speed = speed
        self._monotonic = monotonic
        self._began = monotonic() if began is None else began

    def now_ms(self) -> int:
        elapsed_ms = max(self._monotonic() - self._began, 0.0) * 1000 * self.speed
        # Compared before it is made whole: at a high speed the product may be larger than any instant.
        if elapsed_ms >= self._end_ms - self._start_ms:
            return self._end_ms
        return self._start_ms + int(elapsed_ms)

    def obstacle(self) -> str | None:
        if self.now_ms() < self._end_ms:
            return None
        return (
            f"the recording has ended at {iso(self._end_ms)}, so nothing more will be traded; "
            "start earlier: entrygate serve --start TIME --speed X"
        )

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds / self.speed, _SHORTEST_WAIT_SEC))


class ManualClock:
    """Moved by hand, and by whoever waits: `wait` returns at once and the time has passed.

    For simulations and tests, which want hours in no time and the same ones every time.
    """

    speed: float = 1.0

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms

    def now_ms(self) -> int:
        return self._at_ms

    def move_to(self, at_ms: int) -> None:
        """Raises `ValueError` for an instant that has passed."""
        if at_ms < self._at_ms:
            raise ValueError(f"a clock never goes back: it is {iso(self._at_ms)}, not {iso(at_ms)}")
        self._at_ms = at_ms

    def obstacle(self) -> str | None:
        return None

    async def wait(self, seconds: float) -> None:
        self._at_ms += max(round(seconds * 1000), 0)
        await asyncio.sleep(0)

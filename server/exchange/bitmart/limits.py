"""Keeps a process within the documented request rates, and pauses a path that the venue says is used up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiolimiter import AsyncLimiter

from server.exchange.bitmart.endpoints import ENDPOINTS, WINDOW_SEC, Endpoint

_LONGEST_PAUSE_SEC = 10.0


def bucket(requests: float, window_sec: float) -> AsyncLimiter:
    """A leaky bucket that never lets more than ``requests`` through in any window of that length.

    A bucket of the full size would let twice as many through in its first window: a burst, and what leaks
    meanwhile. So a third may come at once, and the rest is spread over the window.
    """
    burst = max(1.0, requests // 3)
    spread = max(requests - burst, requests / 2)  # one request per window: half a request leaks in it
    return AsyncLimiter(burst, burst * window_sec / spread)


class RateLimits:
    """One bucket per path, of this process only. ``factor`` multiplies the documented rates.

    A factor above 1 is for a server with higher rates than those: what it announces counts for as much more.
    """

    def __init__(self, factor: float = 1.0) -> None:
        self._scale = max(1.0, factor)
        self._buckets = {e.path: bucket(e.requests * factor, WINDOW_SEC) for e in ENDPOINTS}
        self._paused_until: dict[str, float] = {}

    async def slot(self, endpoint: Endpoint) -> None:
        """Returns when a request to this path may leave."""
        pause = self._paused_until.get(endpoint.path, 0.0) - _loop_time()
        if pause > 0:
            await asyncio.sleep(pause)
        await self._buckets[endpoint.path].acquire()

    def note(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        """Pauses the path where the answer says that the rate is used up: for the time of one request, or for
        the whole window once more has been used than is allowed, which ends in a ban.

        ``X-BM-RateLimit-Remaining`` is, despite its name, the number already used; ``-Reset`` is the length
        of the window in seconds. Others behind the same address or key may have used it.
        """
        used, allowed, window_sec = (
            _number(headers.get(f"X-BM-RateLimit-{name}")) for name in ("Remaining", "Limit", "Reset")
        )
        if used is None or allowed is None or window_sec is None:
            return
        allowed *= self._scale
        if used > allowed > 0:
            self.pause(endpoint, window_sec)
        elif used == allowed > 0:
            self.pause(endpoint, window_sec / allowed)

    def pause(self, endpoint: Endpoint, seconds: float) -> None:
        """Nothing leaves for this path before so long has passed (at most 10 s)."""
        until = _loop_time() + min(max(seconds, 0.0), _LONGEST_PAUSE_SEC) / self._scale
        self._paused_until[endpoint.path] = max(until, self._paused_until.get(endpoint.path, 0.0))


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _loop_time() -> float:
    return asyncio.get_running_loop().time()

"""The documented rate limits, counted on the venue's clock in a sliding window per path and caller."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

from .codes import LIMITS


@dataclass
class RateLimits:
    """Refuses what exceeds a limit while ``enforced``; counts it either way.

    A refused request takes no room in the window. ``peaks`` is the most that one window held, by path.
    """

    enforced: bool = True
    exceeded: Counter[str] = field(default_factory=Counter)
    peaks: Counter[str] = field(default_factory=Counter)
    _seen: defaultdict[tuple[str, str], deque[int]] = field(default_factory=lambda: defaultdict(deque))

    def admit(self, path: str, caller: str, now_ms: int) -> tuple[bool, int]:
        """Whether the request is answered, and how many the window holds with it."""
        limit = LIMITS.get(path)
        if limit is None:
            return True, 0
        requests, seconds = limit
        seen = self._seen[(path, caller)]
        while seen and (seen[0] <= now_ms - seconds * 1000 or seen[0] > now_ms):
            seen.popleft()
        over = len(seen) >= requests
        if over:
            self.exceeded[path] += 1
            if self.enforced:
                return False, len(seen) + 1
        seen.append(now_ms)
        self.peaks[path] = max(self.peaks[path], len(seen))
        return True, len(seen)

    def headers(self, path: str, used: int) -> list[tuple[bytes, bytes]]:
        """As the venue words them: Remaining is the number used, Reset the window's length in seconds."""
        limit = LIMITS.get(path)
        if limit is None:
            return []
        return [
            (b"x-bm-ratelimit-limit", str(limit[0]).encode()),
            (b"x-bm-ratelimit-reset", str(limit[1]).encode()),
            (b"x-bm-ratelimit-remaining", str(used).encode()),
        ]

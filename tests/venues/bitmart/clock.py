"""The venue's own clock, in milliseconds UTC: real with an offset, or standing still until it is moved."""

from __future__ import annotations

import time


class Clock:
    """Real time plus ``offset_ms``, or, once `set` was called, an instant that only `advance` moves."""

    def __init__(self, at_ms: int | None = None, offset_ms: int = 0) -> None:
        self._at_ms = at_ms
        self._offset_ms = offset_ms

    @property
    def manual(self) -> bool:
        return self._at_ms is not None

    def now_ms(self) -> int:
        if self._at_ms is not None:
            return self._at_ms
        return time.time_ns() // 1_000_000 + self._offset_ms

    def set(self, at_ms: int) -> None:
        """Stands still at ``at_ms`` from now on."""
        self._at_ms = at_ms

    def advance(self, by_ms: int) -> None:
        if self._at_ms is not None:
            self._at_ms += by_ms
        else:
            self._offset_ms += by_ms

    def run(self, offset_ms: int = 0) -> None:
        """Goes with real time again."""
        self._at_ms = None
        self._offset_ms = offset_ms

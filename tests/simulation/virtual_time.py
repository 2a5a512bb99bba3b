"""An event loop whose time passes only while everybody waits, and a venue clock that goes with it.

Nothing sleeps, nothing runs in a thread, and the order of everything is the same every time.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class NothingWillHappen(Exception):
    """Everybody waits for something that nobody will do."""


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Instead of blocking for a while, lets that while pass."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise NothingWillHappen("no task is ready, and none waits for a time")
        if timeout > 0:
            self.loop.pass_time(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at 0 seconds. What is sent to a thread is done at once."""

    def __init__(self) -> None:
        selector = _Selector()
        selector.loop = self
        self._now = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def pass_time(self, seconds: float) -> None:
        """Everything that was to happen meanwhile happens late: a machine that slept."""
        self._now += seconds

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class VirtualClock:
    """A venue's clock: ``start_ms`` at the loop's 0, and a jump ahead now and then.

    Satisfies `server.exchange.paper.clock.Clock`.
    """

    speed: float = 1.0

    def __init__(self, loop: VirtualLoop, start_ms: int) -> None:
        self._loop, self._start_ms = loop, start_ms
        self._jumped_ms = 0

    def now_ms(self) -> int:
        return self._start_ms + self._jumped_ms + round(self._loop.time() * 1000)

    def jump(self, ms: int) -> None:
        """The venue's clock is put ahead; it never goes back."""
        self._jumped_ms += ms

    def obstacle(self) -> str | None:
        return None

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

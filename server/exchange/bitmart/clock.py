"""The venue's clock as this process knows it: measured against ``/system/time``, carried on in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from server.exchange.bitmart.wire import VENUE
from server.exchange.errors import VenueUnavailable

log = structlog.get_logger(__name__)

REMEASURE_SEC = 300.0
"""How long a measurement is good for."""

_JUMP_SEC = 0.5
"""The two local clocks may differ by so much since the measurement before one of them is taken to have moved
(a clock that was set, or a machine that slept): then it is measured again."""

_QUICK_SEC = 0.05
_SAMPLES = 3
"""A sample is wrong by half its round trip at most: the first quick one is taken, else the quickest."""


@dataclass(frozen=True, slots=True)
class _Measured:
    venue_ms: float
    monotonic_sec: float
    wall_sec: float
    round_trip_sec: float


class VenueClock:
    """``ask`` returns the venue's ``server_time`` in ms, or raises `VenueUnavailable`."""

    def __init__(
        self,
        ask: Callable[[], Awaitable[int]],
        wall_sec: Callable[[], float],
        monotonic_sec: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._wall_sec = wall_sec
        self._monotonic_sec = monotonic_sec
        self._measured: _Measured | None = None
        self._turn = asyncio.Lock()

    @property
    def offset_ms(self) -> int | None:
        """How far the venue was ahead of the local wall clock when last measured; None before that."""
        known = self._measured
        return None if known is None else round(known.venue_ms - known.wall_sec * 1000)

    async def ready(self) -> None:
        """Measures where that is due. Raises `VenueUnavailable` only if there is nothing to go by."""
        if self._state() == "good":
            return
        async with self._turn:
            state = self._state()
            if state == "good":
                return
            try:
                await self._measure()
            except VenueUnavailable as error:
                if state != "old":
                    raise
                log.warning("bitmart.clock_not_measured", detail=error.detail)

    async def measure(self) -> None:
        """Measures now. Raises `VenueUnavailable`."""
        async with self._turn:
            await self._measure()

    def now_ms(self) -> int:
        """The venue's clock. Raises `VenueUnavailable` before the first measurement."""
        known = self._measured
        if known is None:
            raise VenueUnavailable(VENUE, "time", "its clock has not been measured yet")
        return int(known.venue_ms + (self._monotonic_sec() - known.monotonic_sec) * 1000)

    def _state(self) -> str:
        known = self._measured
        if known is None:
            return "none"
        elapsed = self._monotonic_sec() - known.monotonic_sec
        if abs(self._wall_sec() - known.wall_sec - elapsed) > _JUMP_SEC:
            return "jumped"
        return "old" if elapsed >= REMEASURE_SEC else "good"

    async def _measure(self) -> None:
        """Takes the venue's stamp as made half way between asking and hearing."""
        best: _Measured | None = None
        for _ in range(_SAMPLES):
            began = self._monotonic_sec()
            stamp = await self._ask()
            heard = self._monotonic_sec()
            sample = _Measured(stamp + (heard - began) * 500, heard, self._wall_sec(), heard - began)
            if best is None or sample.round_trip_sec < best.round_trip_sec:
                best = sample
            if best.round_trip_sec <= _QUICK_SEC:
                break
        self._measured = best
        log.debug("bitmart.clock_measured", offset_ms=self.offset_ms)

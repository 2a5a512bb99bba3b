"""A running clock that every process with the same ledger reads alike, and that a restart continues.

The ledger has the anchor: when, by the clock of this world, the venue's clock was at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from server.exchange.paper.clock import RunningClock
from server.exchange.paper.errors import SessionInUse
from server.exchange.paper.state import Session, State
from server.instants import iso

Others = Literal["nobody", "perhaps", "somebody"]
"""Whether another process is in the kept session: ``perhaps`` one that has died a moment ago."""


class SharedClock:
    """Makes running clocks out of anchors. ``unix`` gives seconds since 1970, ``monotonic`` any seconds.

    ``start_ms`` None begins no session: it only follows those of others.
    """

    def __init__(
        self,
        start_ms: int | None,
        end_ms: int,
        speed: float,
        monotonic: Callable[[], float],
        unix: Callable[[], float],
    ) -> None:
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._speed = speed
        self._monotonic = monotonic
        self._unix = unix
        self._session: Session | None = None
        self._clock: RunningClock | None = None

    @property
    def session(self) -> Session | None:
        """The session whose clock was read last; None before any has begun."""
        return self._session

    def begin(
        self,
        kept: State,
        opening: State,
        *,
        others: Others = "nobody",
        adopts: bool = False,
        awaited: bool = False,
    ) -> tuple[RunningClock, State, str]:
        """The clock, the state to keep and one sentence about it: ``kept`` goes on, or ``opening`` begins.

        A session that somebody is in is never given up, nor one that has something at stake, or from which
        something is ``awaited``, as long as start and speed are the same; ``adopts`` takes it as it is,
        whatever its start and speed. Raises `SessionInUse` where another would have to begin under it, or may
        have to.
        """
        session, begins = kept.session, self._start_ms
        if session is not None and self._running(session).obstacle() is None:
            same = (session.start_ms, session.speed) == (self._start_ms, self._speed)
            if adopts or (same and (kept.at_stake or awaited or others == "somebody")):
                clock = self._running(session)
                note = (
                    f"the paper session that began at {iso(session.start_ms)} goes on at "
                    f"{iso(clock.now_ms())} with {_stakes(kept)}"
                )
                return clock, kept, note
            if others != "nobody":
                raise SessionInUse(
                    f"another process is in the paper session that began at {iso(session.start_ms)} "
                    f"at speed {session.speed:g}, with {_stakes(kept)}: take the same start and speed, "
                    "or stop that process first"
                )
        if begins is None:
            raise ValueError("a clock without a start begins no session")
        began = int(self._unix() * 1000)
        opening.session = Session(begins, self._speed, began)
        opening.matched_ms = begins
        note = f"a paper session begins at {iso(begins)} with {opening.cash_usdt} USDT"
        if kept.at_stake:
            note += f"; the one before is given up with {_stakes(kept)}"
        return self._running(opening.session), opening, note

    def follow(self, state: State) -> RunningClock:
        """The clock of the session that ``state`` is of. Raises `RuntimeError` before any has begun."""
        if state.session is None:
            raise RuntimeError("the paper venue has to be opened before it is used: await venue.open()")
        return self._running(state.session)

    def _running(self, session: Session) -> RunningClock:
        # The same session keeps its clock: the clock of this world may be set back, the one here may not.
        if self._clock is None or session != self._session:
            ago = self._unix() - session.began_unix_ms / 1000
            began = self._monotonic() - ago
            self._clock = RunningClock(session.start_ms, self._end_ms, session.speed, self._monotonic, began)
            self._session = session
        return self._clock


def _stakes(state: State) -> str:
    orders, positions = len(state.open_orders), len(state.positions)
    return f"{orders} open order{'s' * (orders != 1)} and {positions} position{'s' * (positions != 1)}"

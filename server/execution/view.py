"""What one look of the guardian sees, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.exchange.port import OpenOrder, Position
from server.exchange.trading import TriggerOrder
from server.execution.holding import Held, held_of
from server.orders.intent import Intent

Place = tuple[str, str]
"""Symbol and side."""


@dataclass(slots=True)
class Report:
    """What one look came to. ``unanswered`` says what the venue or the database did not tell, ``broken`` what
    could not be looked after.
    """

    positions: int = 0
    unprotected: list[str] = field(default_factory=list[str])
    unsettled: list[str] = field(default_factory=list[str])
    adopted: list[str] = field(default_factory=list[str])
    cancelled: list[str] = field(default_factory=list[str])
    closed: list[str] = field(default_factory=list[str])
    foreign: list[str] = field(default_factory=list[str])
    unanswered: list[str] = field(default_factory=list[str])
    broken: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class View:
    """One reading of database and venue. ``running``: decision keys that workflows pursue; None where that is
    not known. ``own``: places of everything here that is under way and can be read; ``taken``: of all.
    """

    intents: Sequence[Intent]
    own: frozenset[Place]
    taken: frozenset[Place]
    running: frozenset[str] | None
    orders: Sequence[OpenOrder]
    positions: Sequence[Position]
    triggers: Sequence[TriggerOrder]

    def held(self, intent: Intent) -> Held:
        """What the venue has where this intent is."""
        return held_of(intent.symbol, intent.side, self.positions, self.triggers)

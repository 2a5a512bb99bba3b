"""What the venue has of one symbol and side: the position, and the triggers that wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.models.base import Side
from server.exchange.errors import ExchangeError
from server.exchange.port import Position
from server.exchange.trading import TriggerOrder
from server.execution.desk import Desk, progress_of, ticket_of
from server.orders.intent import Intent


@dataclass(frozen=True, slots=True)
class Held:
    """What the venue has of one symbol and side."""

    position: Position | None
    triggers: Sequence[TriggerOrder]

    @property
    def stops(self) -> list[TriggerOrder]:
        return [trigger for trigger in self.triggers if trigger.kind == "stop_loss"]

    @property
    def covered(self) -> bool:
        """Whether stops stand for all of the position."""
        if self.position is None or any(stop.size is None for stop in self.stops):
            return True
        return sum((stop.size or Decimal(0) for stop in self.stops), Decimal(0)) >= self.position.size


async def held(desk: Desk, symbol: str, side: Side, max_age_ms: int = 0) -> Held:
    """Raises ``VenueUnavailable`` where the venue does not say."""
    positions = await desk.sightings.positions(max_age_ms)
    return held_of(symbol, side, positions, await desk.sightings.triggers(max_age_ms))


def held_of(symbol: str, side: Side, positions: Sequence[Position], triggers: Sequence[TriggerOrder]) -> Held:
    """What there is of one symbol and side among all."""
    own = [p for p in positions if (p.symbol, p.side) == (symbol, side)]
    return Held(own[0] if own else None, [t for t in triggers if (t.symbol, t.side) == (symbol, side)])


async def closed_already(desk: Desk, intent: Intent) -> bool:
    """Whether the venue shows executions that closed as much as the entry filled."""
    ticket, progress = ticket_of(intent), progress_of(intent)
    try:
        fills = await desk.venue.fills(ticket.symbol, progress.first_fill_at or intent.created_at)
    except ExchangeError:
        return False
    closed = sum((f.size for f in fills if f.closes and f.side == ticket.side), Decimal(0))
    return closed >= progress.filled > 0

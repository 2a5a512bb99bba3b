"""Open positions: what the venue has, which order opened each, and whether its stop stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.exchange.port import Position
from server.exchange.trading import TriggerOrder
from server.execution.desk import Desk
from server.execution.holding import held_of
from server.instants import iso
from server.orders.intent import Intent
from server.overview.shapes import PositionEntry, Positions
from server.trade_entry.quantise import plain


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """``intent`` is what opened it; None: nobody here did. ``covered``: stops stand for all of it."""

    position: Position
    triggers: Sequence[TriggerOrder]
    covered: bool
    intent: Intent | None


async def open_positions(desk: Desk) -> Sequence[OpenPosition]:
    """Raises ``VenueUnavailable`` where the venue does not say, ``OrdersUnavailable``."""
    positions = await desk.sightings.positions()
    triggers = await desk.sightings.triggers()
    intents = await desk.orders.under_way(desk.venue.name, desk.account)
    by_place = {(intent.symbol, intent.side): intent for intent in intents}
    found: list[OpenPosition] = []
    for position in positions:
        held = held_of(position.symbol, position.side, positions, triggers)
        intent = by_place.get((position.symbol, position.side))
        found.append(OpenPosition(position, held.triggers, held.covered, intent))
    return found


async def positions_json(desk: Desk) -> Positions:
    """All of them at this instant. Raises as `open_positions`."""
    found = await open_positions(desk)
    return {
        "exchange": desk.venue.name,
        "account": desk.account,
        "at": iso(await desk.now()),
        "positions": [_json(one) for one in found],
    }


def _json(one: OpenPosition) -> PositionEntry:
    position, intent = one.position, one.intent
    liquidation = position.liquidation_price
    prices = {
        kind: [plain(t.trigger_price) for t in one.triggers if t.kind == kind]
        for kind in ("stop_loss", "take_profit")
    }
    return {
        "symbol": position.symbol,
        "side": position.side,
        "size": plain(position.size),
        "entry_price": plain(position.entry_price),
        "mark_price": plain(position.mark_price),
        "leverage": position.leverage,
        "margin_usdt": plain(position.margin_usdt),
        "unrealised_pnl_usdt": plain(position.unrealised_pnl_usdt),
        "liquidation_price": None if liquidation is None else plain(liquidation),
        "opened_at": iso(position.opened_at_ms),
        "unprotected": not one.covered,
        "stops": prices["stop_loss"],
        "take_profits": prices["take_profit"],
        "client_order_id": None if intent is None else intent.client_order_id,
        "state": None if intent is None else intent.state,
    }

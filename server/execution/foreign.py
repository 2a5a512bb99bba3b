"""Positions that nobody here opened."""

from __future__ import annotations

from decimal import Decimal

from server.exchange.port import Contract, Position
from server.exchange.trading import Accepted, TriggerRequest
from server.execution.desk import MS, Desk
from server.execution.names import order_name
from server.trade_entry.quantise import ceil_to, floor_to, plain


async def protect_foreign(desk: Desk, position: Position, stop_ratio: Decimal) -> None:
    """Gives it a stop ``stop_ratio`` away from its entry, or from the mark price where that is worse already.

    Raises ``VenueUnavailable`` where the venue does not say on which ticks.
    """
    contract = (await desk.venue.contracts()).get(position.symbol)
    facts = {"symbol": position.symbol, "side": position.side}
    if not isinstance(contract, Contract):
        desk.alarm("unprotected", **facts, detail="the venue does not specify its contract")
        return
    if position.side == "long":
        base = min(position.entry_price, position.mark_price)
        price = floor_to(base * (1 - stop_ratio), contract.tick_size)
    else:
        base = max(position.entry_price, position.mark_price)
        price = ceil_to(base * (1 + stop_ratio), contract.tick_size)
    owner = f"foreign:{desk.venue.name}:{desk.account}:{position.symbol}:{position.side}"
    outcome = await desk.venue.place_trigger(
        TriggerRequest(
            symbol=position.symbol,
            client_order_id=order_name(f"{owner}:{position.opened_at_ms}", "stop", await desk.now() // MS),
            kind="stop_loss",
            side=position.side,
            trigger_price=price,
            size=None,
        )
    )
    desk.count("stop", outcome)
    placed = isinstance(outcome, Accepted)
    desk.alarm("position_without_owner", **facts, stop=plain(price), placed=placed)

"""What the venue has and no intent answers for: entry orders, positions, triggers. Made safe, and recorded.

Where an intent once had it, its journey says what was done; otherwise an action of the guardian does.
"""

from __future__ import annotations

from decimal import Decimal

from server.exchange.port import Contract, OpenOrder, Position
from server.exchange.trading import Accepted, Outcome, TriggerOrder, TriggerRequest
from server.execution.desk import MS, Change, Desk, event
from server.execution.names import order_name
from server.orders.errors import ChangedMeanwhile, NoSuchOrder
from server.orders.intent import FINAL, Intent
from server.orders.operator import GUARDIAN
from server.trade_entry.quantise import ceil_to, floor_to, plain

TRIES = 3
"""How often an event is appended to a journey that others write to at the same time."""


async def cancel_ownerless(desk: Desk, order: OpenOrder) -> bool:
    """Cancels an entry order of ours that can still fill, though its intent is done or was never here; False
    where its intent has not ended. Raises ``OrdersUnavailable``.
    """
    intent = await _owner(desk, order.client_order_id)
    if intent is not None and intent.state not in FINAL and intent.state != "open":
        return False
    outcome = await desk.venue.cancel(order.symbol, order.client_order_id)
    desk.count("cancel", outcome)
    desk.alarm("order_without_owner", symbol=order.symbol, client_order_id=order.client_order_id)
    facts = {"client_order_id": order.client_order_id, **_answer(outcome)}
    if intent is not None:
        await _tell(desk, intent, "the entry was done without it", facts)
        return True
    facts |= {"exchange": desk.venue.name, "symbol": order.symbol, "side": order.side}
    reason = "an entry order that no decision here has"
    await desk.orders.act("cancel", order.client_order_id, actor=GUARDIAN, reason=reason, details=facts)
    return True


async def protect_foreign(desk: Desk, position: Position, stop_ratio: Decimal) -> bool:
    """Gives a position that nobody here opened a stop ``stop_ratio`` away from its entry, or from the mark
    price where that is worse already; whether it has one now.

    Raises ``VenueUnavailable`` where the venue does not say on which ticks, ``OrdersUnavailable``.
    """
    contract = (await desk.venue.contracts()).get(position.symbol)
    facts = {"symbol": position.symbol, "side": position.side}
    if not isinstance(contract, Contract):
        desk.alarm("unprotected", **facts, detail="the venue does not specify its contract")
        return False
    if position.side == "long":
        base = min(position.entry_price, position.mark_price)
        price = floor_to(base * (1 - stop_ratio), contract.tick_size)
    else:
        base = max(position.entry_price, position.mark_price)
        price = ceil_to(base * (1 + stop_ratio), contract.tick_size)
    owner = f"foreign:{desk.venue.name}:{desk.account}:{position.symbol}:{position.side}"
    name = order_name(f"{owner}:{position.opened_at_ms}", "stop", await desk.now() // MS)
    outcome = await desk.venue.place_trigger(
        TriggerRequest(
            symbol=position.symbol,
            client_order_id=name,
            kind="stop_loss",
            side=position.side,
            trigger_price=price,
            size=None,
        )
    )
    desk.count("stop", outcome)
    placed = isinstance(outcome, Accepted)
    desk.alarm("position_without_owner", **facts, stop=plain(price), placed=placed)
    details = {"exchange": desk.venue.name, "client_order_id": name, "stop": plain(price), **_answer(outcome)}
    reason = "a position without a stop that no decision here has"
    subject = f"{position.symbol} {position.side}"
    await desk.orders.act("protect_position", subject, actor=GUARDIAN, reason=reason, details=details)
    return placed


async def cancel_left_over(desk: Desk, trigger: TriggerOrder) -> None:
    """Takes away a trigger of ours whose position is gone: it would count as the stop of the next one.

    Raises ``OrdersUnavailable``.
    """
    outcome = await desk.venue.cancel_trigger(trigger)
    desk.count("cancel", outcome)
    desk.alarm("trigger_without_position", symbol=trigger.symbol, client_order_id=trigger.client_order_id)
    facts = {"client_order_id": trigger.client_order_id, "trigger": trigger.kind, **_answer(outcome)}
    intent = await _owner(desk, trigger.client_order_id)
    if intent is not None:
        await _tell(desk, intent, "its position is gone", facts)
        return
    facts |= {"exchange": desk.venue.name, "symbol": trigger.symbol, "side": trigger.side}
    reason = "a trigger of a position that is gone"
    name = trigger.client_order_id
    await desk.orders.act("cancel_trigger", name, actor=GUARDIAN, reason=reason, details=facts)


async def _owner(desk: Desk, client_order_id: str) -> Intent | None:
    try:
        return await desk.orders.by_name(client_order_id)
    except NoSuchOrder:
        return None


async def _tell(desk: Desk, intent: Intent, cause: str, facts: dict[str, str]) -> None:
    """Appends to the journey of an intent, whatever others write to it meanwhile."""
    for _ in range(TRIES):
        told = event("cancelling", await desk.now(), cause=cause, **facts)
        try:
            await desk.write(intent, Change(events=(told,)))
        except ChangedMeanwhile:
            intent = await desk.intent(intent.decision_key)
        else:
            return


def _answer(outcome: Outcome) -> dict[str, str]:
    told = {"outcome": type(outcome).__name__.lower()}
    return told if isinstance(outcome, Accepted) else told | {"detail": outcome.detail}

"""State ``recorded``: the leverage, then the order. Nothing leaves that was not written down before."""

from __future__ import annotations

from decimal import Decimal

from server.exchange.errors import ExchangeError
from server.exchange.trading import Accepted, EntryOrder, Refused, TimeInForce
from server.execution.converting import conversion
from server.execution.desk import Change, Desk, cool_down, event, progress_of, ticket_of
from server.execution.ending import Reason, stay
from server.execution.names import order_name
from server.execution.progress import Attempt, Progress
from server.execution.settling import take
from server.orders.errors import TradingHalted
from server.orders.intent import Intent
from server.orders.reasons import ExecutionReason, GuardReason
from server.trade_entry.entry_price import maker_price
from server.trade_entry.quantise import floor_to
from server.trade_entry.ticket import Ticket

LEVERAGE_TRIES = 3
RETRY_SEC = 0.5


async def send(desk: Desk, intent: Intent) -> Intent:
    """One step: the leverage is set, or an order leaves, or there is a reason why none does."""
    ticket, progress, now = ticket_of(intent), progress_of(intent), await desk.now()
    forbidden = await _forbidden(desk, ticket, progress, now)
    if forbidden is not None:
        return await stay(desk, intent, forbidden, now)
    if not progress.leverage_set:
        return await _set_leverage(desk, intent, ticket, progress)
    try:
        return await _leave(desk, intent, ticket, progress, now)
    except TradingHalted:
        # Since it was asked above: a book was fetched meanwhile, perhaps.
        return await stay(desk, intent, GuardReason.TRADING_HALTED, await desk.now())


async def _leave(desk: Desk, intent: Intent, ticket: Ticket, progress: Progress, now: int) -> Intent:
    """Sends the newest attempt again, or the next one. Raises ``TradingHalted``: nothing has left."""
    if progress.current is not None and not progress.current.done:
        return await _transmit(desk, await _again(desk, intent, progress, now))
    planned = await _next(desk, ticket, progress, now)
    if planned is None:
        converting = progress.cancelling is not None
        reason = ExecutionReason.LIMIT_SUBMIT_REFUSED
        if converting:
            reason = ExecutionReason.CANCEL_AFTER_TIMEOUT
        return await stay(desk, intent, reason, now, detail="no price is left that the plan allows")
    return await _transmit(desk, await _first(desk, intent, progress, planned, now))


async def _first(desk: Desk, intent: Intent, progress: Progress, planned: Planned, now: int) -> Intent:
    """Writes down that another attempt leaves, under a name of its own."""
    price, size, time_in_force = planned
    number = len(progress.attempts)
    attempt = Attempt(
        name=order_name(intent.decision_key, "entry", number),
        price=price,
        size=size,
        time_in_force=time_in_force,
        attached=desk.venue.attaches_protection and progress.filled == 0,
        sent_at=now,
    )
    facts = {"price": price, "size": size, "time_in_force": time_in_force}
    return await desk.write(
        intent,
        Change(
            state="submitting",
            attempt=number,
            progress=progress.with_(attempts=(*progress.attempts, attempt), cancelling=None),
            names=((attempt.name, "entry", number),),
            events=(event("submitting", now, client_order_id=attempt.name, **facts),),
        ),
    )


async def _again(desk: Desk, intent: Intent, progress: Progress, now: int) -> Intent:
    """Writes down that the newest attempt leaves once more, under the same name."""
    attempt = progress.attempts[-1]
    sends = attempt.sends + 1
    return await desk.write(
        intent,
        Change(
            state="submitting",
            progress=progress.with_current(sends=sends, sent_at=now),
            events=(event("submitting", now, client_order_id=attempt.name, send=sends),),
        ),
    )


async def _transmit(desk: Desk, intent: Intent) -> Intent:
    """Sends the newest attempt, which is written down, and takes the answer."""
    ticket, attempt = ticket_of(intent), progress_of(intent).attempts[-1]
    outcome = await desk.venue.submit(
        EntryOrder(
            symbol=ticket.symbol,
            client_order_id=attempt.name,
            side=ticket.side,
            type="limit",
            size=attempt.size,
            price=attempt.price,
            time_in_force=attempt.time_in_force,
            leverage=ticket.leverage,
            margin_mode=ticket.execution.margin_mode,
            stop_loss=ticket.stop if attempt.attached else None,
            take_profit=ticket.targets[0].price if attempt.attached and len(ticket.targets) == 1 else None,
        )
    )
    desk.tell("submit", intent, outcome)
    return await take(desk, intent, outcome)


async def _forbidden(desk: Desk, ticket: Ticket, progress: Progress, now: int) -> Reason | None:
    """What has come up since the plan was made. The rest of an order that has rested is not a new signal."""
    if not desk.may_change:
        return ExecutionReason.LIVE_NOT_ENABLED
    if (await desk.orders.halted()).halted:
        return GuardReason.TRADING_HALTED
    if progress.cancel_requested is not None:
        return ExecutionReason.CANCELLED_BY_OPERATOR
    if progress.cancelling is not None and progress.cancelling.cause == "workflow_failed":
        return ExecutionReason.WORKFLOW_FAILED
    if ticket.leverage < 1:
        return ExecutionReason.LEVERAGE_BELOW_MIN
    if not progress.acknowledged and now > ticket.signal_expires_at_ms:
        return ExecutionReason.SIGNAL_EXPIRED
    return None


async def _set_leverage(desk: Desk, intent: Intent, ticket: Ticket, progress: Progress) -> Intent:
    """Asking twice is the same as asking once, so what is not known is simply asked again."""
    detail = ""
    for tried in range(LEVERAGE_TRIES):
        if tried:
            await desk.venue.wait(RETRY_SEC * tried)
        outcome = await desk.venue.set_leverage(ticket.symbol, ticket.leverage, ticket.execution.margin_mode)
        desk.tell("leverage", intent, outcome)
        if isinstance(outcome, Accepted):
            told = event("leverage_set", await desk.now(), leverage=ticket.leverage)
            return await desk.write(
                intent, Change(progress=progress.with_(leverage_set=True), events=(told,))
            )
        detail = outcome.detail
        if isinstance(outcome, Refused) and outcome.cause != "not_sent":
            break
    now = await desk.now()
    changed = await desk.write(
        intent,
        Change(
            state="refused",
            status="error",
            reason=ExecutionReason.LEVERAGE_SUBMIT_FAILED,
            hold=cool_down(intent, "cancelled", now),
            events=(event("leverage_refused", now, leverage=ticket.leverage, detail=detail),),
        ),
    )
    desk.answer(intent.decision_key)
    return changed


Planned = tuple[Decimal, Decimal, TimeInForce]


async def _next(desk: Desk, ticket: Ticket, progress: Progress, now: int) -> Planned | None:
    """Price, size and life of the next attempt; None where no price is left that the plan allows."""
    size = floor_to(ticket.size - progress.filled, ticket.size_step)
    if not progress.attempts:
        return ticket.price, size, ticket.time_in_force
    try:
        book = await desk.sightings.book(ticket.symbol, 0)
    except ExchangeError:
        return None
    if progress.cancelling is not None and progress.cancelling.cause == "converted":
        found = conversion(ticket, progress, book, now)
        return None if found is None else (found.price, found.size, "ioc")
    price = maker_price(ticket.side, book, ticket.tick_size, ticket.inside_ticks)
    return (price, size, ticket.time_in_force) if ticket.zone_low <= price <= ticket.zone_high else None

"""State ``recorded``: the leverage, then the order. Nothing leaves that was not written down before."""

from __future__ import annotations

from decimal import Decimal

from server.exchange.errors import ExchangeError
from server.exchange.trading import Accepted, EntryOrder, Refused, TimeInForce
from server.execution.converting import conversion, rest_of
from server.execution.desk import Change, Desk, cool_down, event, progress_of, ticket_of
from server.execution.ending import stay
from server.execution.leaving import SUBMISSION, forbidden
from server.execution.names import order_name
from server.execution.progress import Attempt, Progress
from server.execution.settling import take
from server.orders.errors import TradingHalted
from server.orders.intent import Intent
from server.orders.reasons import ExecutionReason
from server.trade_entry.end_of_zone import NoConversion
from server.trade_entry.requote import NoRequote, requote
from server.trade_entry.ticket import Ticket

LEVERAGE_TRIES = 3
RETRY_SEC = 0.5


async def send(desk: Desk, intent: Intent) -> Intent:
    """One step: the leverage is set, or an order leaves, or there is a reason why none does."""
    ticket, progress, now = ticket_of(intent), progress_of(intent), await desk.now()
    if progress.cancelling is not None and progress.cancelling.cause == "workflow_failed":
        return await stay(desk, intent, ExecutionReason.WORKFLOW_FAILED, now)  # nobody would follow it
    out = await forbidden(desk, intent, now)
    if out is not None:
        facts = dict(out.facts)
        return await stay(desk, intent, out.reason, now, status=out.status, stage=SUBMISSION, context=facts)
    if not progress.leverage_set:
        return await _set_leverage(desk, intent, ticket, progress)
    try:
        return await _leave(desk, intent, ticket, progress, now)
    except TradingHalted:
        # Since the gate was asked: a book was fetched meanwhile, perhaps. Asked again, it says so.
        return await send(desk, intent)


async def _leave(desk: Desk, intent: Intent, ticket: Ticket, progress: Progress, now: int) -> Intent:
    """Sends the newest attempt again, or the next one. Raises ``TradingHalted``: nothing has left."""
    if progress.current is not None and not progress.current.done:
        return await _transmit(desk, await _again(desk, intent, progress, now))
    planned = await next_attempt(desk, ticket, progress, now)
    if isinstance(planned, str):
        converting = progress.cancelling is not None
        reason = ExecutionReason.LIMIT_SUBMIT_REFUSED
        if converting:
            reason = ExecutionReason.CANCEL_AFTER_TIMEOUT
        return await stay(
            desk, intent, reason, now, detail=f"no price is left that the plan allows: {planned}"
        )
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


async def next_attempt(desk: Desk, ticket: Ticket, progress: Progress, now: int) -> Planned | str:
    """Price, size and life of the next attempt; or why no price is left that the plan allows."""
    if not progress.attempts:
        return ticket.price, ticket.size, ticket.time_in_force
    try:
        book = await desk.sightings.book(ticket.symbol, 0)
    except ExchangeError:
        return "no_market"
    if progress.cancelling is not None and progress.cancelling.cause == "converted":
        found = conversion(ticket, progress, book, now)
        return found.obstacle if isinstance(found, NoConversion) else (found.price, found.size, "ioc")
    asked = requote(ticket, book, rest_of(ticket, progress))
    return asked.obstacle if isinstance(asked, NoRequote) else (asked.price, asked.size, ticket.time_in_force)

"""State ``closing``, and what is known of a position that is no more."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from server.exchange.errors import ExchangeError
from server.exchange.trading import ClosingOrder, Fill, Refused
from server.execution.desk import Change, Desk, cool_down, event, progress_of, ticket_of
from server.execution.holding import held
from server.execution.names import order_name
from server.orders.intent import Intent
from server.orders.reasons import ExecutionReason
from server.trade_entry.ticket import Ticket

LOOK_SEC = 0.5

SLOWEST_SEC = 30.0
"""A closing order that the venue does not take is sent again at last so seldom."""

ALARM_FROM = 3
"""From the so-manieth time on that the venue does not take the closing order, each one is an alarm."""


async def close(desk: Desk, intent: Intent) -> Intent:
    """One try to close the position at the market; the next follows until the venue shows none, later and
    later while the venue does not take it.
    """
    intent = await _stop_entering(desk, intent)
    ticket, progress = ticket_of(intent), progress_of(intent)
    found = await held(desk, ticket.symbol, ticket.side)
    if found.position is None and (progress.current is None or progress.current.done):
        return await finish(desk, intent)
    if found.position is None:
        await desk.venue.wait(LOOK_SEC)
        return intent
    number = progress.names
    name = order_name(intent.decision_key, "close", number)
    intent = await desk.write(
        intent, Change(progress=progress.with_(names=number + 1), names=((name, "close", number),))
    )
    outcome = await desk.venue.close(
        ClosingOrder(symbol=ticket.symbol, client_order_id=name, side=ticket.side, size=found.position.size)
    )
    desk.tell("close", intent, outcome)
    tries = progress.close_tries + 1 if isinstance(outcome, Refused) else 0
    if tries != progress.close_tries:
        intent = await desk.write(intent, Change(progress=progress_of(intent).with_(close_tries=tries)))
    if tries >= ALARM_FROM:
        facts = {"decision_key": intent.decision_key, "symbol": intent.symbol}
        desk.alarm("not_closed", **facts, tries=tries, detail=getattr(outcome, "detail", ""))
    await desk.venue.wait(min(LOOK_SEC * 2 ** max(0, tries - 1), SLOWEST_SEC))
    return intent


async def _stop_entering(desk: Desk, intent: Intent) -> Intent:
    """What still waits of the entry must not open again what is being closed; a venue that does not say how
    it stands keeps nobody from closing what there is.
    """
    progress = progress_of(intent)
    attempt = progress.current
    if attempt is None or attempt.done:
        return intent
    desk.tell("cancel", intent, await desk.venue.cancel(intent.symbol, attempt.name))
    try:
        seen = await desk.venue.order(intent.symbol, attempt.name)
    except ExchangeError:
        return intent
    if seen is not None and seen.status == "open":
        return intent
    done = progress.with_current(done=True)
    if seen is not None:
        done = done.with_current(filled=seen.filled_size, average=seen.average_price)
    return await desk.write(intent, Change(progress=done))


async def finish(desk: Desk, intent: Intent) -> Intent:
    """The position is no more: how it ended, what it brought, and the cool-down that follows.

    Raises ``VenueUnavailable`` where the venue does not say how: it is asked again.
    """
    ticket, progress, now = ticket_of(intent), progress_of(intent), await desk.now()
    since = progress.first_fill_at or intent.created_at
    fills = [f for f in await desk.venue.fills(ticket.symbol, since) if f.side == ticket.side]
    closes = [fill for fill in fills if fill.closes]
    closed_at = closes[-1].at_ms if closes else now
    pnl = sum((fill.realised_pnl_usdt for fill in closes), Decimal(0))
    fees = sum((fill.fee_usdt for fill in fills), Decimal(0))
    net = pnl - fees
    cause = _cause(ticket, progress.close_cause, progress.stop, closes)
    size = sum((fill.size for fill in closes), Decimal(0))
    average = sum((fill.price * fill.size for fill in closes), Decimal(0)) / size if size else None
    told = event(
        "closed",
        closed_at,
        cause=str(cause),
        price=None if average is None else round(average, 8),
        size=size,
        realised_pnl_usdt=pnl,
        fees_usdt=fees,
        net_usdt=net,
    )
    since_ms = progress.unprotected_since
    if since_ms is not None:
        desk.metrics.unprotected(desk.venue.name, max(0, closed_at - since_ms) / 1000)
    return await desk.write(
        intent,
        Change(
            state="closed",
            reason=intent.reason or cause,
            progress=progress.with_(unprotected_since=None),
            hold=cool_down(intent, "stopped_out" if net < 0 else "submitted", closed_at),
            events=(told,),
        ),
    )


def _cause(
    ticket: Ticket, given: str | None, stop: Decimal | None, closes: Sequence[Fill]
) -> ExecutionReason:
    """What closed it: what we meant to do, else the level that the last price is nearest to."""
    if given is not None:
        return ExecutionReason(given)
    if not closes:
        return ExecutionReason.POSITION_CLOSED_EXTERNALLY
    last = closes[-1].price
    near = abs(ticket.entry - ticket.stop) / 4
    stopped = abs(last - (stop or ticket.stop))
    taken = min(abs(last - target.price) for target in ticket.targets)
    if min(stopped, taken) > near:
        beyond = last < ticket.stop if ticket.side == "long" else last > ticket.stop
        return ExecutionReason.POSITION_CLOSED_STOP if beyond else ExecutionReason.POSITION_CLOSED_EXTERNALLY
    if stopped < taken:
        return ExecutionReason.POSITION_CLOSED_STOP
    return ExecutionReason.POSITION_CLOSED_TAKE_PROFIT

"""State ``resting``: one watcher of an entry order, from its acceptance until nothing of it can fill."""

from __future__ import annotations

from server.exchange.errors import ExchangeError
from server.exchange.trading import OrderState
from server.execution.converting import conversion
from server.execution.desk import MS, Change, Desk, cool_down, event, identity, progress_of, ticket_of
from server.execution.progress import CancelCause, Cancelling, Progress
from server.execution.protection import protect
from server.execution.settling import MARGIN_MS, requote
from server.orders.intent import Intent
from server.orders.reasons import ExecutionReason, GuardReason
from server.trade_entry.end_of_zone import Conversion
from server.trade_entry.ticket import Ticket

BOOK_EVERY_MS = 5000
"""How often the price is held against the zone, unless the profile asks for less than twice that."""

ASK_AGAIN_MS = 5000
"""A cancellation that has not come into effect is asked for again after so long."""

AT_ONCE_MS = 2000
"""A post-only order that the venue ends so soon after it came was refused its price."""

_REASONS: dict[CancelCause, ExecutionReason | GuardReason] = {
    "cancel_after_timeout": ExecutionReason.CANCEL_AFTER_TIMEOUT,
    "cancelled_out_of_zone": ExecutionReason.CANCELLED_OUT_OF_ZONE,
    "cancelled_zone_expired": ExecutionReason.CANCELLED_ZONE_EXPIRED,
    "cancelled_by_operator": ExecutionReason.CANCELLED_BY_OPERATOR,
    "trading_halted": GuardReason.TRADING_HALTED,
    "market_order_fill_timeout": ExecutionReason.MARKET_ORDER_FILL_TIMEOUT,
    "workflow_failed": ExecutionReason.WORKFLOW_FAILED,
    "converted": ExecutionReason.CANCEL_AFTER_TIMEOUT,
}

_FAILED = (ExecutionReason.LOST_AT_VENUE, ExecutionReason.WORKFLOW_FAILED)
"""An entry that came to nothing for one of these is an error."""


def look_every_sec(ticket: Ticket) -> float:
    """How often a waiting order is looked at: as the profile says, and twice within its shortest time."""
    return min(float(ticket.execution.poll_sec), _shortest_sec(ticket) / 2)


def _book_every_ms(ticket: Ticket) -> int:
    return min(BOOK_EVERY_MS, _shortest_sec(ticket) * MS // 2)


def _shortest_sec(ticket: Ticket) -> int:
    """The shortest time within which something is to be seen of the price."""
    outside, end = ticket.execution.out_of_zone_sec, ticket.end_of_zone
    return min(outside, end.ttl_threshold_sec) if end.enabled else outside


async def look(desk: Desk, intent: Intent) -> Intent:
    """One look at the order, and what follows from it. Unchanged: wait, and look again.

    Raises ``VenueUnavailable`` where the venue does not show the order.
    """
    ticket, progress, now = ticket_of(intent), progress_of(intent), await desk.now()
    attempt = progress.attempts[-1]
    fresh = int(look_every_sec(ticket) * MS / 2)
    seen = await desk.sightings.order(intent.symbol, attempt.name, fresh)
    if seen is None:
        if now - attempt.sent_at <= desk.venue.receive_window_ms + MARGIN_MS:
            return intent
        desk.alarm("order_lost", **identity(intent), attempt=attempt.name)
        return await _done(desk, intent, now, ExecutionReason.LOST_AT_VENUE)
    if seen.filled_size > attempt.filled:
        intent = await _filled(desk, intent, seen, now)
    if progress_of(intent).unprotected_since is not None:
        intent = await protect(desk, intent)
        if intent.state != "resting":
            return intent
        now = await desk.now()
    if seen.status == "closed":
        return await _closed(desk, intent, seen, now)
    return await _go_on(desk, intent, now)


async def _filled(desk: Desk, intent: Intent, seen: OrderState, now: int) -> Intent:
    progress = progress_of(intent)
    filled_at = min(max(seen.updated_at_ms, seen.created_at_ms), now)
    changed = progress.with_current(filled=seen.filled_size, average=seen.average_price)
    told = event(
        "filled",
        filled_at,
        filled=changed.filled,
        of=ticket_of(intent).size,
        price=None if seen.average_price is None else round(seen.average_price, 8),
    )
    changed = changed.with_(
        first_fill_at=progress.first_fill_at or filled_at,
        unprotected_since=progress.unprotected_since or filled_at,
    )
    return await desk.write(intent, Change(progress=changed, events=(told,)))


async def _closed(desk: Desk, intent: Intent, seen: OrderState, now: int) -> Intent:
    """Nothing more of this attempt can fill."""
    ticket, progress = ticket_of(intent), progress_of(intent)
    attempt, cancelling = progress.attempts[-1], progress.cancelling
    if cancelling is not None and cancelling.cause == "converted" and progress.filled < ticket.size:
        told = event("converted", now, filled=progress.filled)
        return await desk.write(
            intent, Change(state="recorded", progress=progress.with_current(done=True), events=(told,))
        )
    own_end = cancelling is None and attempt.time_in_force in ("gtc", "post_only")
    if own_end and seen.filled_size == 0 and seen.updated_at_ms - seen.created_at_ms <= AT_ONCE_MS:
        facts = {
            "client_order_id": attempt.name,
            "cause": "would_cross",
            "detail": "ended by the venue at once",
        }
        return await requote(desk, intent, now, facts)
    if cancelling is not None:
        return await _done(desk, intent, now, _REASONS[cancelling.cause])
    if attempt.time_in_force in ("ioc", "fok") and ticket.order_type == "market":
        return await _done(desk, intent, now, ExecutionReason.MARKET_ORDER_FILL_TIMEOUT)
    if attempt.time_in_force in ("ioc", "fok"):
        return await _done(desk, intent, now, ExecutionReason.CANCEL_AFTER_TIMEOUT)
    return await _done(desk, intent, now, ExecutionReason.ORDER_EXPIRED)


async def _done(desk: Desk, intent: Intent, now: int, reason: ExecutionReason | GuardReason) -> Intent:
    """A position, where anything has filled; else the entry has come to nothing for this reason."""
    ticket, progress = ticket_of(intent), progress_of(intent).with_current(done=True)
    newest = progress.attempts[-1]
    # A re-quote may have been for less than the plan: of that nothing was cancelled, and nothing expired.
    rested = newest.time_in_force in ("gtc", "post_only")
    whole = progress.filled >= ticket.size or (rested and newest.filled >= newest.size)
    if progress.filled > 0:
        rest = () if whole else (event("cancelled", now, reason=str(reason), filled=progress.filled),)
        return await desk.write(
            intent,
            Change(state="open", progress=progress, hold=cool_down(intent, "submitted", now), events=rest),
        )
    failed = ticket.order_type == "market" or reason in _FAILED
    return await desk.write(
        intent,
        Change(
            state="cancelled",
            status="error" if failed else None,
            reason=reason,
            progress=progress,
            hold=cool_down(intent, "cancelled", now),
            events=(event("cancelled", now, reason=str(reason)),),
        ),
    )


async def _go_on(desk: Desk, intent: Intent, now: int) -> Intent:
    """Whether the order may wait on."""
    progress = progress_of(intent)
    cancelling = progress.cancelling
    if cancelling is None:
        intent, cause = await _why_cancel(desk, intent, now)
        if cause is None:
            return intent
        told = event("cancelling", now, cause=cause)
        cancelling = Cancelling(cause=cause, since=now)
        progress = progress_of(intent).with_(cancelling=cancelling)
        intent = await desk.write(intent, Change(progress=progress, events=(told,)))
    if cancelling.asked_at is not None and now - cancelling.asked_at < ASK_AGAIN_MS:
        return intent
    asked = progress.with_(cancelling=cancelling.model_copy(update={"asked_at": now}))
    intent = await desk.write(intent, Change(progress=asked))
    # Whatever the answer is, the order is read again: a fill may have come first.
    outcome = await desk.venue.cancel(intent.symbol, progress.attempts[-1].name)
    desk.tell("cancel", intent, outcome)
    return intent


async def _why_cancel(desk: Desk, intent: Intent, now: int) -> tuple[Intent, CancelCause | None]:
    ticket, progress = ticket_of(intent), progress_of(intent)
    if (await desk.halted()).halted:
        return intent, "trading_halted"
    if progress.cancel_requested is not None:
        return intent, "cancelled_by_operator"
    rest_until = progress.rest_until
    if rest_until is not None and now >= rest_until:
        market = ticket.order_type == "market"
        return intent, "market_order_fill_timeout" if market else "cancel_after_timeout"
    if ticket.order_type == "market":
        return intent, None
    if now >= ticket.zone_expires_at_ms:
        return intent, "cancelled_zone_expired"
    return await _held_against_the_zone(desk, intent, ticket, progress, now)


async def _held_against_the_zone(
    desk: Desk, intent: Intent, ticket: Ticket, progress: Progress, now: int
) -> tuple[Intent, CancelCause | None]:
    """The price has left the zone for too long, or its end is near and the rest can be had now."""
    # The look that is nearest: looks are even, but for what each of them takes.
    due = _book_every_ms(ticket) - look_every_sec(ticket) * MS / 2
    if progress.book_seen_at is not None and now - progress.book_seen_at < due:
        return intent, None
    try:
        book = await desk.sightings.book(ticket.symbol, min(1000, _book_every_ms(ticket) // 2))
    except ExchangeError:
        return intent, None
    if isinstance(conversion(ticket, progress, book, now), Conversion):
        return intent, "converted"
    inside = ticket.zone_low <= book.mark <= ticket.zone_high
    # An order that waits at the edge for the price to come back was never in the zone: nothing has left it.
    reached = progress.reached_zone or inside or not _at_the_edge(ticket)
    since = (progress.outside_since or now) if reached and not inside else None
    seen = progress.with_(book_seen_at=now, outside_since=since, reached_zone=reached)
    intent = await desk.write(intent, Change(progress=seen))
    if since is not None and now - since >= ticket.execution.out_of_zone_sec * MS:
        return intent, "cancelled_out_of_zone"
    return intent, None


def _at_the_edge(ticket: Ticket) -> bool:
    return ticket.price == (ticket.zone_high if ticket.side == "long" else ticket.zone_low)

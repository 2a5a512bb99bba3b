"""State ``submitting``: what became of an order that was sent, or may have been."""

from __future__ import annotations

from server.exchange.errors import ExchangeError
from server.exchange.trading import Accepted, Outcome, Refused, Unknown
from server.execution.desk import MS, Change, Desk, cool_down, event, identity, progress_of, ticket_of
from server.execution.ending import stay
from server.orders.intent import EventKind, Intent
from server.orders.reasons import ExecutionReason

SENDS = 3
"""How often one attempt is sent at most; each time only after proof that the time before came to nothing."""

MARGIN_MS = 2000
"""Added to the venue's receive window before absence is taken for proof."""

LOOK_SEC = 0.5
SLOW_LOOK_SEC = 5.0
PATIENCE_MS = 30_000
"""A submission that is unsettled for longer is an alarm."""

PRICE_CAUSES = ("would_cross", "price_limit")


async def take(desk: Desk, intent: Intent, outcome: Outcome) -> Intent:
    """The venue's answer to the newest attempt."""
    match outcome:
        case Accepted(order_id):
            return await _accepted(desk, intent, "accepted", order_id)
        case Refused(cause="duplicate_client_order_id"):
            return await settle(desk, intent, f"the venue has seen this id before: {outcome.detail}")
        case Refused():
            return await _refused(desk, intent, outcome)
        case Unknown():
            return await settle(desk, intent, outcome.detail)


async def settle(desk: Desk, intent: Intent, doubt: str) -> Intent:
    """Looks the order up by its client id until the venue shows it, or until it cannot exist any more.

    Absence is proof only once the venue would refuse a request that is still on its way. A venue that does
    not answer is asked for as long as it takes: the symbol stays held meanwhile.
    """
    attempt = progress_of(intent).attempts[-1]
    if intent.reason != ExecutionReason.SUBMISSION_UNKNOWN:
        told = event("unknown", await desk.now(), client_order_id=attempt.name, detail=doubt)
        intent = await desk.write(intent, Change(reason=ExecutionReason.SUBMISSION_UNKNOWN, events=(told,)))
    deadline = attempt.sent_at + desk.venue.receive_window_ms + MARGIN_MS
    alarmed = False
    while True:
        asked_at = await desk.now()
        try:
            seen = await desk.venue.order(intent.symbol, attempt.name)
        except ExchangeError:
            seen, answered = None, False
        else:
            answered = True
        if seen is not None:
            return await _accepted(desk, intent, "settled", seen.order_id)
        if answered and asked_at > deadline:
            return await _not_placed(desk, intent)
        if not alarmed and asked_at - attempt.sent_at > PATIENCE_MS:
            alarmed = True
            desk.alarm("submission_unsettled", **identity(intent))
        await desk.venue.wait(LOOK_SEC if asked_at <= deadline else SLOW_LOOK_SEC)


async def _accepted(desk: Desk, intent: Intent, how: EventKind, order_id: str | None) -> Intent:
    ticket, progress, now = ticket_of(intent), progress_of(intent), await desk.now()
    attempt = progress.attempts[-1]
    rest_until = progress.rest_until
    if rest_until is None:
        rules = ticket.execution
        life = rules.fill_timeout_sec if ticket.order_type == "market" else rules.order_ttl_sec
        rest_until = attempt.sent_at + life * MS
    changed = await desk.write(
        intent,
        Change(
            state="resting",
            status="submitted",
            clear_reason=True,
            exchange_order_id=order_id,
            progress=progress.with_(acknowledged=True, rest_until=rest_until),
            events=(event(how, now, client_order_id=attempt.name, exchange_order_id=order_id),),
        ),
    )
    if not progress.acknowledged:
        waited = max(0, now - ticket.decided_at_ms) / MS
        desk.metrics.acknowledged(desk.venue.name, waited)
        desk.answer(intent.decision_key)
    return changed


async def _refused(desk: Desk, intent: Intent, refused: Refused) -> Intent:
    ticket, progress, now = ticket_of(intent), progress_of(intent), await desk.now()
    attempt = progress.attempts[-1]
    facts = {"client_order_id": attempt.name, "cause": refused.cause, "detail": refused.detail}
    told = event("refused", now, **facts, venue_code=refused.venue_code)
    if refused.cause == "not_sent" and attempt.sends < SENDS:
        changed = await desk.write(intent, Change(state="recorded", events=(told,)))
        await desk.venue.wait(LOOK_SEC * attempt.sends)
        return changed
    if refused.cause in PRICE_CAUSES and attempt.time_in_force in ("gtc", "post_only"):
        return await requote(desk, intent, now, facts)
    if progress.filled > 0:
        change = Change(state="open", clear_reason=True, hold=cool_down(intent, "submitted", now))
    else:
        market = ticket.order_type == "market"
        change = Change(
            state="refused",
            status="error",
            reason=ExecutionReason.MARKET_ORDER_SUBMIT_FAILED
            if market
            else ExecutionReason.LIMIT_SUBMIT_REFUSED,
            decision=with_raw(intent, refused=facts),
            hold=cool_down(intent, "cancelled", now),
        )
    done = progress.with_current(done=True)
    changed = await desk.write(intent, change.with_(progress=done, events=(told,)))
    desk.answer(intent.decision_key)
    return changed


async def requote(desk: Desk, intent: Intent, now: int, facts: dict[str, str]) -> Intent:
    """Back to ``recorded``, for another price under another name, while the profile allows one more.

    ``facts`` say which order was refused its price, and how.
    """
    ticket, progress = ticket_of(intent), progress_of(intent)
    done = progress.with_current(done=True)
    if progress.requotes < ticket.execution.max_requotes:
        done = done.with_(requotes=progress.requotes + 1)
        told = event("requoted", now, **facts)
        return await desk.write(intent, Change(state="recorded", progress=done, events=(told,)))
    intent = await desk.write(intent, Change(progress=done, events=(event("refused", now, **facts),)))
    return await stay(desk, intent, ExecutionReason.LIMIT_SUBMIT_REFUSED, now)


async def _not_placed(desk: Desk, intent: Intent) -> Intent:
    """The order never reached the venue, and cannot reach it any more: it is sent again, or never."""
    ticket, attempt, now = ticket_of(intent), progress_of(intent).attempts[-1], await desk.now()
    if attempt.sends < SENDS and now <= ticket.signal_expires_at_ms:
        told = event("settled", now, client_order_id=attempt.name, placed=False)
        return await desk.write(intent, Change(state="recorded", clear_reason=True, events=(told,)))
    return await stay(desk, intent, ExecutionReason.SIGNAL_EXPIRED, now, placed=False)


def with_raw(intent: Intent, **facts: object) -> dict[str, object]:
    """The outward decision with more in its ``raw``."""
    return {**intent.decision, "raw": {**intent.decision.get("raw", {}), **facts}}

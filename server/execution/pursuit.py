"""Drives one order from state to state, until it is where the caller wants it."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from structlog.contextvars import bound_contextvars

from server.exchange.errors import ExchangeError
from server.execution.closing import close
from server.execution.desk import MS, Desk, identity, ticket_of
from server.execution.sending import send
from server.execution.settling import settle
from server.execution.watching import look, look_every_sec
from server.orders.errors import ChangedMeanwhile, OrdersUnavailable
from server.orders.intent import FINAL, Intent

log = structlog.get_logger(__name__)

BACKOFF_SEC = (0.5, 1, 2, 5)
"""Waits between tries where the venue or the database does not answer; the last one from then on."""


async def advance(desk: Desk, intent: Intent) -> Intent:
    """One step from where the intent stands; the same version again where there is nothing to do yet."""
    match intent.state:
        case "recorded":
            return await send(desk, intent)
        case "submitting":
            return await settle(desk, intent, "nobody knows what became of it: this was taken up again")
        case "resting":
            return await look(desk, intent)
        case "closing":
            return await close(desk, intent)
        case _:
            return intent


async def pursue(desk: Desk, decision_key: str, until: Callable[[Intent], bool]) -> Intent:
    """Goes on until ``until`` holds. What the venue or the database does not answer is asked again.

    At a venue that may only be looked at, an order that has left is left to processes that may do more.
    """
    silent, known = 0, {"decision_key": decision_key}
    while True:
        try:
            intent = await desk.intent(decision_key)
            if until(intent):
                return intent
            known = identity(intent)
            if not desk.may_change and intent.state != "recorded":
                # Whoever may change the venue takes it up, because no workflow has it any more.
                desk.alarm("left_alone", **identity(intent), state=intent.state)
                return intent
            with bound_contextvars(**known):
                moved = await advance(desk, intent)
            now = await desk.now()
        except ChangedMeanwhile:
            continue
        except (ExchangeError, OrdersUnavailable) as error:
            log.warning("order.unanswered", **known, error=str(error))
            await desk.venue.wait(BACKOFF_SEC[min(silent, len(BACKOFF_SEC) - 1)])
            silent += 1
            continue
        silent = 0
        if moved.version == intent.version:
            await desk.venue.wait(_to_next_look(look_every_sec(ticket_of(intent)), now))


def _to_next_look(every_sec: float, now: int) -> float:
    """Seconds until the venue's clock is at a multiple of ``every_sec``: orders that have it in common are
    looked at together, and share what is read for it.
    """
    every_ms = max(1, int(every_sec * MS))
    return (every_ms - now % every_ms) / MS


def entered(intent: Intent) -> bool:
    """The venue has taken the entry, or there will be none."""
    return intent.state not in ("recorded", "submitting")


def settled(intent: Intent) -> bool:
    """Nothing of the entry can fill any more, and what filled is protected or closed."""
    return intent.state == "open" or intent.state in FINAL

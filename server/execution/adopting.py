"""Going on with an entry that its workflow has left."""

from __future__ import annotations

import structlog

from server.exchange.errors import ExchangeError
from server.execution.desk import Change, Desk, event, identity, progress_of
from server.execution.progress import Cancelling
from server.execution.pursuit import BACKOFF_SEC, pursue, settled
from server.orders.errors import ChangedMeanwhile, OrdersUnavailable
from server.orders.intent import Intent

log = structlog.get_logger(__name__)


async def adopted(desk: Desk, intent: Intent) -> str | None:
    """Pursues the entry until it is settled; or the kind of the defect that ended the pursuit before.

    What the venue or the database does not answer is asked again. An order that cannot be pursued is
    cancelled: whoever looks at it next finds why.
    """
    try:
        if await _told(desk, intent.decision_key):
            await pursue(desk, intent.decision_key, settled)
    except Exception as error:  # nobody else pursues it: whatever it is, the order must not rest for ever
        log.exception("guardian.pursuit_failed", **identity(intent))
        await _give_up(desk, intent.decision_key)
        return type(error).__name__
    return None


async def _told(desk: Desk, decision_key: str) -> bool:
    """Writes down that the entry is taken up; False where it has settled by itself meanwhile."""
    silent = 0
    while True:
        try:
            intent = await desk.intent(decision_key)
            if settled(intent):
                return False
            told = event("adopted", await desk.now(), state=intent.state)
            await desk.write(intent, Change(events=(told,)))
        except ChangedMeanwhile:
            continue
        except (ExchangeError, OrdersUnavailable) as error:
            log.warning("guardian.unanswered", decision_key=decision_key, error=str(error))
            await desk.venue.wait(BACKOFF_SEC[min(silent, len(BACKOFF_SEC) - 1)])
            silent += 1
        else:
            return True


async def _give_up(desk: Desk, decision_key: str) -> None:
    """Cancels what is at the venue, or may be, once it is written down why; else it is adopted again."""
    try:
        intent = await desk.intent(decision_key)
        progress = progress_of(intent)
        current = progress.current
        if current is None or current.done or intent.state not in ("submitting", "resting"):
            return
        if progress.cancelling is None:
            now = await desk.now()
            cancelling = Cancelling(cause="workflow_failed", since=now, asked_at=now)
            told = event("cancelling", now, cause=cancelling.cause)
            await desk.write(intent, Change(progress=progress.with_(cancelling=cancelling), events=(told,)))
        desk.tell("cancel", intent, await desk.venue.cancel(intent.symbol, current.name))
    except (ExchangeError, OrdersUnavailable, ChangedMeanwhile) as error:
        log.warning("guardian.unanswered", decision_key=decision_key, error=str(error))

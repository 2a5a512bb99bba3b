"""Looking after the position of an intent that is done entering: cover it, keep in step, close its books."""

from __future__ import annotations

from decimal import Decimal

from server.execution.closing import finish
from server.execution.desk import Change, Desk, event, identity, progress_of, ticket_of
from server.execution.holding import Held, closed_already
from server.execution.protection import levels, place_targets, protect
from server.orders.intent import Intent

ABSENT_MS = 600_000
"""A position that the venue has not shown for so long is taken for closed, whatever its executions say."""


async def lost(desk: Desk, intent: Intent) -> Intent:
    """Writes down that the stop is gone: whoever watches the entry places it again."""
    now = await desk.now()
    desk.alarm("unprotected", **identity(intent))
    told = event("unprotected", now, detail="the stop is gone")
    changed = progress_of(intent).with_(unprotected_since=now, protected=False)
    return await desk.write(intent, Change(progress=changed, events=(told,)))


async def cover(desk: Desk, intent: Intent) -> Intent:
    """Gives an open position its stop back; it comes back in state ``closing`` where that cannot be."""
    if progress_of(intent).unprotected_since is None:
        intent = await lost(desk, intent)
    return await protect(desk, intent)


async def tend(desk: Desk, intent: Intent, found: Held) -> Intent:
    """Writes down what has changed at the venue, and places what is still missing of the targets."""
    progress = progress_of(intent)
    stop = found.stops[0].trigger_price if found.stops else None
    if progress.unprotected_since is not None:
        return await protect(desk, intent)
    intent = await place_targets(desk, intent, found)
    if found.position is not None and found.position.size < (progress.held or progress.filled):
        told = event("reduced", await desk.now(), left=found.position.size, of=progress.filled)
        known = progress_of(intent).with_(held=found.position.size)
        intent = await desk.write(intent, Change(progress=known, events=(told,)))
    if progress.stop is not None and stop is not None and stop != progress.stop:
        told = event(
            "amended", await desk.now(), trigger="stop_loss", before=progress.stop, after=stop, by="venue"
        )
        known = progress_of(intent).with_(stop=stop, stop_moved=not _is_ours(intent, found, stop))
        return await desk.write(intent, Change(progress=known, events=(told,)))
    return intent


def _is_ours(intent: Intent, found: Held, stop: Decimal) -> bool:
    """Whether the stop stands where we would have it: the reply to our own move may have been lost."""
    average, position = progress_of(intent).average, found.position
    if average is None or position is None:
        return False
    return stop == levels(ticket_of(intent), average, position.size)[0].price


async def account(desk: Desk, intent: Intent, missing_since: int) -> Intent | None:
    """Closes the books of a position that the venue does not show; None where it may still be there.

    A venue may be late with what it shows, so that absence alone is no proof for a long time: its executions
    say whether the position is closed.
    """
    if not await closed_already(desk, intent) and await desk.now() - missing_since < ABSENT_MS:
        return None
    return await finish(desk, intent)

"""How an entry ends without (more of) a position."""

from __future__ import annotations

from server.execution.desk import Change, Desk, cool_down, event, progress_of
from server.orders.intent import Intent, IntentStatus


async def stay(
    desk: Desk, intent: Intent, reason: str, now: int, *, status: IntentStatus = "skipped", **details: object
) -> Intent:
    """Nothing (more) is sent. What has filled before is a position; otherwise this is the end.

    ``rejected`` with ``status`` where nothing was ever sent, ``cancelled`` where an order was accepted, else
    ``refused``.
    """
    progress = progress_of(intent)
    told = event("rejected", now, reason=str(reason), **details)
    if progress.filled > 0:
        return await desk.write(
            intent,
            Change(state="open", clear_reason=True, hold=cool_down(intent, "submitted", now), events=(told,)),
        )
    sent = bool(progress.attempts)
    if progress.acknowledged:
        change = Change(state="cancelled", reason=reason, events=(told,))
    elif sent:
        change = Change(state="refused", status="error", reason=reason, events=(told,))
    else:
        change = Change(state="rejected", status=status, reason=reason, events=(told,))
    changed = await desk.write(intent, change.with_(hold=cool_down(intent, "cancelled", now)))
    desk.answer(intent.decision_key)
    return changed

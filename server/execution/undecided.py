"""Entries that were begun and that nobody decides: the process died before it handed them over, or their
workflow broke at an instant at which that could not be written down.
"""

from __future__ import annotations

from collections.abc import Collection

from server.execution.desk import Change, Desk, event, identity
from server.orders.errors import ChangedMeanwhile, OrderIsDone
from server.orders.holds import Release
from server.orders.intent import Intent
from server.orders.reasons import ExecutionReason


class Undecided:
    """Gives up what stands undecided at two looks in a row; nothing of it can have left."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: frozenset[str] = frozenset()

    async def look(self, running: Collection[str]) -> None:
        """``running``: decision keys that workflows pursue. Raises ``OrdersUnavailable``."""
        desk = self._desk
        begun = await desk.orders.undecided(desk.venue.name, desk.account)
        left = {intent.decision_key: intent for intent in begun if intent.decision_key not in running}
        for key in self._seen & left.keys():
            await self._give_up(left[key])
        self._seen = frozenset(left)

    async def _give_up(self, intent: Intent) -> None:
        desk = self._desk
        told = event("failed", await desk.now(), error="nobody decides it any more")
        change = Change(
            state="failed",
            status="error",
            reason=ExecutionReason.WORKFLOW_FAILED,
            hold=Release(),
            events=(told,),
        )
        try:
            await desk.write(intent, change)
        except (ChangedMeanwhile, OrderIsDone):
            return
        desk.metrics.decided("order", "error", str(ExecutionReason.WORKFLOW_FAILED))
        desk.alarm("never_decided", **identity(intent))

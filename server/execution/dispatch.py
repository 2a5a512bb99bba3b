"""Hands READY verdicts to durable execution, each once, and waits for what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import structlog

from engine.ruleset import Profile
from server.durable import Durable
from server.execution.desk import Desk
from server.execution.names import order_name
from server.execution.submission import Submission
from server.execution.workflow import WORKFLOW, begin, outward, pending
from server.journal.rulesets import Rulesets
from server.orders.intent import Intent
from server.orders.reasons import GuardReason
from server.trade_entry.identity import trade_id

Dispatch = Literal["sync", "async"]

LOOK_SEC = 0.25
"""How often the row is read while another process may be working on it."""

log = structlog.get_logger(__name__)


class Dispatcher:
    """``sync``: the workflow runs in this process, and the answer waits up to ``wait_sec`` for it. ``async``:
    any process takes it, and the answer is ``pending``.
    """

    def __init__(
        self,
        durable: Durable,
        desks: Mapping[str, Desk],
        rulesets: Rulesets,
        dispatch: Dispatch,
        wait_sec: float,
    ) -> None:
        self._durable, self._desks, self._rulesets = durable, desks, rulesets
        self._dispatch: Dispatch = dispatch
        self._wait_sec = wait_sec

    async def keep(self, profile: Profile, now_ms: int) -> str:
        """Stores the rules that decisions are about to be made by; their fingerprint.

        Raises ``JournalError``.
        """
        return await self._rulesets.keep(profile, now_ms)

    async def enter(self, submission: Submission) -> dict[str, Any]:
        """The ``trading_decision`` of this verdict, or ``pending``.

        The workflow is stored first, so that whatever dies from then on, somebody decides; then the intent,
        by the workflow or here, whoever comes first, so that a second delivery is known as one at once. That
        is answered with what the first came to, as ``duplicate_decision_key``. Raises ``OrdersUnavailable``
        or ``DurableError``: then nothing was begun, or it goes on without this answer.
        """
        desk, key = self._desks[submission.exchange], submission.decision_key
        known = (await desk.orders.many([key])).get(key)
        if known is not None:
            return self._duplicate(desk, known, submission)
        argument = submission.to_json()
        if self._dispatch == "async":
            await self._durable.enqueue(WORKFLOW, key, argument)
        else:
            await self._durable.start(WORKFLOW, key, argument)
        known, begun = await begin(desk.orders, submission)
        if not begun and known.run_id != submission.run_id:
            return self._duplicate(desk, known, submission)
        if self._dispatch == "async":
            return _pending(submission)
        return outward(await self._awaited(desk, known))

    def _duplicate(self, desk: Desk, first: Intent, submission: Submission) -> dict[str, Any]:
        desk.metrics.decided("guards", "skipped", str(GuardReason.DUPLICATE_DECISION_KEY))
        return _duplicate(first, submission)

    async def _awaited(self, desk: Desk, intent: Intent) -> Intent:
        """The intent once it is decided, or as it is after the wait."""
        left, key = self._wait_sec, intent.decision_key
        while intent.status == "pending" and left > 0:
            waited = min(LOOK_SEC, left)
            await desk.answered(key, waited)
            left -= waited
            intent = (await desk.orders.many([key]))[key]
        return intent


def _pending(submission: Submission) -> dict[str, Any]:
    key = submission.decision_key
    return pending(key, trade_id(key, submission.signal.symbol), order_name(key, "entry", 0))


def _duplicate(first: Intent, submission: Submission) -> dict[str, Any]:
    """The first delivery's result under this one's reason."""
    if first.decision_sha256 != submission.sha256:
        log.warning(
            "trade_entry.delivered_twice_with_other_facts",
            decision_key=first.decision_key,
            first_run_id=first.run_id,
            run_id=submission.run_id,
        )
    decision = outward(first)
    return {
        **decision,
        "status": "skipped",
        "reason": str(GuardReason.DUPLICATE_DECISION_KEY),
        "raw": {"run_id": first.run_id, "state": first.state, "first": decision},
    }

"""What DBOS's rows say about workflows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from dbos import DBOS, WorkflowStatus

from server.durable.port import (
    Done,
    DurableError,
    Failed,
    FailedWorkflow,
    Missing,
    Outcome,
    Running,
    UnfinishedWorkflow,
)
from server.durable.stored import described

_UNFINISHED = ["ENQUEUED", "DELAYED", "PENDING"]
_FAILED = ["ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_BATCH = 500

QUEUE, BRIEF = "entrygate", "entrygate-brief"
"""The queues; workflows of the second are nobody's concern but that of who waits for them."""


async def status(workflow_id: str) -> Outcome:
    """How a workflow stands."""
    rows = await DBOS.list_workflows_async(workflow_ids=[workflow_id], load_input=False)
    return _outcome(rows[0]) if rows else Missing()


async def begun() -> Sequence[WorkflowStatus]:
    """Those that a process has begun and not finished, whether it lives or not."""
    return await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)


async def unfinished(limit: int | None) -> Sequence[UnfinishedWorkflow]:
    """Those that wait or run, oldest first."""
    return [
        UnfinishedWorkflow(row.workflow_id, row.name, row.created_at or 0, taken=row.status == "PENDING")
        for row in await _lasting(_UNFINISHED, limit)
    ]


async def failed(limit: int) -> Sequence[FailedWorkflow]:
    """Those that an exception ended, newest first."""
    return [
        FailedWorkflow(row.workflow_id, row.name, row.created_at or 0, row.completed_at or 0, _error(row))
        for row in await _lasting(_FAILED, limit, newest_first=True)
    ]


async def _lasting(
    states: Sequence[str], limit: int | None, *, newest_first: bool = False
) -> Sequence[WorkflowStatus]:
    """At most so many in these states, without brief ones."""
    found: list[WorkflowStatus] = []
    offset = 0
    while True:
        rows = await DBOS.list_workflows_async(
            status=[*states],
            limit=_BATCH,
            offset=offset,
            sort_desc=newest_first,
            load_input=False,
            load_output=newest_first,
        )
        found += [row for row in rows if row.queue_name != BRIEF]
        offset += _BATCH
        if len(rows) < _BATCH or (limit is not None and len(found) >= limit):
            return found[:limit]


async def forget(workflow_id: str) -> None:
    """Deletes a workflow that has finished; one that has not stays."""
    if not isinstance(await status(workflow_id), Missing | Running):
        await DBOS.delete_workflows_async([workflow_id])


async def retry(workflow_id: str) -> None:
    """Empties a finished workflow of what it recorded and enqueues it. Raises ``DurableError``."""
    outcome = await status(workflow_id)
    if isinstance(outcome, Missing | Running):
        state = "is not known" if isinstance(outcome, Missing) else "has not finished"
        raise DurableError(f"workflow '{workflow_id}' {state}; only a finished one runs again")
    await DBOS.rewind_workflow_async(workflow_id, queue_name=QUEUE)


async def prune(older_than_ms: int, queue: str | None = None) -> int:
    """Deletes what finished at least so long ago, or only those of a queue; how many workflows that was."""
    before = datetime.fromtimestamp(time.time() - older_than_ms / 1000, UTC).isoformat()
    pruned = 0
    while True:
        rows = await DBOS.list_workflows_async(
            status=["SUCCESS", *_FAILED],
            completed_before=before,
            queue_name=queue,
            limit=_BATCH,
            load_input=False,
            load_output=False,
        )
        if not rows:
            return pruned
        await DBOS.delete_workflows_async([row.workflow_id for row in rows])
        pruned += len(rows)


def _outcome(row: WorkflowStatus) -> Outcome:
    if row.status == "SUCCESS":
        return Done(row.output)
    return Failed(_error(row)) if row.status in _FAILED else Running(taken=row.status == "PENDING")


def _error(row: WorkflowStatus) -> str:
    if row.error is not None:
        return described(row.error)
    return "Cancelled" if row.status == "CANCELLED" else "Abandoned: begun too often without an end"

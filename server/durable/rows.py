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


async def status(workflow_id: str) -> Outcome:
    """How a workflow stands."""
    rows = await DBOS.list_workflows_async(workflow_ids=[workflow_id], load_input=False)
    return _outcome(rows[0]) if rows else Missing()


async def begun() -> Sequence[WorkflowStatus]:
    """Those that a process has begun and not finished, whether it lives or not."""
    return await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)


async def unfinished(limit: int | None) -> Sequence[UnfinishedWorkflow]:
    """Those that wait or run, oldest first."""
    rows = await DBOS.list_workflows_async(
        status=_UNFINISHED, limit=limit, load_input=False, load_output=False
    )
    return [
        UnfinishedWorkflow(row.workflow_id, row.name, row.created_at or 0, taken=row.status == "PENDING")
        for row in rows
    ]


async def failed(limit: int) -> Sequence[FailedWorkflow]:
    """Those that an exception ended, newest first."""
    rows = await DBOS.list_workflows_async(status=_FAILED, limit=limit, sort_desc=True, load_input=False)
    return [
        FailedWorkflow(row.workflow_id, row.name, row.created_at or 0, row.completed_at or 0, _error(row))
        for row in rows
    ]


async def retry(workflow_id: str, queue: str) -> None:
    """Empties a finished workflow of what it recorded and enqueues it. Raises ``DurableError``."""
    outcome = await status(workflow_id)
    if isinstance(outcome, Missing | Running):
        state = "is not known" if isinstance(outcome, Missing) else "has not finished"
        raise DurableError(f"workflow '{workflow_id}' {state}; only a finished one runs again")
    await DBOS.rewind_workflow_async(workflow_id, queue_name=queue)


async def prune(older_than_ms: int) -> int:
    """Deletes what finished at least so long ago; how many workflows that was."""
    before = datetime.fromtimestamp(time.time() - older_than_ms / 1000, UTC).isoformat()
    pruned = 0
    while True:
        rows = await DBOS.list_workflows_async(
            status=["SUCCESS", *_FAILED],
            completed_before=before,
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
    return Failed(_error(row)) if row.status in _FAILED else Running()


def _error(row: WorkflowStatus) -> str:
    if row.error is not None:
        return described(row.error)
    return "Cancelled" if row.status == "CANCELLED" else "Abandoned: begun too often without an end"

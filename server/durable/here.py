"""The workflows that run in this process, and who waits for their end."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from server.durable.port import Done, Outcome, Running

_CLEAN_UP_SEC = 0.5
"""What a task that is cut off gets to clean up after itself."""


class Here:
    """Knows each workflow's task, which ends when the end of the workflow is recorded."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._awaited: dict[str, set[asyncio.Future[Outcome]]] = {}

    def __contains__(self, workflow_id: str) -> bool:
        return workflow_id in self._running

    @property
    def tasks(self) -> Sequence[asyncio.Task[Any]]:
        """Of all that run."""
        return list(self._running.values())

    def begins(self, workflow_id: str, task: asyncio.Task[Any]) -> None:
        """A workflow runs in the task."""
        self._running[workflow_id] = task
        task.add_done_callback(lambda task: self._ended(workflow_id, task))

    @contextmanager
    def awaited(self, workflow_id: str) -> Generator[asyncio.Future[Outcome]]:
        """Set when the workflow ends here: ``Done``, or ``Running`` where only its row knows more."""
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(workflow_id, set()).add(ended)
        try:
            yield ended
        finally:
            self._awaited[workflow_id].discard(ended)
            if not self._awaited[workflow_id]:
                del self._awaited[workflow_id]

    def _ended(self, workflow_id: str, task: asyncio.Task[Any]) -> None:
        if self._running.get(workflow_id) is task:
            del self._running[workflow_id]
        # What went wrong may be that the end could not be recorded.
        done = not task.cancelled() and task.exception() is None
        for ended in self._awaited.get(workflow_id, ()):
            if not ended.done():
                ended.set_result(Done(task.result()) if done else Running())


async def cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cuts tasks off and waits a moment for them to end."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CLEAN_UP_SEC)

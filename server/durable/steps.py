"""The steps of a workflow, recorded by DBOS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from dbos import DBOS
from dbos import error as dbos_error

from server.durable.port import Json, StepFailed
from server.durable.stored import checked, described

_SHORTEST_SEC = 0.001
"""DBOS records no timer for less than that, and a walk that records fewer steps would not match the last."""


@dataclass(frozen=True, slots=True)
class DbosSteps:
    """What ``Steps`` promises, for the workflow that runs in the current task."""

    workflow_id: str

    async def step(self, name: str, action: Callable[[], Awaitable[Json]]) -> Json:
        """See ``Steps``."""

        async def recorded() -> Json:
            try:
                return checked(await action())
            except Exception as error:
                raise StepFailed(described(error)) from error

        with _cut_off():
            return await DBOS.run_step_async({"name": name}, recorded)

    async def sleep(self, seconds: float) -> None:
        """See ``Steps``."""
        with _cut_off():
            await DBOS.sleep_async(max(seconds, _SHORTEST_SEC))

    async def sleep_until(self, at: int) -> None:
        """See ``Steps``."""
        await self.sleep(at / 1000 - time.time())


@contextmanager
def _cut_off() -> Generator[None]:
    """Ends a walk that is no longer this process's, in a way that workflows do not take for a failure."""
    try:
        yield
    except dbos_error.DBOSWorkflowConflictIDError as error:
        raise asyncio.CancelledError from error

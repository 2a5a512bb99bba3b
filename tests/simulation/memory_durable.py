"""Durable execution in memory: what is recorded outlives the processes that run it, as a database would.

Satisfies `server.durable.port.Durable` for one process; `Records` is what all of them share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from server.durable import Done, DurableError, Failed, Missing, Outcome, Running
from server.durable.port import FailedWorkflow, Json, StepFailed, UnfinishedWorkflow, Workflow


@dataclass
class Record:
    """One workflow and the results of its steps."""

    workflow_id: str
    name: str
    argument: Json
    created_at: int
    state: Literal["running", "done", "failed"] = "running"
    result: Json = None
    error: str = ""
    ended_at: int = 0
    steps: list[tuple[bool, Any]] = field(default_factory=list)


@dataclass
class Records:
    """What the database of durable execution has."""

    by_id: dict[str, Record] = field(default_factory=dict)

    def of_state(self, state: str) -> list[Record]:
        return [record for record in self.by_id.values() if record.state == state]


class RecordedSteps:
    """Satisfies `server.durable.port.Steps`."""

    def __init__(self, record: Record, recording: Callable[[str], Awaitable[None]]) -> None:
        self._record, self._recording = record, recording
        self._next = 0

    @property
    def workflow_id(self) -> str:
        return self._record.workflow_id

    async def step(self, name: str, action: Callable[[], Awaitable[Json]]) -> Json:
        number, self._next = self._next, self._next + 1
        if number == len(self._record.steps):
            try:
                outcome = True, await action()
            except Exception as error:
                outcome = False, f"{type(error).__name__}: {error}"
            await self._recording("step")
            self._record.steps.append(outcome)
        good, value = self._record.steps[number]
        if not good:
            raise StepFailed(value)
        return value

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError("a trade entry waits by its venue's clock")

    async def sleep_until(self, at: int) -> None:
        raise NotImplementedError("a trade entry waits by its venue's clock")


class MemoryDurable:
    """One process's part in it. ``recording`` is asked before anything is kept, and may end the process."""

    healthy = True

    def __init__(
        self,
        records: Records,
        workflows: Mapping[str, Workflow],
        recording: Callable[[str], Awaitable[None]],
        spawn: Callable[[Awaitable[None]], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._records, self._workflows = records, workflows
        self._recording, self._spawn, self._now_ms = recording, spawn, now_ms
        self._here: set[str] = set()

    def resume(self) -> int:
        """Takes up what is unfinished, as a new process does; how many."""
        found = [r for r in self._records.of_state("running") if r.workflow_id not in self._here]
        for record in found:
            self._spawn(self._run(record))
        return len(found)

    async def start(self, name: str, workflow_id: str, argument: Json) -> None:
        if workflow_id in self._records.by_id:
            return
        await self._recording("start")
        record = Record(workflow_id, name, argument, self._now_ms())
        self._records.by_id[workflow_id] = record
        self._here.add(workflow_id)
        self._spawn(self._run(record))

    async def enqueue(self, name: str, workflow_id: str, argument: Json) -> None:
        await self.start(name, workflow_id, argument)

    async def result(self, workflow_id: str, timeout_sec: float) -> Outcome:
        until = asyncio.get_running_loop().time() + timeout_sec
        while isinstance(outcome := await self.status(workflow_id), Running):
            if asyncio.get_running_loop().time() >= until:
                break
            await asyncio.sleep(0.25)
        return outcome

    async def status(self, workflow_id: str) -> Outcome:
        record = self._records.by_id.get(workflow_id)
        if record is None:
            return Missing()
        if record.state == "done":
            return Done(record.result)
        return Failed(record.error) if record.state == "failed" else Running()

    async def unfinished(self, limit: int | None = None) -> Sequence[UnfinishedWorkflow]:
        found = self._records.of_state("running")
        return [UnfinishedWorkflow(r.workflow_id, r.name, r.created_at, True) for r in found[:limit]]

    async def failed(self, limit: int = 100) -> Sequence[FailedWorkflow]:
        return [
            FailedWorkflow(r.workflow_id, r.name, r.created_at, r.ended_at, r.error)
            for r in self._records.of_state("failed")[:limit]
        ]

    async def retry(self, workflow_id: str) -> None:
        record = self._records.by_id.get(workflow_id)
        if record is None or record.state == "running":
            raise DurableError(f"{workflow_id} has not finished")
        record.state, record.steps = "running", []
        self._spawn(self._run(record))

    async def prune(self, older_than_ms: int) -> int:
        return 0

    async def _run(self, record: Record) -> None:
        self._here.add(record.workflow_id)
        steps = RecordedSteps(record, self._recording)
        try:
            record.result = await self._workflows[record.name](steps, record.argument)
        except Exception as error:
            await self._recording("end")
            record.error = f"{type(error).__name__}: {error}"
            record.state = "failed"
        else:
            await self._recording("end")
            record.state = "done"
        record.ended_at = self._now_ms()
        self._here.discard(record.workflow_id)

"""What durable execution promises, without the library that keeps the promise.

A workflow is an async function of its steps and one JSON argument. Whatever it does outside itself it does
in a step: a step whose result is recorded is not run again, one that was cut off is. So an action must bear
being run twice, and the code between steps must come to the same thing when it is walked again.

``server.durable.engine.open_durable`` makes a ``Durable`` from a database address and the workflows by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What is stored: nothing else is, neither ``Decimal`` nor tuples nor numbers that are not finite."""


class DurableError(Exception):
    """Durable execution cannot do what was asked; the text says why."""


class Steps(Protocol):
    """What a running workflow works with."""

    @property
    def workflow_id(self) -> str:
        """Under which it was started."""
        ...

    async def step(self, name: str, action: Callable[[], Awaitable[Json]]) -> Json:
        """Runs the action and records its result; after a restart answers with what is recorded.

        An exception of the action is recorded too and raised as ``StepFailed``, on the first walk and on
        every later one. Nothing is retried.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits; the instant at which it ends is recorded and survives restarts."""
        ...

    async def sleep_until(self, at: int) -> None:
        """Waits until an instant of this machine's clock, ms UTC; survives restarts."""
        ...


Workflow: TypeAlias = Callable[[Steps, Json], Awaitable[Json]]


class StepFailed(Exception):
    """The action of a step raised; the text is the exception's kind and its own text."""


@dataclass(frozen=True, slots=True)
class Missing:
    """No workflow has the id, or it was pruned."""


@dataclass(frozen=True, slots=True)
class Running:
    """Not finished: waiting for a process to take it, or ``taken`` by one."""

    taken: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Done:
    """Finished with a result."""

    result: Json


@dataclass(frozen=True, slots=True)
class Failed:
    """Finished by an exception; runs again when an operator says ``retry``, never by itself."""

    error: str
    """``Kind: text`` of the exception."""


Outcome: TypeAlias = Missing | Running | Done | Failed


@dataclass(frozen=True, slots=True)
class UnfinishedWorkflow:
    """One that waits or runs."""

    workflow_id: str
    name: str
    created_at: int
    """ms UTC."""
    taken: bool
    """A process has begun it."""


@dataclass(frozen=True, slots=True)
class FailedWorkflow:
    """One that an exception ended."""

    workflow_id: str
    name: str
    created_at: int
    """ms UTC."""
    failed_at: int
    """ms UTC."""
    error: str


class Durable(Protocol):
    """Runs workflows so that each comes to its end once, whatever dies in between.

    *Brief* workflows change nothing, are over in seconds and concern nobody but who waits for them: they
    wait in a queue of their own, are not listed, and are forgotten within hours.

    Workflow ids belong to the caller and are never used for two things: an id that is known is not started
    again, whatever its name and argument are.
    """

    @property
    def healthy(self) -> bool:
        """This process holds its lease and works; while it is false it takes nothing and starts nothing."""
        ...

    async def start(self, name: str, workflow_id: str, argument: Json) -> None:
        """Runs it in this process, at once; does nothing where the id is known.

        It is recorded when this returns. Raises ``DurableError`` for a name that is not registered or brief,
        and while the process is not ``healthy``.
        """
        ...

    async def enqueue(self, name: str, workflow_id: str, argument: Json) -> None:
        """Leaves it to the first process that has a free place; otherwise as ``start``, brief ones too."""
        ...

    async def forget(self, workflow_id: str) -> None:
        """Forgets it at once, where it has finished; its id would run again."""
        ...

    async def result(self, workflow_id: str, timeout_sec: float) -> Outcome:
        """How it ended, waiting up to the timeout, which it answers with ``Running``.

        The workflow goes on when the wait ends. An unknown id is answered at once.
        """
        ...

    async def status(self, workflow_id: str) -> Outcome:
        """How it stands now."""
        ...

    async def unfinished(self, limit: int | None = None) -> Sequence[UnfinishedWorkflow]:
        """Those that wait or run, oldest first; all of them unless there is a limit."""
        ...

    async def failed(self, limit: int = 100) -> Sequence[FailedWorkflow]:
        """Those that an exception ended, newest first."""
        ...

    async def retry(self, workflow_id: str) -> None:
        """Runs a finished workflow again under its id, from its first step, by any process.

        What its steps recorded is dropped: what they saw is old. Raises ``DurableError`` where it has not
        finished, or is not known any more.
        """
        ...

    async def prune(self, older_than_ms: int) -> int:
        """Forgets workflows that finished at least so long ago, failed ones included; how many they were.

        A forgotten id would run again: who needs it once for ever keeps a row of their own.
        """
        ...

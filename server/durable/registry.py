"""The workflows that DBOS knows, by name.

DBOS knows a workflow for as long as the process lives, while durable execution may be opened and closed many
times in it. So each name is registered once, for a function that hands over to whoever is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from dbos import DBOS

from server.durable.port import DurableError, Json

Registered: TypeAlias = Callable[[Json], Coroutine[Any, Any, Json]]


class Runner(Protocol):
    """Runs workflows."""

    async def run(self, name: str, workflow_id: str, argument: Json) -> Json:
        """Runs one in the current task."""
        ...


_registered: dict[str, Registered] = {}
_open: list[Runner] = []


def occupy(runner: Runner) -> None:
    """Makes it the one that runs workflows. Raises ``DurableError`` where there is one already."""
    if _open:
        raise DurableError("durable execution is open already in this process; DBOS can be so only once")
    _open.append(runner)


def vacate(runner: Runner) -> None:
    """Ends what ``occupy`` began."""
    _open.remove(runner)


def registered(name: str) -> Registered:
    """The function that DBOS knows under the name."""
    if name not in _registered:

        async def hand_over(argument: Json) -> Json:
            workflow_id = DBOS.workflow_id
            if not _open or workflow_id is None:
                # Cut off, not failed: the row stays as it is for whoever takes over.
                raise asyncio.CancelledError
            return await _open[0].run(name, workflow_id, argument)

        hand_over.__qualname__ = hand_over.__name__ = f"workflow {name}"
        _registered[name] = DBOS.workflow(name=name)(hand_over)
    return _registered[name]

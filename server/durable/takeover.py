"""Takes over what dead processes had begun.

A process begins workflows under the name ``<slot>.<once>``: its slot, and letters that no process uses
again. Whoever can lock the slot of such a name, or holds it under another name, knows that its owner is gone
for good.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from server.durable.lease import Lease

log = structlog.get_logger(__name__)


class Begun(Protocol):
    """A workflow that a process has begun and not finished."""

    @property
    def workflow_id(self) -> str: ...

    @property
    def executor_id(self) -> str | None: ...

    @property
    def queue_name(self) -> str | None: ...


def new_name(lease: Lease) -> str:
    """Under which the holder of a lease begins workflows."""
    return f"{lease.slot}.{secrets.token_hex(8)}"


class Takeover:
    """Looks for the work of dead processes; ``again`` puts one workflow of an owner back into its queue."""

    def __init__(self, lease: Lease, name: str, again: Callable[[str, str, str | None], bool]) -> None:
        self._lease = lease
        self._name = name
        self._again = again
        self._suspects: set[str] = set()

    async def look(self, begun: Sequence[Begun]) -> int:
        """How many workflows were put back.

        A lock that can be lost while its process lives must be found free by two looks: in between the
        process stops what it runs.
        """
        owners = {workflow.executor_id or "" for workflow in begun} - {self._name}
        free = {owner for owner in owners if await self._is_free(owner)}
        gone = free & self._suspects if self._lease.can_outlive else free
        self._suspects = free
        orphans = [(w.workflow_id, w.executor_id or "", w.queue_name) for w in begun if w.executor_id in gone]
        taken = 0
        for orphan in orphans:
            taken += await asyncio.to_thread(self._again, *orphan)
        if taken:
            log.warning("workflows_taken_over", workflows=taken, owners=sorted(gone))
        return taken

    async def _is_free(self, owner: str) -> bool:
        slot, separator, _ = owner.partition(".")
        if not separator or not slot.isdecimal():
            return False
        return int(slot) == self._lease.slot or await self._lease.is_free(int(slot))

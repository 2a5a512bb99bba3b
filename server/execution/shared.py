"""Rows of the database, read once for everybody who asks at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Batch(Generic[T]):
    """Keys of one reading, and what it found; None until it is made, and where it failed."""

    keys: set[str] = field(default_factory=set[str])
    found: Mapping[str, T] | None = None
    failed: bool = False


class SharedReads(Generic[T]):
    """``read`` gives those of some keys that exist. While one reading is under way the next one gathers, so
    that many who ask cost little more than one; nobody gets what was read before they asked.
    """

    def __init__(self, read: Callable[[Collection[str]], Awaitable[Mapping[str, T]]]) -> None:
        self._read = read
        self._gathering = _Batch[T]()
        self._lock = asyncio.Lock()

    async def get(self, key: str) -> T | None:
        """None where nothing has the key. Raises what ``read`` raises for this key alone."""
        batch = self._gathering
        batch.keys.add(key)
        async with self._lock:
            if batch.found is None and not batch.failed:
                await self._make(batch)
        # What one row or one moment spoils is nobody else's loss.
        found = (await self._read([key])) if batch.found is None else batch.found
        return found.get(key)

    async def _make(self, batch: _Batch[T]) -> None:
        """A reading that is cancelled is made by the next who waits for it."""
        if self._gathering is batch:
            self._gathering = _Batch[T]()
        try:
            batch.found = await self._read(batch.keys)
        except Exception as error:
            batch.failed = True
            log.debug("shared_read.failed", keys=len(batch.keys), error=str(error))

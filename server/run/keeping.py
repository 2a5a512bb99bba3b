"""A run in the journal from its start: running while it runs, and told apart from one that died."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import structlog

from server.journal import Journal, JournalError, RunError, RunStart
from server.run.reasons import RunReason
from server.run.request import RunUnavailable

ALIVE_MS = 30_000
"""A run that has said nothing for so long is taken for dead."""

RENEW_SEC = 10.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def kept_running(journal: Journal, start: RunStart) -> AsyncGenerator[None]:
    """The run is in the journal as running while the block lasts; the block itself records its end.

    A block that raises leaves a run that failed, or was interrupted. A journal that does not answer stops
    nothing: the end of the run says so.
    """
    try:
        await journal.begin(start, _until())
    except JournalError as error:
        log.error("run.start_not_recorded", run_id=start.run_id, error=str(error))
        yield
        return
    keeper = asyncio.create_task(_renewed(journal, start.run_id))
    try:
        yield
    except BaseException as error:
        await _stopped(journal, start.run_id, error)
        raise
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper


async def _renewed(journal: Journal, run_id: str) -> None:
    while True:
        await asyncio.sleep(RENEW_SEC)
        try:
            await journal.still_running(run_id, _until())
        except JournalError as error:
            log.warning("run.not_renewed", run_id=run_id, error=str(error))


async def _stopped(journal: Journal, run_id: str, error: BaseException) -> None:
    failed: RunError | None = None
    if isinstance(error, Exception):
        told = str(error) if isinstance(error, RunUnavailable) else _in_the_log(run_id, error)
        failed = RunError(None, "run", RunReason.RUN_FAILED, told)
    try:
        await asyncio.shield(journal.stopped(run_id, _now(), failed))
    except JournalError as unsaid:
        log.error("run.end_not_recorded", run_id=run_id, error=str(unsaid))


def _in_the_log(run_id: str, error: Exception) -> str:
    log.error("run.failed", run_id=run_id, exc_info=error)
    return f"{type(error).__name__}; the log has the details"


def _now() -> int:
    return time.time_ns() // 1_000_000


def _until() -> int:
    return _now() + ALIVE_MS

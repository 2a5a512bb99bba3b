"""Durable execution over DBOS, in the application's own database."""

from __future__ import annotations

import asyncio
import contextvars
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos import error as dbos_error
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from server.database import DatabaseAddress, DatabaseError, sqlite
from server.durable import quiet, rows
from server.durable.here import Here, cancelled
from server.durable.lease import Lease, take_lease
from server.durable.port import (
    Done,
    Durable,
    DurableError,
    FailedWorkflow,
    Json,
    Outcome,
    Running,
    UnfinishedWorkflow,
    Workflow,
)
from server.durable.registry import Registered, occupy, registered, vacate
from server.durable.steps import DbosSteps
from server.durable.stored import JsonRows, checked, described
from server.durable.takeover import Takeover, new_name

log = structlog.get_logger(__name__)
T = TypeVar("T")

_VERSION = "1"
"""Of the workflows' steps: work is only taken over by processes of the same one, so deployments keep it."""

_HEARTBEAT_SEC = 0.5
_LOOK_SEC = 1.0
"""Between two looks for the work of dead processes; longer than a process takes to notice a lost lease."""
_PRUNE_SEC = 3600.0
_BRIEF_KEEP_MS = 3_600_000
_BRIEF_AT_ONCE = 2
"""Brief workflows each process runs at once: they compute."""
_RECHECK_SEC = 5.0
"""A workflow of this process says itself when it ends; its row is read so often all the same."""
_ASKED_SEC = 0.5
"""What calls that are under way get to end when the process closes."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a process takes part."""

    takes_work: bool
    concurrency: int
    poll_sec: float
    keep_ms: int


@asynccontextmanager
async def open_durable(
    address: DatabaseAddress,
    workflows: Mapping[str, Workflow],
    *,
    brief: Mapping[str, Workflow] | None = None,
    takes_work: bool = True,
    concurrency: int = 100,
    poll_sec: float = 0.15,
    keep_ms: int = 7 * 86_400_000,
) -> AsyncGenerator[Durable]:
    """Durable execution in this process, on the running loop; one at a time in a process.

    Creates its tables where they are missing, beside the application's, which must be there already.

    - ``brief``: workflows that ``Durable`` calls so.
    - ``takes_work``: run what is enqueued and take over from dead processes. Without it the process runs only
      what it starts itself, and some other one has to take over from it.
    - ``concurrency``: enqueued workflows each process runs at once. All processes share the value of the one
      that opened last.
    - ``poll_sec``: how often the queue is looked at, and rows that another process works on.
    - ``keep_ms``: how long finished workflows are remembered.

    Raises ``DurableError`` or ``DatabaseError``.
    """
    options = Options(takes_work, concurrency, poll_sec, keep_ms)
    durable = DbosDurable(address, workflows, brief or {}, options)
    await durable.open()
    try:
        yield durable
    finally:
        await durable.close()


class DbosDurable:
    """What ``Durable`` promises; ``open_durable`` makes one."""

    def __init__(
        self,
        address: DatabaseAddress,
        workflows: Mapping[str, Workflow],
        brief: Mapping[str, Workflow],
        options: Options,
    ) -> None:
        self._address = address
        self._workflows = {**workflows, **brief}
        self._brief = frozenset(brief)
        self._options = options
        self._healthy = False
        self._lease: Lease | None = None
        self._dbos: DBOS | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._chores: list[asyncio.Task[None]] = []
        self._asked: set[asyncio.Task[Any]] = set()
        self._here = Here()

    # Life

    @property
    def healthy(self) -> bool:
        """See ``Durable``."""
        return self._healthy

    async def open(self) -> None:
        """Takes a lease and begins to work."""
        for name in self._workflows:
            registered(name)
        occupy(self)
        try:
            _into_wal(self._address)
            await self._begin()
        except BaseException:
            vacate(self)
            raise
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Stops at once. What ran is cut off, and goes on wherever it is taken over."""
        if self._keeper is not None:
            await cancelled([self._keeper])
        await self._end()
        vacate(self)

    async def _begin(self) -> None:
        self._lease = lease = await take_lease(self._address)
        name = new_name(lease)
        quiet.install()
        config = DBOSConfig(
            name="entrygate",
            system_database_url=self._address.url.render_as_string(hide_password=False),
            application_version=_VERSION,
            executor_id=name,
            serializer=JsonRows(),
            log_level="WARNING",
            enable_otlp=False,
            # Nothing waits for messages, so neither triggers nor a connection that listens.
            use_listen_notify=False,
            notification_listener_polling_interval_sec=0.2,
            max_executor_threads=64,
        )
        self._healthy = True
        try:
            self._dbos = DBOS(config=config)
            queues = {rows.QUEUE: self._options.concurrency, rows.BRIEF: _BRIEF_AT_ONCE}
            DBOS.listen_queues([*queues] if self._options.takes_work else [])
            # On the loop's own thread, so that workflows run on this loop.
            DBOS.launch()
            for queue, at_once in queues.items():
                await DBOS.register_queue_async(
                    queue,
                    worker_concurrency=at_once,
                    polling_interval_sec=self._options.poll_sec,
                    on_conflict="always_update" if self._options.takes_work else "never_update",
                )
        except BaseException:
            await self._end()
            raise
        if self._options.takes_work:
            takeover = Takeover(lease, name, self._enqueue_again)
            self._chores = [
                asyncio.create_task(self._take_over(takeover)),
                asyncio.create_task(self._prune_regularly()),
            ]
        log.debug("durable_execution_began", slot=lease.slot, takes_work=self._options.takes_work)

    async def _end(self) -> None:
        self._healthy = False
        await cancelled(self._chores)
        self._chores = []
        if self._asked:
            await asyncio.wait(self._asked, timeout=_ASKED_SEC)
        await cancelled(self._here.tasks)
        if self._dbos is not None:
            with suppress(dbos_error.DBOSException):
                # Threads that try again and again to reach a lost database would keep the process alive.
                system = self._dbos._sys_db  # pyright: ignore[reportPrivateUsage]
                system._retry_connection_errors = False  # pyright: ignore[reportPrivateUsage]
        # DBOS makes its own threads the loop's; the loop goes on without it.
        threads = ThreadPoolExecutor(thread_name_prefix="entrygate")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(threads, DBOS.destroy)
        await cancelled(self._here.tasks)
        loop.set_default_executor(threads)
        self._dbos = None
        if self._lease is not None:
            await self._lease.release()
            self._lease = None

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SEC)
            if self._lease is not None and await self._lease.held():
                continue
            if self._healthy:
                log.error("lease_lost", consequence="everything that runs here is cut off and taken over")
            await self._end()
            try:
                await self._begin()
            except Exception as error:
                log.warning("lease_not_taken", error=described(error))

    # Work

    async def start(self, name: str, workflow_id: str, argument: Json) -> None:
        """See ``Durable``."""
        function, argument = self._call(name, argument)
        if name in self._brief:
            raise DurableError(f"'{name}' is brief: it is only enqueued")

        async def begun() -> None:
            with SetWorkflowID(workflow_id):
                await DBOS.start_workflow_async(function, argument)

        await self._ask(begun)

    async def enqueue(self, name: str, workflow_id: str, argument: Json) -> None:
        """See ``Durable``."""
        function, argument = self._call(name, argument)
        queue = rows.BRIEF if name in self._brief else rows.QUEUE

        async def enqueued() -> None:
            with SetWorkflowID(workflow_id):
                await DBOS.enqueue_workflow_async(queue, function, argument)

        await self._ask(enqueued)

    async def run(self, name: str, workflow_id: str, argument: Json) -> Json:
        """Runs a workflow in the current task, for DBOS."""
        task = asyncio.current_task()
        if task is None or not self._healthy:
            # Cut off, not failed: the row stays as it is for whoever takes over.
            raise asyncio.CancelledError
        self._here.begins(workflow_id, task)
        try:
            if name not in self._workflows:
                raise DurableError(f"no workflow is named '{name}' here")
            return checked(await self._workflows[name](DbosSteps(workflow_id), argument))
        except SQLAlchemyError as error:
            # A step that could not be recorded. With the database goes the lease, and that is no failure.
            if not self._healthy or self._lease is None or not await self._lease.held():
                raise asyncio.CancelledError from error
            _say_failed(name, workflow_id, error)
            raise
        except Exception as error:
            _say_failed(name, workflow_id, error)
            raise

    def _call(self, name: str, argument: Json) -> tuple[Registered, Json]:
        if name not in self._workflows:
            raise DurableError(f"no workflow is named '{name}'")
        try:
            return registered(name), checked(argument)
        except TypeError as error:
            raise DurableError(f"the argument of '{name}' cannot be stored: {error}") from error

    # Outcomes

    async def result(self, workflow_id: str, timeout_sec: float) -> Outcome:
        """See ``Durable``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_sec
        while True:
            # Before the row is read, so that an end in between is not missed.
            with self._here.awaited(workflow_id) as ended:
                outcome = await self._status_until(workflow_id, max(deadline, loop.time() + 1))
                left = deadline - loop.time()
                if isinstance(outcome, Running) and left > 0:
                    pause = _RECHECK_SEC if workflow_id in self._here else self._options.poll_sec
                    await asyncio.wait([ended], timeout=min(left, pause))
            if ended.done() and isinstance(ended.result(), Done):
                return ended.result()
            if not isinstance(outcome, Running) or left <= 0:
                return outcome

    async def _status_until(self, workflow_id: str, deadline: float) -> Outcome:
        """As ``status``; a database that does not answer in time leaves everything running."""
        with suppress(TimeoutError, DurableError):
            async with asyncio.timeout_at(deadline):
                return await self.status(workflow_id)
        return Running()

    async def status(self, workflow_id: str) -> Outcome:
        """See ``Durable``."""
        return await self._ask(lambda: rows.status(workflow_id))

    async def unfinished(self, limit: int | None = None) -> Sequence[UnfinishedWorkflow]:
        """See ``Durable``."""
        return await self._ask(lambda: rows.unfinished(limit))

    async def failed(self, limit: int = 100) -> Sequence[FailedWorkflow]:
        """See ``Durable``."""
        return await self._ask(lambda: rows.failed(limit))

    async def retry(self, workflow_id: str) -> None:
        """See ``Durable``."""
        await self._ask(lambda: rows.retry(workflow_id))

    async def forget(self, workflow_id: str) -> None:
        """See ``Durable``."""
        await self._ask(lambda: rows.forget(workflow_id))

    async def prune(self, older_than_ms: int) -> int:
        """See ``Durable``."""
        return await self._ask(lambda: rows.prune(older_than_ms))

    # Chores

    async def _take_over(self, takeover: Takeover) -> None:
        while True:
            with _survived("takeover_failed"):
                await takeover.look(await self._ask(rows.begun))
            await asyncio.sleep(_LOOK_SEC)

    def _enqueue_again(self, workflow_id: str, owner: str, queue: str | None) -> bool:
        if self._dbos is None:
            return False
        # What DBOS does itself with its own work after a restart: keeps the count of attempts, and touches
        # nothing that its owner or another process has moved on.
        system = self._dbos._sys_db  # pyright: ignore[reportPrivateUsage]
        return system.reenqueue_for_recovery(workflow_id, [owner], queue or rows.QUEUE)

    async def _prune_regularly(self) -> None:
        while True:
            with _survived("prune_failed"):
                await self._ask(lambda: rows.prune(_BRIEF_KEEP_MS, rows.BRIEF))
                pruned = await self.prune(self._options.keep_ms)
                if pruned:
                    log.info("workflows_pruned", workflows=pruned)
            await asyncio.sleep(_PRUNE_SEC)

    async def _ask(self, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Asks DBOS, whatever the caller is part of, and to the end also where the caller gives up."""
        if not self._healthy:
            raise DurableError("durable execution is not available: this process has lost its lease")
        task = asyncio.create_task(question(), context=contextvars.Context())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        try:
            return await asyncio.shield(task)
        except (dbos_error.DBOSException, SQLAlchemyError, RuntimeError) as error:
            raise DurableError(described(error)) from error


def _say_failed(name: str, workflow_id: str, error: Exception) -> None:
    # Without the traceback: to print one takes a terminal seconds, in which nothing else would run.
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    log.error("workflow_failed", workflow=name, workflow_id=workflow_id, error=described(error), at=place)


@contextmanager
def _survived(event: str) -> Generator[None]:
    """A chore that fails is done again at its next turn."""
    try:
        yield
    except (DurableError, SQLAlchemyError) as error:
        log.warning(event, error=described(error))


def _into_wal(address: DatabaseAddress) -> None:
    """Puts an SQLite file into the journal mode that lets readers and the writer work at once."""
    if address.file is None:
        return
    engine = create_engine(address.sync_url)
    sqlite.install(engine)
    try:
        with engine.connect() as connection:
            sqlite.prove_writable(connection)
    except SQLAlchemyError as error:
        raise DatabaseError(f"{address} cannot be written: {getattr(error, 'orig', error)}") from error
    finally:
        engine.dispose()

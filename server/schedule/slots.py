"""The slots that were taken, in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import ColumnElement, Select, and_, delete, func, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import Database
from server.database.answering import failing_as
from server.database.order_tables import lease
from server.database.schedule_tables import schedule_slot
from server.instants import iso
from server.journal.answers import Page, offset_of
from server.orders import leases
from server.orders.holds import MS_PER_DAY
from server.orders.rows import insert_into
from server.schedule.errors import ScheduleUnavailable

SlotStatus = Literal["begun", "done", "failed", "skipped", "missed", "died"]
"""``skipped``: it was taken, and another run was in the way. ``missed``: nobody was there in time. ``died``:
the process ended before its run did.
"""

STATUSES: tuple[str, ...] = get_args(SlotStatus)

ALIVE_MS = 30_000
"""A process that has said nothing for so long is taken for dead."""

KEEP_DAYS = 30
_HOUR_MS = 3_600_000
_WATCH = "schedule "
_c = schedule_slot.c


@dataclass(frozen=True, slots=True)
class SlotKey:
    """``slot_ms`` is where it begins, by the clock of the venue, and ``session`` which clock that is."""

    exchange: str
    profile: str
    session: int
    slot_ms: int

    def row(self) -> ColumnElement[bool]:
        return and_(
            _c.exchange == self.exchange,
            _c.profile == self.profile,
            _c.session == self.session,
            _c.slot == self.slot_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot as it stands. ``slot_ms`` and ``begun_at`` are by the clock of the venue, ``recorded_at`` and
    ``ended_at`` by this machine's.
    """

    exchange: str
    profile: str
    slot_ms: int
    every_ms: int
    dry_run: bool
    process: str
    status: SlotStatus
    reason: str | None
    run_id: str | None
    begun_at: int
    recorded_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFilter:
    """What is None is not asked about. ``from_ms`` and ``to_ms`` bound where slots begin, both included."""

    exchange: str | None = None
    profile: str | None = None
    status: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """That some process runs the schedule of a profile, until when it last said so."""

    exchange: str
    profile: str
    about: str
    until: int


class Slots:
    """Every method raises `ScheduleUnavailable` where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self,
        key: SlotKey,
        *,
        run_id: str,
        every_ms: int,
        dry_run: bool,
        process: str,
        begun_at: int,
        now_ms: int,
    ) -> bool:
        """Whether the slot is the caller's to run; nobody else's then, ever.

        It is recorded as skipped, and nobody's, while an earlier slot of the profile is still run.
        """
        with failing_as(ScheduleUnavailable, "the slot cannot be taken"):
            async with self._database.write() as connection:
                values = {
                    "every_ms": every_ms,
                    "dry_run": dry_run,
                    "process": process,
                    "begun_at": begun_at,
                    "recorded_at": now_ms,
                }
                taking = {"status": "begun", "run_id": run_id, "alive_until": now_ms + ALIVE_MS}
                if not await _inserted(connection, key, values | taking):
                    return False
                if key.slot_ms % _HOUR_MS == 0:
                    old = now_ms - KEEP_DAYS * MS_PER_DAY
                    await connection.execute(delete(schedule_slot).where(_c.recorded_at < old))
                going = await connection.scalar(_still_run(key, now_ms))
                if going is None:
                    return True
                reason = f"the run of {iso(going)} was still going"
                ended = {"status": "skipped", "reason": reason, "run_id": None, "ended_at": now_ms}
                await connection.execute(update(schedule_slot).where(key.row()).values(ended))
                return False

    async def missed(
        self,
        keys: Sequence[SlotKey],
        reason: str,
        *,
        every_ms: int,
        dry_run: bool,
        process: str,
        begun_at: int,
        now_ms: int,
    ) -> None:
        """Records slots that nobody has taken as missed, so that nobody takes them any more."""
        with failing_as(ScheduleUnavailable, "missed slots cannot be recorded"):
            async with self._database.write() as connection:
                for key in keys:
                    values = {
                        "every_ms": every_ms,
                        "dry_run": dry_run,
                        "process": process,
                        "status": "missed",
                        "reason": reason,
                        "begun_at": begun_at,
                        "recorded_at": now_ms,
                        "ended_at": now_ms,
                    }
                    await _inserted(connection, key, values)

    async def still_run(self, key: SlotKey, now_ms: int) -> None:
        """Says that the run of the slot goes on."""
        with failing_as(ScheduleUnavailable, "the slot cannot be renewed"):
            async with self._database.write() as connection:
                alive = {"alive_until": now_ms + ALIVE_MS}
                await connection.execute(
                    update(schedule_slot).where(key.row(), _c.status == "begun").values(alive)
                )

    async def end(
        self, key: SlotKey, status: SlotStatus, reason: str | None, now_ms: int, *, ran: bool = True
    ) -> None:
        """Records what became of a slot that was taken; not ``ran``: there is no run of it."""
        with failing_as(ScheduleUnavailable, "the end of the slot cannot be recorded"):
            async with self._database.write() as connection:
                values = {"status": status, "reason": reason, "ended_at": now_ms}
                values |= {} if ran else {"run_id": None}
                await connection.execute(update(schedule_slot).where(key.row()).values(values))

    async def page(
        self, wanted: SlotFilter, *, now_ms: int, page: int = 1, page_size: int = 50
    ) -> Page[Slot]:
        """Slots that were taken or missed, newest first."""
        where = _where(wanted, now_ms)
        order = (_c.recorded_at.desc(), _c.slot.desc(), _c.exchange, _c.profile)
        with failing_as(ScheduleUnavailable, "the schedule cannot be read"):
            async with self._database.read() as connection:
                total = await connection.scalar(select(func.count()).select_from(schedule_slot).where(*where))
                query = select(schedule_slot).where(*where).order_by(*order)
                rows = await connection.execute(query.offset(offset_of(page, page_size)).limit(page_size))
                found = tuple(_slot(*row, now_ms=now_ms) for row in rows)
        return Page(found, page, page_size, total or 0)

    # Who runs it.

    async def watch(self, exchange: str, profile: str, process: str, about: str, now_ms: int) -> None:
        """Says that this process runs the schedule of a profile; one of those that do is remembered."""
        with failing_as(ScheduleUnavailable, "the schedule cannot be watched"):
            async with self._database.write() as connection:
                await leases.take(
                    connection, _watch_name(exchange, profile), process, ALIVE_MS, now_ms, about
                )

    async def leave(self, exchange: str, profile: str, process: str) -> None:
        """Says that this process has ended its schedule of a profile as it was told to."""
        with failing_as(ScheduleUnavailable, "the schedule cannot be left"):
            async with self._database.write() as connection:
                await leases.give_back(connection, _watch_name(exchange, profile), process)

    async def watches(self) -> Sequence[Watch]:
        """Profiles whose schedule a process runs, or has run until it died."""
        mine = lease.c.name.startswith(_WATCH, autoescape=True)
        with failing_as(ScheduleUnavailable, "the schedule cannot be read"):
            async with self._database.read() as connection:
                rows = await connection.execute(select(lease).where(mine).order_by(lease.c.name))
                return [_watch(row.name, row.about, row.until) for row in rows]


async def _inserted(connection: AsyncConnection, key: SlotKey, values: Mapping[str, object]) -> bool:
    row = {"exchange": key.exchange, "profile": key.profile, "session": key.session, "slot": key.slot_ms}
    statement = insert_into(connection, schedule_slot).values({**row, **values})
    done = await connection.execute(statement.on_conflict_do_nothing().returning(_c.slot))
    return done.first() is not None


def _still_run(key: SlotKey, now_ms: int) -> Select[tuple[int]]:
    return (
        select(_c.slot)
        .where(_c.exchange == key.exchange, _c.profile == key.profile, _c.session == key.session)
        .where(_c.slot != key.slot_ms, *_alive(now_ms))
        .limit(1)
    )


def _alive(now_ms: int) -> tuple[ColumnElement[bool], ...]:
    # A word of a clock that has been set back since would hold for as long as it was set back.
    said = _c.alive_until.between(now_ms + 1, now_ms + 2 * ALIVE_MS)
    return _c.status == "begun", said


def _where(wanted: SlotFilter, now_ms: int) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    for column, value in ((_c.exchange, wanted.exchange), (_c.profile, wanted.profile)):
        if value is not None:
            where.append(column == value)
    if wanted.status == "died":
        where.append(or_(_c.status == "died", and_(_c.status == "begun", not_(and_(*_alive(now_ms))))))
    elif wanted.status == "begun":
        where += _alive(now_ms)
    elif wanted.status is not None:
        where.append(_c.status == wanted.status)
    if wanted.from_ms is not None:
        where.append(_c.slot >= wanted.from_ms)
    if wanted.to_ms is not None:
        where.append(_c.slot <= wanted.to_ms)
    return where


def _slot(
    exchange: str,
    profile: str,
    session: int,
    slot: int,
    every_ms: int,
    dry_run: bool,
    process: str,
    status: SlotStatus,
    reason: str | None,
    run_id: str | None,
    begun_at: int,
    recorded_at: int,
    ended_at: int | None,
    alive_until: int | None,
    *,
    now_ms: int,
) -> Slot:
    if status == "begun" and not now_ms < (alive_until or 0) <= now_ms + 2 * ALIVE_MS:
        status, reason = "died", "its process ended before its run did"
    return Slot(
        exchange=exchange,
        profile=profile,
        slot_ms=slot,
        every_ms=every_ms,
        dry_run=dry_run,
        process=process,
        status=status,
        reason=reason,
        run_id=run_id,
        begun_at=begun_at,
        recorded_at=recorded_at,
        ended_at=ended_at,
    )


def _watch_name(exchange: str, profile: str) -> str:
    return f"{_WATCH}{exchange}:{profile}"


def _watch(name: str, about: str | None, until: int) -> Watch:
    exchange, _, profile = name.removeprefix(_WATCH).partition(":")
    return Watch(exchange=exchange, profile=profile, about=about or "", until=until)

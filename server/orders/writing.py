"""Changing intents, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import order_tables as t
from server.instants import machine_ms
from server.orders import rows
from server.orders.errors import ChangedMeanwhile, NoSuchOrder, OrderIsDone
from server.orders.holds import Hold, Release
from server.orders.intent import FINAL, Intent, IntentState, IntentStatus, NewEvent
from server.orders.reasons import GuardReason

GivenName = tuple[str, str, int]
"""Client order id, purpose, number: what a `Name` is."""

_SETTLED = ("state", "status", "reason", "decision", "attempt")
_i = t.order_intent.c

_earlier = t.order_event.alias("earlier")
_LAST = select(func.coalesce(func.max(_earlier.c.number), 0))
_NEXT = _LAST.where(_earlier.c.decision_key == bindparam("of_key")).scalar_subquery() + 1
_APPEND = insert(t.order_event).values(number=_NEXT)


class Change(TypedDict, total=False):
    """What a change may set; what is absent stays."""

    state: IntentState
    status: IntentStatus
    reason: str | None
    decision: Mapping[str, Any]
    attempt: int
    exchange_order_id: str | None
    progress: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Denied:
    """Why an intent was not recorded, and the facts of it in the types of JSON; nothing was changed."""

    reason: GuardReason
    facts: Mapping[str, Any]


async def insert_new(connection: AsyncConnection, intent: Intent, event: NewEvent) -> bool:
    """Stores the intent with its first event; False where its decision key has one already."""
    statement = rows.insert_into(connection, t.order_intent)
    statement = statement.on_conflict_do_nothing(index_elements=[_i.decision_key]).returning(_i.state)
    if (await connection.execute(statement, rows.intent_row(intent))).first() is None:
        return False
    await append(connection, intent.decision_key, [event])
    return True


def check_change(intent: Intent, change: Change) -> None:
    """Raises `OrderIsDone` and ``ValueError`` for what a change may not do."""
    changed = [name for name in _SETTLED if name in change and change.get(name) != getattr(intent, name)]
    if changed and intent.state in FINAL:
        raise OrderIsDone(
            f"{intent.decision_key} is {intent.state}; its {' and '.join(changed)} cannot change"
        )
    # What was sent and came to nothing goes back, to be sent again: its ticket stays as it was recorded.
    again = change.get("state") == "recorded" and intent.state in ("submitting", "resting")
    if "state" in changed and change.get("state") in ("deciding", "recorded") and not again:
        raise ValueError(f"an intent becomes {change.get('state')} by begin, record or reopen, not by change")


async def update_intent(
    connection: AsyncConnection,
    intent: Intent,
    changed: Intent,
    *,
    events: Sequence[NewEvent],
    names: Sequence[GivenName] = (),
    hold: Hold | Release | None = None,
) -> Intent:
    """Replaces the stored ``intent`` by ``changed``. Raises `ChangedMeanwhile`, `NoSuchOrder`."""
    key = intent.decision_key
    changed = replace(changed, version=intent.version + 1)
    values: dict[str, Any] = {"version": changed.version, "updated_at": changed.updated_at}
    for name in ("state", "status", "reason", "attempt", "exchange_order_id"):
        if getattr(changed, name) != getattr(intent, name):
            values[name] = getattr(changed, name)
    for name in ("decision", "progress"):
        if getattr(changed, name) != getattr(intent, name):
            values[name] = rows.text_of(getattr(changed, name))
    if changed.ticket != intent.ticket:
        values["ticket"] = rows.ticket_text(changed.ticket)
    updated = await connection.execute(
        update(t.order_intent).where(_i.decision_key == key, _i.version == intent.version).values(values)
    )
    if updated.rowcount != 1:
        if await connection.scalar(select(_i.decision_key).where(_i.decision_key == key)) is None:
            raise NoSuchOrder(key)
        raise ChangedMeanwhile(f"{key} is no longer at version {intent.version}")
    await append(connection, key, events)
    await give(connection, key, names)
    if isinstance(hold, Hold):
        await place(connection, intent, hold)
    elif hold is not None:
        await release(connection, intent)
    return changed


async def append(connection: AsyncConnection, key: str, events: Sequence[NewEvent]) -> None:
    """Adds events to a journey; the caller's update of the intent keeps others from doing so at once."""
    if events:
        new = [row | {"of_key": key} for row in rows.event_rows(key, events, machine_ms())]
        await connection.execute(_APPEND, new)


async def give(connection: AsyncConnection, key: str, names: Sequence[GivenName]) -> None:
    """Stores client order ids. Raises ``ValueError`` for one that was given for something else."""
    c = t.order_name.c
    for name, *of in names:
        row = {"client_order_id": name, "decision_key": key, "purpose": of[0], "number": of[1]}
        statement = rows.insert_into(connection, t.order_name).on_conflict_do_nothing()
        stored = await connection.execute(statement.returning(c.number), row)
        if stored.first() is not None:
            continue
        query = select(c.decision_key, c.purpose, c.number).where(c.client_order_id == name)
        known = (await connection.execute(query)).one()
        if (*known,) != (key, *of):
            raise ValueError(f"{name} is already {known[0]}'s, as {known[1]} {known[2]}")


async def place(connection: AsyncConnection, intent: Intent, hold: Hold) -> None:
    """Holds the intent's symbol, unless another intent's hold lasts longer."""
    if (hold.symbol, hold.decision_key) != (intent.symbol, intent.decision_key):
        raise ValueError(f"a hold of {hold.symbol} for {hold.decision_key} is not {intent.decision_key}'s")
    statement = rows.insert_into(connection, t.symbol_hold).values(
        exchange=intent.exchange,
        account=intent.account,
        symbol=hold.symbol,
        decision_key=hold.decision_key,
        cause=hold.cause,
        until=hold.until,
    )
    new, there = statement.excluded, t.symbol_hold.c
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[there.exchange, there.account, there.symbol],
            set_={"decision_key": new.decision_key, "cause": new.cause, "until": new.until},
            where=or_(
                there.decision_key == new.decision_key,
                there.until.is_not(None) & (new.until.is_(None) | (there.until <= new.until)),
            ),
        )
    )


async def release(connection: AsyncConnection, intent: Intent) -> None:
    """Ends the intent's own hold of its symbol."""
    c = t.symbol_hold.c
    await connection.execute(
        delete(t.symbol_hold).where(
            c.exchange == intent.exchange,
            c.account == intent.account,
            c.symbol == intent.symbol,
            c.decision_key == intent.decision_key,
        )
    )


async def may_have_left(connection: AsyncConnection, key: str) -> bool:
    """Whether a submission of this intent may have reached the venue."""
    c = t.order_event.c
    query = select(c.number).where(c.decision_key == key, c.kind == "submitting").limit(1)
    return await connection.scalar(query) is not None


def latest(intent: Intent, events: Sequence[NewEvent], at: int | None) -> int:
    """When the intent was changed: at ``at``, else with the last event."""
    if at is not None:
        return at
    return events[-1].at if events else intent.updated_at

"""Finding intents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.models.base import Side
from server.database import order_tables as t
from server.orders import rows
from server.orders.intent import UNDER_WAY, Event, Intent, IntentState, IntentStatus, Name

AT_ONCE = 500
"""Decision keys in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Every part that is given must hold. ``from_ms`` is the first instant of creation, ``to_ms`` the first
    after the last. ``states``: one of them; none given is any.
    """

    exchange: str | None = None
    account: str | None = None
    symbol: str | None = None
    profile: str | None = None
    states: tuple[IntentState, ...] = ()
    status: IntentStatus | None = None
    reason: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many intents stand so."""

    state: IntentState
    status: IntentStatus
    reason: str | None
    intents: int


@dataclass(frozen=True, slots=True)
class Tally:
    """All intents, counted. ``unsettled`` are those whose submission may have left and is not known to be
    accepted or refused; ``oldest_unsettled_at`` is when the one that waits longest last changed.
    """

    counts: tuple[Count, ...]
    unsettled: int
    oldest_unsettled_at: int | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An intent that is under way and whose row this version cannot read; ``error`` says what of it."""

    decision_key: str
    client_order_id: str
    symbol: str
    side: Side
    error: str


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Everything of one account that is under way, oldest first."""

    intents: tuple[Intent, ...]
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is under way at one venue. ``unsettled`` may have left, and nobody knows; ``unprotected`` have
    filled and are not known to have a stop.
    """

    under_way: int
    unsettled: int
    unprotected: int


Condition = ColumnElement[bool]

_i = t.order_intent.c
_INTENTS = select(*rows.INTENT)


async def by_key(connection: AsyncConnection, decision_key: str) -> Intent | None:
    """The intent of a decision key."""
    row = (await connection.execute(_INTENTS.where(_i.decision_key == decision_key))).first()
    return None if row is None else rows.intent_of(row)


async def by_name(connection: AsyncConnection, client_order_id: str) -> Intent | None:
    """The intent that gave out the client order id, or bears it itself."""
    n = t.order_name.c
    given = select(n.decision_key).where(n.client_order_id == client_order_id)
    own = select(_i.decision_key).where(_i.client_order_id == client_order_id)
    query = _INTENTS.where(_i.decision_key.in_(given.union(own)))
    row = (await connection.execute(query)).first()
    return None if row is None else rows.intent_of(row)


async def by_keys(connection: AsyncConnection, decision_keys: Iterable[str]) -> dict[str, Intent]:
    """Those that exist, by decision key."""
    wanted, found = sorted(set(decision_keys)), dict[str, Intent]()
    for start in range(0, len(wanted), AT_ONCE):
        some = _i.decision_key.in_(wanted[start : start + AT_ONCE])
        for row in await connection.execute(_INTENTS.where(some)):
            intent = rows.intent_of(row)
            found[intent.decision_key] = intent
    return found


async def names(connection: AsyncConnection, decision_key: str) -> tuple[Name, ...]:
    """Client order ids of one intent."""
    n = t.order_name.c
    query = select(n.client_order_id, n.purpose, n.number).where(n.decision_key == decision_key)
    return tuple(Name(*row) for row in await connection.execute(query.order_by(n.purpose, n.number)))


async def events(connection: AsyncConnection, decision_key: str) -> tuple[Event, ...]:
    """A journey, in order; an intent always has one."""
    c = t.order_event.c
    query = select(*rows.EVENT).where(c.decision_key == decision_key).order_by(c.number)
    return tuple(rows.event_of(row) for row in await connection.execute(query))


async def under_way(connection: AsyncConnection, exchange: str, account: str) -> tuple[Intent, ...]:
    """Intents of one account that are under way, oldest first."""
    query = _INTENTS.where(_i.exchange == exchange, _i.account == account, _i.state.in_(UNDER_WAY))
    found = await connection.execute(query.order_by(_i.created_at, _i.decision_key))
    return tuple(rows.intent_of(row) for row in found)


async def undecided(connection: AsyncConnection, exchange: str, account: str) -> tuple[Intent, ...]:
    """Intents of one account that were begun and have no plan yet, oldest first."""
    query = _INTENTS.where(_i.exchange == exchange, _i.account == account, _i.state == "deciding")
    found = await connection.execute(query.order_by(_i.created_at, _i.decision_key))
    return tuple(rows.intent_of(row) for row in found)


async def all_under_way(connection: AsyncConnection, exchange: str, account: str) -> UnderWay:
    """As `under_way`; a row that cannot be read keeps none of the others from being read."""
    query = _INTENTS.where(_i.exchange == exchange, _i.account == account, _i.state.in_(UNDER_WAY))
    intents, unreadable = list[Intent](), list[Unreadable]()
    for row in await connection.execute(query.order_by(_i.created_at, _i.decision_key)):
        try:
            intents.append(rows.intent_of(row))
        except (ValueError, TypeError) as error:
            said = str(error).partition("\n")[0]
            unreadable.append(Unreadable(row.decision_key, row.client_order_id, row.symbol, row.side, said))
    return UnderWay(tuple(intents), tuple(unreadable))


async def filtered(
    connection: AsyncConnection, wanted: OrderFilter, offset: int, limit: int
) -> tuple[tuple[Intent, ...], int]:
    """A slice of the intents that pass, newest first, and how many pass."""
    where = list(_conditions(wanted))
    total = await connection.scalar(select(func.count()).select_from(t.order_intent).where(*where))
    query = _INTENTS.where(*where).order_by(_i.created_at.desc(), _i.decision_key)
    found = await connection.execute(query.offset(offset).limit(limit))
    return tuple(rows.intent_of(row) for row in found), total or 0


async def tally(connection: AsyncConnection) -> Tally:
    """Every intent, counted."""
    query = select(_i.state, _i.status, _i.reason, func.count(), func.min(_i.updated_at))
    query = query.group_by(_i.state, _i.status, _i.reason).order_by(_i.state, _i.status, _i.reason)
    found = (await connection.execute(query)).all()
    waiting = [(count, oldest) for state, _, _, count, oldest in found if state == "submitting"]
    return Tally(
        tuple(Count(state, status, reason, count) for state, status, reason, count, _ in found),
        sum(count for count, _ in waiting),
        min((oldest for _, oldest in waiting), default=None),
    )


async def standings(connection: AsyncConnection) -> dict[str, Standing]:
    """What is under way, by the name of its venue."""
    query = select(_i.exchange, _i.state, _i.progress).where(_i.state.in_(UNDER_WAY)).order_by(_i.exchange)
    by_venue: dict[str, list[tuple[str, Any]]] = {}
    for exchange, state, progress in await connection.execute(query):
        by_venue.setdefault(exchange, []).append((state, json.loads(progress or "{}")))
    return {
        exchange: Standing(
            len(found),
            sum(state == "submitting" for state, _ in found),
            sum(progress.get("unprotected_since") is not None for _, progress in found),
        )
        for exchange, found in by_venue.items()
    }


def _conditions(wanted: OrderFilter) -> Iterator[Condition]:
    for name in ("exchange", "account", "symbol", "profile", "status", "reason"):
        value = getattr(wanted, name)
        if value is not None:
            yield _i[name] == value
    if wanted.states:
        yield _i.state.in_(wanted.states)
    if wanted.from_ms is not None:
        yield _i.created_at >= wanted.from_ms
    if wanted.to_ms is not None:
        yield _i.created_at < wanted.to_ms

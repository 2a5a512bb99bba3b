"""Finding switches, blacklisted and queued symbols, within the caller's connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import switch_tables as t
from server.switches.switch import (
    GLOBAL,
    Entry,
    Queued,
    Switch,
    SwitchCause,
    SwitchKey,
    SwitchScope,
    SwitchState,
)

_s, _b, _q = t.switch.c, t.blacklist.c, t.symbol_queue.c


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchFilter:
    """Every part that is given must hold; ``off``: whether it is off at the instant of asking."""

    scope: SwitchScope | None = None
    symbol: str | None = None
    cause: SwitchCause | None = None
    off: bool | None = None


async def state(connection: AsyncConnection, now_ms: int, symbol: str | None = None) -> SwitchState:
    """What is in force at ``now_ms``: everything, or what concerns one symbol, and the queue."""
    off, listed = select(*_s).where(_off(now_ms)), select(*_b).where(_listed(now_ms))
    if symbol is not None:
        off = off.where(or_(_s.scope == "global", _s.symbol == symbol))
        listed = listed.where(_b.symbol == symbol)
    found = [switch_of(row) for row in await connection.execute(off)]
    entries = [entry_of(row) for row in await connection.execute(listed)]
    return SwitchState(
        now_ms=now_ms,
        global_off=next((switch for switch in found if switch.key == GLOBAL), None),
        symbols={switch.key.symbol: switch for switch in found if switch.key.scope == "symbol"},
        timeframes={
            (switch.key.symbol, switch.key.timeframe): switch
            for switch in found
            if switch.key.scope == "timeframe"
        },
        blacklist={entry.symbol: entry for entry in entries},
        queued=await queue(connection),
    )


async def one(connection: AsyncConnection, key: SwitchKey) -> Switch | None:
    """The switch, if it was ever turned."""
    row = (await connection.execute(select(*_s).where(is_key(key)))).first()
    return None if row is None else switch_of(row)


async def queue(connection: AsyncConnection) -> tuple[Queued, ...]:
    """Symbols that the next run looks at, those that wait longest first."""
    found = await connection.execute(select(*_q).order_by(_q.queued_at, _q.symbol))
    return tuple(map(queued_of, found))


async def switches(
    connection: AsyncConnection, wanted: SwitchFilter, now_ms: int, offset: int, limit: int | None
) -> tuple[tuple[Switch, ...], int]:
    """A slice of the switches that were ever turned, by scope and symbol, and how many pass; without a limit
    all from ``offset`` on.
    """
    where = list(_conditions(wanted, now_ms))
    total = await connection.scalar(select(func.count()).select_from(t.switch).where(*where))
    query = select(*_s).where(*where).order_by(_s.scope, _s.symbol, _s.timeframe)
    found = await connection.execute(query.offset(offset).limit(limit))
    return tuple(map(switch_of, found)), total or 0


async def entries(
    connection: AsyncConnection, symbol: str | None, now_ms: int, offset: int, limit: int
) -> tuple[tuple[Entry, ...], int]:
    """A slice of the blacklist in force, by symbol, and how many there are."""
    where = [_listed(now_ms)] if symbol is None else [_listed(now_ms), _b.symbol == symbol]
    total = await connection.scalar(select(func.count()).select_from(t.blacklist).where(*where))
    found = await connection.execute(
        select(*_b).where(*where).order_by(_b.symbol).offset(offset).limit(limit)
    )
    return tuple(map(entry_of, found)), total or 0


def is_key(key: SwitchKey) -> ColumnElement[bool]:
    """The condition that finds one switch."""
    return and_(_s.scope == key.scope, _s.symbol == key.symbol, _s.timeframe == key.timeframe)


def switch_of(row: Sequence[Any]) -> Switch:
    """A switch from a row of its table."""
    scope, symbol, timeframe, on, cause, reason, actor, changed_at, until = row
    return Switch(
        key=SwitchKey(scope, symbol, timeframe),
        on=on,
        cause=cause,
        reason=reason,
        actor=actor,
        changed_at=changed_at,
        until=until,
    )


def entry_of(row: Sequence[Any]) -> Entry:
    """An entry of the blacklist from its row."""
    symbol, reason, actor, added_at, until = row
    return Entry(symbol=symbol, reason=reason, actor=actor, added_at=added_at, until=until)


def queued_of(row: Sequence[Any]) -> Queued:
    """A queued symbol from its row."""
    symbol, reason, actor, queued_at = row
    return Queued(symbol=symbol, reason=reason, actor=actor, queued_at=queued_at)


def _off(now_ms: int) -> ColumnElement[bool]:
    return and_(not_(_s.on), or_(_s.until.is_(None), _s.until > now_ms))


def _listed(now_ms: int) -> ColumnElement[bool]:
    return or_(_b.until.is_(None), _b.until > now_ms)


def _conditions(wanted: SwitchFilter, now_ms: int) -> Iterator[ColumnElement[bool]]:
    for name in ("scope", "symbol", "cause"):
        value = getattr(wanted, name)
        if value is not None:
            yield _s[name] == value
    if wanted.off is not None:
        yield _off(now_ms) if wanted.off else not_(_off(now_ms))

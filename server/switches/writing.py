"""Turning switches, within the caller's transaction; one writer at a time, whatever the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.models.service import ExclusionRules
from server.database import switch_tables as t
from server.orders import rows
from server.orders.locks import SWITCHES, lock
from server.switches import reading
from server.switches.switch import Entry, Exclusion, Queued, Switch, SwitchKey

MS_PER_SEC = 1000
RUN = "run"
"""Actor of what a run switches by itself."""

_s = t.switch.c


async def alone(connection: AsyncConnection) -> None:
    """Waits until nobody else changes switches, and nobody records an order because of them."""
    await lock(connection, SWITCHES)


async def put(connection: AsyncConnection, switch: Switch) -> None:
    """Stores a switch in place of what was there."""
    values = {
        "on": switch.on,
        "cause": switch.cause,
        "reason": switch.reason,
        "actor": switch.actor,
        "changed_at": switch.changed_at,
        "until": switch.until,
    }
    key = switch.key
    statement = rows.insert_into(connection, t.switch).values(
        scope=key.scope, symbol=key.symbol, timeframe=key.timeframe, **values
    )
    await connection.execute(
        statement.on_conflict_do_update(index_elements=[_s.scope, _s.symbol, _s.timeframe], set_=values)
    )


async def enqueue(connection: AsyncConnection, queued: Queued) -> None:
    """Has the next run look at the symbol; one that waits already keeps its place."""
    statement = rows.insert_into(connection, t.symbol_queue).values(
        symbol=queued.symbol, reason=queued.reason, actor=queued.actor, queued_at=queued.queued_at
    )
    await connection.execute(statement.on_conflict_do_nothing())


async def unqueue(connection: AsyncConnection, symbol: str) -> None:
    """Takes the symbol out of the queue."""
    await connection.execute(delete(t.symbol_queue).where(t.symbol_queue.c.symbol == symbol))


async def take_queue(connection: AsyncConnection) -> tuple[Queued, ...]:
    """Empties the queue; whoever deletes a row has it, so a symbol is taken once."""
    taken = await connection.execute(delete(t.symbol_queue).returning(*t.symbol_queue.c))
    found = map(reading.queued_of, taken)
    return tuple(sorted(found, key=lambda queued: (queued.queued_at, queued.symbol)))


async def exclude(
    connection: AsyncConnection, symbols: Iterable[str], now_ms: int, rules: ExclusionRules
) -> tuple[Exclusion, ...]:
    """Switches off what has an open position or order; what is off already is never off for less."""
    await alone(connection)
    return tuple([await _exclude(connection, symbol, now_ms, rules) for symbol in dict.fromkeys(symbols)])


async def _exclude(connection: AsyncConnection, symbol: str, now_ms: int, rules: ExclusionRules) -> Exclusion:
    key = SwitchKey.of_symbol(symbol)
    known = await reading.one(connection, key)
    if known is None or not known.off(now_ms):
        until = now_ms + rules.off_sec * MS_PER_SEC
        await put(
            connection,
            Switch(
                key=key,
                on=False,
                cause="has_open_orders_or_positions",
                reason="an open position or order of the symbol",
                actor=RUN,
                changed_at=now_ms,
                until=until,
            ),
        )
        return Exclusion(symbol, False, until)
    least = now_ms + rules.extend_sec * MS_PER_SEC
    if known.until is None or known.cause == "operator" or known.until >= least:
        return Exclusion(symbol, True, known.until)
    await put(connection, replace(known, changed_at=now_ms, until=least))
    return Exclusion(symbol, True, least)


async def reactivate(connection: AsyncConnection, active: Collection[str], now_ms: int) -> tuple[str, ...]:
    """Ends what `exclude` switched off, where the symbol is no longer active; the symbols that came on."""
    await alone(connection)
    wanted = reading.SwitchFilter(scope="symbol", cause="has_open_orders_or_positions")
    found, _ = await reading.switches(connection, wanted, now_ms, 0, None)
    over = [switch for switch in found if switch.key.symbol not in active]
    for switch in over:
        await connection.execute(delete(t.switch).where(reading.is_key(switch.key)))
    return tuple(switch.key.symbol for switch in over if switch.off(now_ms))


async def list_symbol(connection: AsyncConnection, entry: Entry) -> None:
    """Puts a symbol on the blacklist, in place of an entry it has."""
    c = t.blacklist.c
    values = {
        "reason": entry.reason,
        "actor": entry.actor,
        "added_at": entry.added_at,
        "until": entry.until,
    }
    statement = rows.insert_into(connection, t.blacklist).values(symbol=entry.symbol, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=[c.symbol], set_=values))


async def unlist_symbol(connection: AsyncConnection, symbol: str) -> Entry | None:
    """Takes a symbol off the blacklist; the entry it had."""
    c = t.blacklist.c
    gone = await connection.execute(delete(t.blacklist).where(c.symbol == symbol).returning(*c))
    row = gone.first()
    return None if row is None else reading.entry_of(row)

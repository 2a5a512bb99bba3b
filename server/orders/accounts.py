"""What is in force for one account: holds of its symbols and the loss of its day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import order_tables as t
from server.orders import rows
from server.orders.holds import DailyLoss, Hold, utc_day
from server.orders.locks import account_lock, lock

_NOTHING = Decimal(0)


async def holds(connection: AsyncConnection, exchange: str, account: str, now_ms: int) -> Sequence[Hold]:
    """Holds in force, by symbol."""
    c = t.symbol_hold.c
    in_force = or_(c.until.is_(None), c.until > now_ms)
    query = select(*rows.HOLD).where(c.exchange == exchange, c.account == account, in_force)
    return tuple(rows.hold_of(row) for row in await connection.execute(query.order_by(c.symbol)))


async def expire_holds(connection: AsyncConnection, now_ms: int) -> int:
    """Removes holds that are over."""
    removed = await connection.execute(delete(t.symbol_hold).where(t.symbol_hold.c.until <= now_ms))
    return removed.rowcount


async def daily_loss(connection: AsyncConnection, exchange: str, account: str, day: int) -> DailyLoss | None:
    """The stored loss of one day."""
    c = t.daily_loss.c
    query = select(*rows.DAILY_LOSS).where(c.exchange == exchange, c.account == account, c.day == day)
    row = (await connection.execute(query)).first()
    return None if row is None else rows.daily_loss_of(row)


async def observe_loss(
    connection: AsyncConnection, exchange: str, account: str, seen: DailyLoss
) -> DailyLoss:
    """Stores what was seen of the day's loss; forgiveness and a lock that is there are kept."""
    await lock(connection, account_lock(exchange, account))
    known = await daily_loss(connection, exchange, account, seen.day)
    if known is not None:
        seen = replace(seen, forgiven_usdt=known.forgiven_usdt, locked=known.locked)
    reached = seen.limit_usdt > 0 and seen.counted_usdt >= seen.limit_usdt
    seen = replace(seen, locked=seen.locked or reached)
    await _store(connection, exchange, account, seen)
    return seen


async def forgive(connection: AsyncConnection, exchange: str, account: str, now_ms: int) -> DailyLoss:
    """Takes the loss that was last seen off the day, and unlocks it."""
    await lock(connection, account_lock(exchange, account))
    day = utc_day(now_ms)
    known = await daily_loss(connection, exchange, account, day)
    if known is None:
        known = DailyLoss(day, False, _NOTHING, _NOTHING, _NOTHING, now_ms)
    # A gain is nothing to forgive, and what was forgiven stays so.
    forgiven = max(known.forgiven_usdt, known.loss_usdt, _NOTHING)
    reset = replace(known, locked=False, forgiven_usdt=forgiven, at=now_ms)
    await _store(connection, exchange, account, reset)
    return reset


async def _store(connection: AsyncConnection, exchange: str, account: str, loss: DailyLoss) -> None:
    values = {
        "locked": loss.locked,
        "loss_usdt": str(loss.loss_usdt),
        "limit_usdt": str(loss.limit_usdt),
        "forgiven_usdt": str(loss.forgiven_usdt),
        "at": loss.at,
    }
    statement = rows.insert_into(connection, t.daily_loss).values(
        exchange=exchange, account=account, day=loss.day, **values
    )
    c = t.daily_loss.c
    await connection.execute(
        statement.on_conflict_do_update(index_elements=[c.exchange, c.account, c.day], set_=values)
    )

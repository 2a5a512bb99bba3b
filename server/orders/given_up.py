"""Orders of an account that is no more: a paper session that another has taken the place of."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import order_tables as t
from server.orders import reading, writing
from server.orders.intent import FINAL, Intent, NewEvent
from server.orders.locks import account_lock, lock
from server.orders.reasons import ExecutionReason


async def give_up(
    connection: AsyncConnection, exchange: str, account: str, before_ms: int, now_ms: int
) -> tuple[Intent, ...]:
    """Ends what is not final and has had no event since ``before_ms`` (ms UTC of this machine), and removes
    the holds of all that has had none. A second time it finds nothing.
    """
    await lock(connection, account_lock(exchange, account))
    i, e = t.order_intent.c, t.order_event.c
    # The last event: an earlier session's order that was tried again since belongs to this one.
    idle = select(e.decision_key).group_by(e.decision_key).having(func.max(e.recorded_at) < before_ms)
    await connection.execute(
        delete(t.symbol_hold).where(
            t.symbol_hold.c.exchange == exchange,
            t.symbol_hold.c.account == account,
            t.symbol_hold.c.decision_key.in_(idle),
        )
    )
    of_account = (i.exchange == exchange, i.account == account)
    left = (*of_account, i.state.not_in(sorted(FINAL)), i.decision_key.in_(idle))
    keys = [str(key) for key in await connection.scalars(select(i.decision_key).where(*left))]
    found = await reading.by_keys(connection, keys)
    return tuple([await _end(connection, found[key], now_ms) for key in keys])


async def forget_day(connection: AsyncConnection, exchange: str, account: str) -> None:
    """The losses of an account that is no more lock no day of the next, nor is anything of it open."""
    for table in (t.daily_loss, t.open_state):
        await connection.execute(
            delete(table).where(table.c.exchange == exchange, table.c.account == account)
        )


async def _end(connection: AsyncConnection, intent: Intent, now_ms: int) -> Intent:
    reason = ExecutionReason.SESSION_GIVEN_UP
    had_position = intent.state in ("open", "closing")
    changed = replace(
        intent,
        state="closed" if had_position else "cancelled",
        status="error" if intent.status == "pending" else intent.status,
        reason=str(reason),
        updated_at=now_ms,
    )
    said = {"cause" if had_position else "reason": str(reason)}
    told = NewEvent(kind="closed" if had_position else "cancelled", at=now_ms, details=said)
    return await writing.update_intent(connection, intent, changed, events=[told])

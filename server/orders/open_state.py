"""What was open on an account when a run last read it at the venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import order_tables as t
from server.exchange.port import OpenOrder, Position
from server.orders import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenState:
    """Positions and resting orders as the venue showed both at ``at`` (ms UTC, its clock)."""

    at: int
    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...]

    @staticmethod
    def of(at: int, positions: Sequence[Position], orders: Sequence[OpenOrder]) -> OpenState:
        """What two lists that were both read show."""
        return OpenState(at=at, positions=tuple(positions), orders=tuple(orders))


async def keep(connection: AsyncConnection, exchange: str, account: str, state: OpenState) -> None:
    """Stores the state in place of the one before: what it does not show is not open any more."""
    values = {
        "at": state.at,
        "positions": msgspec.json.encode(state.positions).decode(),
        "orders": msgspec.json.encode(state.orders).decode(),
    }
    statement = rows.insert_into(connection, t.open_state).values(
        exchange=exchange, account=account, **values
    )
    c = t.open_state.c
    await connection.execute(
        statement.on_conflict_do_update(index_elements=[c.exchange, c.account], set_=values)
    )


async def kept(connection: AsyncConnection, exchange: str, account: str) -> OpenState | None:
    """The state that was stored last; None where none was, or an earlier version wrote it otherwise."""
    c = t.open_state.c
    query = select(c.at, c.positions, c.orders).where(c.exchange == exchange, c.account == account)
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    try:
        positions = msgspec.json.decode(row.positions, type=tuple[Position, ...])
        orders = msgspec.json.decode(row.orders, type=tuple[OpenOrder, ...])
    except msgspec.MsgspecError:
        return None
    return OpenState(at=row.at, positions=positions, orders=orders)

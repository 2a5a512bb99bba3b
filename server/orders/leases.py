"""Leases: one process at a time does what must not be done twice at once, until it ends or dies."""

from __future__ import annotations

from sqlalchemy import and_, case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import order_tables as t
from server.orders import rows


async def take(
    connection: AsyncConnection, name: str, holder: str, ttl_ms: int, now_ms: int, about: str | None = None
) -> bool:
    """Takes or renews a lease; False while another holder's lasts. ``about`` says for whom or what it is."""
    c = t.lease.c
    statement = rows.insert_into(connection, t.lease).values(
        name=name, holder=holder, until=now_ms + ttl_ms, since=now_ms, about=about
    )
    new = statement.excluded
    renewed = and_(c.holder == new.holder, c.until > now_ms)
    taken = await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[c.name],
            set_={
                "holder": new.holder,
                "until": new.until,
                "since": case((renewed, c.since), else_=new.since),
                "about": new.about,
            },
            where=or_(c.holder == new.holder, c.until <= now_ms),
        ).returning(c.name)
    )
    return taken.first() is not None


async def prolong(connection: AsyncConnection, name: str, holder: str, ttl_ms: int, now_ms: int) -> bool:
    """Renews a lease that ``holder`` still has, be it over or not; False where it was taken away."""
    c = t.lease.c
    mine = (c.name == name) & (c.holder == holder)
    renewed = await connection.execute(update(t.lease).where(mine).values(until=now_ms + ttl_ms))
    return renewed.rowcount == 1


async def until(connection: AsyncConnection, name: str) -> int | None:
    """When the lease ends unless it is renewed; None where nobody has it."""
    c = t.lease.c
    return await connection.scalar(select(c.until).where(c.name == name))


async def give_back(connection: AsyncConnection, name: str, holder: str) -> None:
    """Ends a lease that ``holder`` has."""
    c = t.lease.c
    await connection.execute(delete(t.lease).where(c.name == name, c.holder == holder))

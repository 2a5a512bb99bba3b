"""What writers of the same thing wait for. SQLite has one writer at a time anyway; PostgreSQL is told."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

HALT = "halt"
"""Held by whoever turns the kill switch; shared by those who record because it is off."""

SWITCHES = "switches"
"""Held by whoever changes a switch or the blacklist; shared by those who record because they let it pass."""

_ALONE = text("SELECT pg_advisory_xact_lock(:number)").bindparams(bindparam("number", type_=BigInteger))
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:number)").bindparams(
    bindparam("number", type_=BigInteger)
)


def account_lock(exchange: str, account: str) -> str:
    """The lock of one account."""
    return f"account {exchange} {account}"


async def lock(connection: AsyncConnection, name: str, *, shared: bool = False) -> None:
    """Waits until nobody else holds the lock (or only shares it); kept until the transaction ends."""
    if connection.dialect.name == "postgresql":
        digest = sha256(f"entrygate {name}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        await connection.execute(_SHARED if shared else _ALONE, {"number": number})

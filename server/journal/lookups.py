"""Names that rows refer to by number: symbols and reason codes.

They are few and never change, so they stay in memory once a transaction that used them is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_missing(
    connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Inserts the rows whose unique key is not there yet."""
    if rows:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        await connection.execute(insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])


@dataclass(slots=True)
class Names:
    """Numbers of one lookup table's names, both ways."""

    table: Table
    column: Column[Any]
    _ids: dict[str, int] = field(default_factory=dict[str, int])
    _names: dict[int, str] = field(default_factory=dict[int, str])

    async def numbered(self, connection: AsyncConnection, names: Iterable[str]) -> dict[str, int]:
        """A number for each name; new names are inserted. ``remember`` the answer once it is committed."""
        wanted = set(names)
        numbers = {name: self._ids[name] for name in wanted if name in self._ids}
        # In one order everywhere, so that two processes inserting the same names cannot wait for each other.
        if unknown := sorted(wanted - numbers.keys()):
            await insert_missing(connection, self.table, [{self.column.name: name} for name in unknown])
            numbers.update(await self._read(connection, unknown))
        return numbers

    def remember(self, numbers: Mapping[str, int]) -> None:
        """Keeps numbers that are stored for good."""
        self._ids.update(numbers)
        self._names.update({number: name for name, number in numbers.items()})

    async def find(self, connection: AsyncConnection, name: str) -> int | None:
        """The number of a name; ``None`` for one that was never stored."""
        if name not in self._ids:
            self.remember(await self._read(connection, [name]))
        return self._ids.get(name)

    async def names(
        self, connection: AsyncConnection, numbers: Iterable[int | None]
    ) -> Mapping[int | None, str]:
        """At least the names of these numbers."""
        if any(number is not None and number not in self._names for number in numbers):
            rows = await connection.execute(select(self.table.c.id, self.column))
            self.remember({name: number for number, name in rows})
        return {**self._names}

    async def _read(self, connection: AsyncConnection, names: Sequence[str]) -> dict[str, int]:
        found = dict[str, int]()
        for start in range(0, len(names), 500):
            some = names[start : start + 500]
            rows = await connection.execute(select(self.column, self.table.c.id).where(self.column.in_(some)))
            found.update({row[0]: row[1] for row in rows})
        return found

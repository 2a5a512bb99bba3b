"""Lookup tables: what rows refer to by number. They are small and only grow, so they stay in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

Key = tuple[str, ...]
"""A row of a lookup table without its number; no two rows have the same."""


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows whose unique key is not there yet."""
    if rows:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        connection.execute(insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])


@dataclass(slots=True)
class Lookup:
    """Numbers of one lookup table's rows, both ways."""

    table: Table
    columns: tuple[str, ...]
    _numbers: dict[Key, int] = field(default_factory=dict[Key, int])
    _keys: dict[int, Key] = field(default_factory=dict[int, Key])

    def numbered(self, connection: Connection, keys: Iterable[Key]) -> Mapping[Key, int]:
        """At least the numbers of these keys; new ones are inserted. ``remember`` them after the commit."""
        wanted = set(keys)
        if wanted <= self._numbers.keys():
            return self._numbers
        stored = self._rows(connection)
        # In one order everywhere, so that two processes inserting the same rows cannot wait for each other.
        if missing := sorted(wanted - stored.keys()):
            rows = [dict(zip(self.columns, key, strict=True)) for key in missing]
            insert_missing(connection, self.table, rows)
            stored = self._rows(connection)
        return stored

    def remember(self, numbers: Mapping[Key, int]) -> None:
        """Keeps numbers that are stored for good."""
        if numbers is not self._numbers:
            self._numbers.update(numbers)
            self._keys.update({number: key for key, number in numbers.items()})

    def find(self, connection: Connection, key: Key) -> int | None:
        """The number of a key; ``None`` where it was never stored."""
        if key not in self._numbers:
            self.load(connection)
        return self._numbers.get(key)

    def keys(self, connection: Connection, numbers: set[int]) -> Mapping[int, Key]:
        """At least the keys of these numbers."""
        return self._keys if numbers <= self._keys.keys() else self.load(connection)

    def load(self, connection: Connection) -> Mapping[int, Key]:
        """Every key there is at this moment."""
        self.remember(self._rows(connection))
        return self._keys

    def _rows(self, connection: Connection) -> dict[Key, int]:
        query = select(self.table.c.id, *(self.table.c[name] for name in self.columns))
        return {tuple(key): number for number, *key in connection.execute(query)}

"""Decisions of many runs, decided again together on what was stored of them.

What a timeframe said is not stored beside the facts it follows from: it is derived, over columns of many runs
at once. A day of 200 symbols takes about a second.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from engine.verdict import ProfileRules, VerdictBatch
from server.database import tables as t
from server.journal import codec
from server.journal.answers import Json
from server.journal.columns import StoredTimeframe, joined, redecide, rows_of, stored_timeframe
from server.journal.errors import NotRestorable
from server.journal.journal import CompileProfile, Journal
from server.journal.reading import RunFilter, conditions_of
from server.journal.walk_columns import WALK, StoredWalk, joined_walks, stored_walk, walk_rows

RUNS_AT_ONCE = 120


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run whose decisions are wanted."""

    number: int
    run_id: str
    as_of: int
    mode: str
    ruleset: int


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Rows of several runs; ``run_ids`` has one per row."""

    batch: VerdictBatch
    run_ids: tuple[str, ...]


@dataclass(slots=True)
class Stretches:
    """Reads decisions of a period, newest run first.

    ``symbol``: only its rows; ``run_id``: only that run. ``lost`` counts runs that this version cannot decide
    again as they were decided, by the cause: they are passed over.
    """

    journal: Journal
    compile_profile: CompileProfile
    wanted: RunFilter
    symbol: str | None = None
    run_id: str | None = None
    lost: dict[str, int] = field(default_factory=dict[str, int])
    _rules: dict[int, ProfileRules] = field(default_factory=dict[int, ProfileRules])

    async def read(self) -> AsyncGenerator[Stretch]:
        """Raises ``JournalError``."""
        for _, alike in groupby(await self.journal.ask(self._runs), lambda run: (run.ruleset, run.mode)):
            runs = list(alike)
            for start in range(0, len(runs), RUNS_AT_ONCE):
                some = runs[start : start + RUNS_AT_ONCE]
                try:
                    found = await self.journal.ask(lambda c, some=some: self._stretch(c, some))
                except NotRestorable as error:
                    self.lost[str(error)] = self.lost.get(str(error), 0) + len(some)
                    continue
                if found is not None:
                    yield found

    def _runs(self, connection: Connection) -> list[RunRef]:
        c = t.run.c
        query = select(c.id, c.run_id, c.as_of, c.mode, c.ruleset_id).where(*conditions_of(self.wanted))
        if self.run_id is not None:
            query = query.where(c.run_id == self.run_id)
        return [RunRef(*row) for row in connection.execute(query.order_by(c.id.desc()))]

    def _stretch(self, connection: Connection, runs: Sequence[RunRef]) -> Stretch | None:
        by_number = {run.number: run for run in runs}
        rosters = self._rosters(connection, runs)
        parts: dict[str, list[StoredTimeframe]] = {}
        walks: list[StoredWalk] = []
        order: list[tuple[int, int]] = []
        chosen: dict[tuple[int, int], list[int]] = {}
        for key, symbols in rosters.items():
            rows = [row for row, name in enumerate(symbols) if self.symbol in (None, name)]
            if rows:
                order.append(key)
                chosen[key] = rows
        if not order:
            return None
        stored = _stored(connection, runs)
        for key in order:
            size, rows = len(rosters[key]), np.array(chosen[key])
            for timeframe, layout, columns in stored.get(key, ()):
                whole = len(rows) == size
                if timeframe == WALK:
                    walk = stored_walk(layout, codec.expand(columns), size)
                    walks.append(walk if whole else walk_rows(walk, rows))
                    continue
                part = stored_timeframe(timeframe, layout, codec.expand(columns))
                parts.setdefault(timeframe, []).append(part if whole else rows_of(part, rows))
        symbols = tuple(rosters[key][row] for key in order for row in chosen[key])
        lengths = [len(chosen[key]) for key in order]
        of_runs = [by_number[number] for number, _ in order]
        batch = redecide(
            self._rules_of(connection, runs[0].ruleset),
            symbols,
            np.repeat(np.array([run.as_of for run in of_runs], dtype=np.int64), lengths),
            runs[0].mode,
            [joined(found) for found in parts.values()],
            joined_walks(walks),
        )
        run_ids = [run.run_id for run, length in zip(of_runs, lengths, strict=True) for _ in range(length)]
        return Stretch(batch, tuple(run_ids))

    def _rosters(
        self, connection: Connection, runs: Sequence[RunRef]
    ) -> Mapping[tuple[int, int], tuple[str, ...]]:
        """The symbols of each batch, newest run first."""
        c = t.run_part.c
        query = select(c.run_id, c.part, t.block.c.id, t.block.c.payload)
        query = query.join(t.block, t.block.c.id == c.symbols_id).where(_of(c.run_id, runs))
        wanted = {run.number for run in runs}
        read: dict[int, tuple[str, ...]] = {}
        found: dict[tuple[int, int], tuple[str, ...]] = {}
        for number, part, block, payload in connection.execute(query.order_by(c.run_id.desc(), c.part)):
            if number in wanted:
                if block not in read:
                    read[block] = tuple(codec.read_document(codec.expand(payload)))
                found[number, part] = read[block]
        return found

    def _rules_of(self, connection: Connection, ruleset: int) -> ProfileRules:
        if ruleset not in self._rules:
            query = select(t.ruleset.c.canonical).where(t.ruleset.c.id == ruleset)
            canonical: Json = codec.read_document(codec.expand(connection.execute(query).scalar_one()))
            self._rules[ruleset] = self.compile_profile(canonical)
        return self._rules[ruleset]


def _stored(
    connection: Connection, runs: Sequence[RunRef]
) -> dict[tuple[int, int], list[tuple[str, bytes, bytes]]]:
    """Per batch: timeframe, layout, and columns as they are stored, which zlib can tell are whole."""
    c, layouts, columns = t.run_block.c, t.block.alias(), t.block.alias()
    query = select(c.run_id, c.part, c.timeframe, layouts.c.id, layouts.c.payload, columns.c.payload)
    query = query.join(layouts, layouts.c.id == c.layout_id).join(columns, columns.c.id == c.columns_id)
    found: dict[tuple[int, int], list[tuple[str, bytes, bytes]]] = {}
    read: dict[int, bytes] = {}
    for number, part, timeframe, block, layout, payload in connection.execute(
        query.where(_of(c.run_id, runs))
    ):
        if block not in read:
            read[block] = codec.expand(layout)
        found.setdefault((number, part), []).append((timeframe, read[block], payload))
    return found


def _of(column: ColumnElement[int], runs: Sequence[RunRef]) -> ColumnElement[bool]:
    """Of these runs: neighbours are read as a range, and what lies between is passed over."""
    numbers = [run.number for run in runs]
    near = max(numbers) - min(numbers) < 2 * len(numbers)
    return column.between(min(numbers), max(numbers)) if near else column.in_(numbers)

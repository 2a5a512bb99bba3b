"""A batch of verdicts as blocks to store, and back.

Per timeframe there is a *layout* (which facts in which order, which conditions) and its *columns*: the health
of the candles of every row, then the facts and the outcomes. An execution timeframe only speaks for symbols
whose context is valid, so its facts and outcomes are stored for those rows. Where a timeframe is switched off
for some rows, a bit per row says for which. Where the profile walks over the execution timeframes, the
metrics of those rows and the outcomes of the conditions of its selector are one more block, under ``WALK``
instead of a timeframe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.expression import FactRef
from engine.facts import Health, Recorded
from engine.verdict import ProfileRules, VerdictBatch, decide
from server.journal import codec
from server.journal.errors import NotRestorable
from server.journal.walk_columns import WALK, StoredWalk, compare_walk, walk_content

Rows = NDArray[np.bool_]
Codes = NDArray[np.int8]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_HEALTH = ("candles", "in_row", "missing", "newest", "window_start", "close")


@dataclass(frozen=True, slots=True)
class TimeframeContent:
    """What is stored of one timeframe, or of the walk, before compression."""

    timeframe: str
    layout: bytes
    columns: bytes


@dataclass(frozen=True, slots=True, eq=False)
class StoredTimeframe:
    """What was stored: ``facts`` and ``switched_off`` ``(rows,)``, ``codes`` ``(conditions, kept rows)``."""

    timeframe: str
    health: Health
    kept: Rows
    facts: Mapping[FactRef, Floats]
    conditions: tuple[str, ...]
    codes: Codes
    switched_off: Rows


def reached(batch: VerdictBatch) -> Rows:
    """Rows whose execution timeframes were looked at: sound candles and a valid context."""
    return (batch.data_check < 0) & (batch.context_check < 0)


def contents(batch: VerdictBatch) -> Iterator[TimeframeContent]:
    """What to store of a batch, per timeframe.

    A fact that two timeframes read is stored with the first; one that is the newest close everywhere is not
    stored beside it.
    """
    rows = len(batch)
    everyone, some = np.ones(rows, dtype=np.bool_), reached(batch)
    stored: set[FactRef] = set()
    for timeframe, health in batch.health.items():
        program = batch.rules.timeframes.get(timeframe)
        refs: tuple[FactRef, ...] = () if program is None else program.program.refs
        fresh = [index for index, ref in enumerate(refs) if ref not in stored]
        stored.update(refs)
        kept = everyone if timeframe in batch.rules.context else some
        facts, codes = np.empty((0, rows)), np.empty((0, rows), dtype=np.int8)
        if program is not None:
            facts, codes = batch.columns[timeframe], batch.codes[timeframe]
        closes = [index for index in fresh if _same(facts[index, kept], health.close[kept])]
        fresh = [index for index in fresh if index not in closes]
        facts = facts[fresh]
        layout: dict[str, Any] = {
            "facts": [list(refs[index]) for index in fresh],
            "closes": [list(refs[index]) for index in closes],
            "conditions": [] if program is None else list(program.labels),
        }
        arrays = [getattr(health, name) for name in _HEALTH]
        arrays += [np.packbits(kept), facts[:, kept], codec.pack_outcomes(codes[:, kept])]
        if timeframe in batch.switched_off:
            layout["switched_off"] = True
            arrays.append(np.packbits(batch.switched_off[timeframe]))
        yield TimeframeContent(timeframe, codec.document(layout), codec.pack(arrays))

    if batch.rules.walk is not None and batch.walk is not None:
        yield TimeframeContent(WALK, *walk_content(batch.rules.walk, batch.walk, some))


def _same(one: Floats, other: Floats) -> bool:
    """Bit for bit, so that what is restored is what was there, NaN and signed zero included."""
    return one.tobytes() == other.tobytes()


def stored_timeframe(timeframe: str, layout: bytes, columns: bytes) -> StoredTimeframe:
    """Reads what ``contents`` made."""
    described = codec.read_document(layout)
    refs, closes = ([FactRef(*ref) for ref in described[key]] for key in ("facts", "closes"))
    conditions = tuple(described["conditions"])
    arrays = codec.unpack(columns)
    off = arrays.pop() if "switched_off" in described else None
    *health, mask, values, packed = arrays
    rows = len(health[0])
    kept = np.unpackbits(mask, count=rows).astype(np.bool_)
    switched_off = np.zeros(rows, dtype=np.bool_)
    if off is not None:
        switched_off = np.unpackbits(off, count=rows).astype(np.bool_)
    facts = {ref: np.full(rows, np.nan) for ref in (*refs, *closes)}
    for ref, column in zip(refs, values, strict=True):
        facts[ref][kept] = column
    for ref in closes:
        facts[ref][kept] = health[-1][kept]
    codes = codec.unpack_outcomes(packed, (len(conditions), int(kept.sum())))
    return StoredTimeframe(timeframe, Health(*health), kept, facts, conditions, codes, switched_off)


def rows_of(part: StoredTimeframe, rows: NDArray[np.intp]) -> StoredTimeframe:
    """Some rows of what was stored, in this order."""
    places = np.cumsum(part.kept) - 1
    return StoredTimeframe(
        part.timeframe,
        Health(*(getattr(part.health, name)[rows] for name in _HEALTH)),
        part.kept[rows],
        {ref: column[rows] for ref, column in part.facts.items()},
        part.conditions,
        part.codes[:, places[rows[part.kept[rows]]]],
        part.switched_off[rows],
    )


def joined(parts: Sequence[StoredTimeframe]) -> StoredTimeframe:
    """One timeframe of several batches under the same rules, one after the other."""
    first = parts[0]
    if any(part.conditions != first.conditions or part.facts.keys() != first.facts.keys() for part in parts):
        raise NotRestorable(f"batches of the same rules were stored with other columns of {first.timeframe}")
    return StoredTimeframe(
        first.timeframe,
        Health(*(np.concatenate([getattr(part.health, name) for part in parts]) for name in _HEALTH)),
        np.concatenate([part.kept for part in parts]),
        {ref: np.concatenate([part.facts[ref] for part in parts]) for ref in first.facts},
        first.conditions,
        np.concatenate([part.codes for part in parts], axis=1),
        np.concatenate([part.switched_off for part in parts]),
    )


def redecide(
    rules: ProfileRules,
    symbols: tuple[str, ...],
    as_of: int | Integers,
    mode: str,
    parts: Sequence[StoredTimeframe],
    walk: StoredWalk | None = None,
) -> VerdictBatch:
    """Decides again on stored facts; ``as_of`` is one instant or one per row.

    Raises ``NotRestorable`` where it does not come out as it was stored.
    """
    facts = {ref: column for part in parts for ref, column in part.facts.items()}
    stored = {part.timeframe: part for part in parts}
    if stored.keys() != rules.plans.keys():
        told = f"{', '.join(stored)} are stored and {', '.join(rules.plans)} are read"
        raise NotRestorable(f"the rules have other timeframes: {told}")
    for timeframe, program in rules.timeframes.items():
        if lost := [str(ref) for ref in program.program.refs if ref not in facts]:
            raise NotRestorable(f"on {timeframe} the rules read {', '.join(lost)}, which was not stored")
    health = {timeframe: part.health for timeframe, part in stored.items()}
    if (rules.walk is None) != (walk is None):
        raise NotRestorable("the rules and what is stored do not select the execution timeframe alike")
    instants = np.broadcast_to(np.asarray(as_of, dtype=np.int64), len(symbols))
    source = Recorded(symbols, instants, facts, health)
    off = {part.timeframe: part.switched_off for part in parts}
    batch = decide(rules, source, mode, None if walk is None else walk.metrics, off)
    for timeframe in rules.plans:
        _compare(batch, stored[timeframe])
    if walk is not None:
        compare_walk(batch, walk)
    return batch


def _compare(batch: VerdictBatch, part: StoredTimeframe) -> None:
    program = batch.rules.timeframes.get(part.timeframe)
    if (() if program is None else program.labels) != part.conditions:
        raise NotRestorable(f"the conditions of {part.timeframe} are not the stored ones")
    if program is None:
        return
    if part.timeframe not in batch.rules.context and not np.array_equal(reached(batch), part.kept):
        raise NotRestorable(f"other symbols reach {part.timeframe} than did then")
    for label, now, then in zip(
        program.labels, batch.codes[part.timeframe][:, part.kept], part.codes, strict=True
    ):
        if not np.array_equal(now, then):
            raise NotRestorable(f"{label} on {part.timeframe} does not come out as it was stored")

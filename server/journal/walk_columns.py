"""The walk of a batch over its execution timeframes as blocks to store, and back.

Stored are the metrics, so that a decision is explained with those of then, and what the selector's conditions
came to; of the rows whose execution timeframes were looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.ruleset.walk import WalkProgram
from engine.verdict import VerdictBatch
from engine.verdict.selection import WalkColumns
from server.journal import codec
from server.journal.errors import NotRestorable

Rows = NDArray[np.bool_]
Codes = NDArray[np.int8]
Floats = NDArray[np.float64]

WALK = "walk"
"""Stands in the place of a timeframe."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredWalk:
    """The metrics ``(rows,)`` as they were, NaN where unknown, and ``codes`` ``(conditions, kept rows)``."""

    kept: Rows
    metrics: Mapping[str, Floats]
    conditions: tuple[str, ...]
    codes: Codes


def walk_content(walk: WalkProgram, columns: WalkColumns, kept: Rows) -> tuple[bytes, bytes]:
    """The layout and the columns to store."""
    layout = {"metrics": [metric.name for metric in walk.metrics], "conditions": list(walk.labels)}
    codes = columns.outcomes.codes()
    arrays = [np.packbits(kept), columns.metrics[:, kept], codec.pack_outcomes(codes[:, kept])]
    return codec.document(layout), codec.pack(arrays)


def stored_walk(layout: bytes, columns: bytes, rows: int) -> StoredWalk:
    """Reads what ``walk_content`` made of so many rows."""
    described = codec.read_document(layout)
    conditions = tuple(described["conditions"])
    mask, values, packed = codec.unpack(columns)
    kept = np.unpackbits(mask, count=rows).astype(np.bool_)
    metrics = {name: np.full(rows, np.nan) for name in described["metrics"]}
    for name, column in zip(described["metrics"], values, strict=True):
        metrics[name][kept] = column
    codes = codec.unpack_outcomes(packed, (len(conditions), int(kept.sum())))
    return StoredWalk(kept, metrics, conditions, codes)


def walk_rows(walk: StoredWalk, rows: NDArray[np.intp]) -> StoredWalk:
    """Some rows of what was stored, in this order."""
    places = np.cumsum(walk.kept) - 1
    return StoredWalk(
        walk.kept[rows],
        {name: column[rows] for name, column in walk.metrics.items()},
        walk.conditions,
        walk.codes[:, places[rows[walk.kept[rows]]]],
    )


def joined_walks(walks: Sequence[StoredWalk]) -> StoredWalk | None:
    """Those of several batches under the same rules, one after the other; None of none."""
    if not walks:
        return None
    first = walks[0]
    if any(w.conditions != first.conditions or w.metrics.keys() != first.metrics.keys() for w in walks):
        raise NotRestorable("batches of the same rules were stored with other metrics")
    return StoredWalk(
        np.concatenate([walk.kept for walk in walks]),
        {name: np.concatenate([walk.metrics[name] for walk in walks]) for name in first.metrics},
        first.conditions,
        np.concatenate([walk.codes for walk in walks], axis=1),
    )


def compare_walk(batch: VerdictBatch, stored: StoredWalk) -> None:
    """Raises ``NotRestorable`` where the selector's conditions do not come out as they were stored."""
    walk, columns = batch.rules.walk, batch.walk
    if walk is None or columns is None or walk.labels != stored.conditions:
        raise NotRestorable("the conditions of the execution selector are not the stored ones")
    if lost := [metric.name for metric in walk.metrics if metric.name not in stored.metrics]:
        raise NotRestorable(f"the execution selector reads {', '.join(lost)}, which was not stored")
    for label, now, then in zip(
        walk.labels, columns.outcomes.codes()[:, stored.kept], stored.codes, strict=True
    ):
        if not np.array_equal(now, then):
            raise NotRestorable(f"{label} of the execution selector does not come out as it was stored")

"""Which execution timeframe a row is left with, among those that are valid.

``highest_valid`` takes the first. ``walk`` goes from the first downwards and asks the groups of each
timeframe, whose members are conditions on metrics: members that are unknown are ignored, and a group of which
every member is ignored is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.expression import FactRef
from engine.facts import FactSource
from engine.rules import Outcomes
from engine.ruleset.walk import Trees, WalkProgram
from engine.truth import Truth

Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]
Floats = NDArray[np.float64]

StepName = Literal["not_reached", "not_a_candidate", "selected", "left", "not_allowed", "selected_by_default"]
STEPS: tuple[StepName, ...] = (
    "not_reached",
    "not_a_candidate",
    "selected",
    "left",
    "not_allowed",
    "selected_by_default",
)
NOT_REACHED, NOT_A_CANDIDATE, SELECTED, LEFT, NOT_ALLOWED, BY_DEFAULT = range(len(STEPS))


@dataclass(frozen=True, slots=True, eq=False)
class WalkColumns:
    """How the walk went. ``metrics`` is ``(metrics, rows)``; the groups, ``step`` (an index into ``STEPS``)
    and ``visited`` (whether the groups were asked) have one entry per execution timeframe.
    """

    metrics: Floats
    outcomes: Outcomes
    stay: tuple[Truth, ...]
    drop: tuple[Truth, ...]
    forbid: tuple[Truth, ...]
    one_minute: Bools
    step: Codes
    visited: Bools


def highest_valid(candidates: Bools) -> Codes:
    """Index of each row's first candidate, -1 where there is none; ``candidates``: ``(timeframes, rows)``."""
    first = np.full(candidates.shape[1], -1, dtype=np.int8)
    for index, valid in enumerate(candidates):
        first[(first < 0) & valid] = index
    return first


def metric_columns(walk: WalkProgram, source: FactSource, given: Mapping[str, Floats]) -> Floats:
    """The metrics of every row, ``(metrics, rows)``: given ones as they are, the others computed."""
    rows = len(source.symbols)
    columns = np.full((len(walk.metrics), rows), np.nan)
    read: dict[FactRef, Floats] = {}
    with np.errstate(all="ignore"):
        for index, metric in enumerate(walk.metrics):
            if metric.name in given:
                columns[index] = given[metric.name]
            elif metric.compute is not None:
                for ref in metric.refs:
                    if ref not in read:
                        read[ref] = source.column(ref)
                columns[index] = metric.compute([read[ref] for ref in metric.refs])
    columns[~np.isfinite(columns)] = np.nan
    return columns


def with_given(walk: WalkProgram, columns: Floats, given: Mapping[str, Floats]) -> Floats:
    """The same metrics with the given ones put in their place."""
    changed = columns.copy()
    for index, metric in enumerate(walk.metrics):
        if metric.name in given:
            changed[index] = np.where(np.isfinite(given[metric.name]), given[metric.name], np.nan)
    return changed


def walked(walk: WalkProgram, candidates: Bools, metrics: Floats) -> tuple[Codes, WalkColumns]:
    """The selected index per row, -1 where the walk comes to none, and how it went."""
    rows = candidates.shape[1]
    outcomes = walk.program.run(list(metrics), rows)
    stay = tuple(every(outcomes, groups.stay, rows) for groups in walk.groups)
    drop = tuple(some(outcomes, groups.drop, rows) for groups in walk.groups)
    forbid = tuple(some(outcomes, groups.forbid, rows) for groups in walk.groups)
    one_minute = np.ones(rows, dtype=np.bool_)
    if walk.one_minute is not None:
        one_minute = some(outcomes, walk.one_minute, rows).true

    selected = np.full(rows, -1, dtype=np.int8)
    step = np.full(candidates.shape, NOT_REACHED, dtype=np.int8)
    visited = np.zeros(candidates.shape, dtype=np.bool_)
    for index, groups in enumerate(walk.groups):
        here = candidates[index] & (selected < 0)
        step[index, ~candidates[index]] = NOT_A_CANDIDATE
        down = drop[index].true & ~forbid[index].true
        if groups.transition:
            down = down | stay[index].false
        down = down & ~stay[index].true
        barred = ~one_minute if walk.is_one_minute(groups) else np.zeros(rows, dtype=np.bool_)
        take = here & ~down & ~barred
        visited[index] = here
        step[index, here & down] = LEFT
        step[index, here & barred] = NOT_ALLOWED
        step[index, take] = SELECTED
        selected[take] = index
    for index, groups in enumerate(walk.groups):
        if groups.timeframe == walk.default:
            fallen = (selected < 0) & candidates[index] & (step[index] != NOT_ALLOWED)
            step[index, fallen] = BY_DEFAULT
            selected[fallen] = index
    return selected, WalkColumns(metrics, outcomes, stay, drop, forbid, one_minute, step, visited)


def wanting(walk: WalkProgram, columns: WalkColumns, metric: str) -> Bools:
    """Rows whose selection may turn on a metric that is not known there."""
    names = [program.name for program in walk.metrics]
    rows = len(columns.one_minute)
    if metric not in names:
        return np.zeros(rows, dtype=np.bool_)
    wanted: Bools = np.zeros(rows, dtype=np.bool_)
    for index, groups in enumerate(walk.groups):
        stays, drops, forbids = (
            walk.reads(members, metric) for members in (groups.stay, groups.drop, groups.forbid)
        )
        unsettled = ~columns.stay[index].true
        turns: Bools = np.full(rows, stays, dtype=np.bool_) | (unsettled & drops)
        turns |= unsettled & (columns.drop[index].true | drops) & forbids
        if groups.transition:
            turns &= ~columns.stay[index].false
        if groups.timeframe == walk.default:  # left or not, it is selected where nothing is below it
            turns &= (columns.step[index + 1 :] != NOT_A_CANDIDATE).any(axis=0)
        if walk.is_one_minute(groups) and walk.one_minute is not None:
            turns |= walk.reads(walk.one_minute, metric) & ~columns.one_minute
        wanted |= columns.visited[index] & turns
    unknown: Bools = np.isnan(columns.metrics[names.index(metric)])
    return wanted & unknown


def every(outcomes: Outcomes, members: Trees, rows: int) -> Truth:
    """All of the members that are known; undecided where none is."""
    held, missed = _known(outcomes, members, rows)
    return Truth(held & ~missed, missed)


def some(outcomes: Outcomes, members: Trees, rows: int) -> Truth:
    """One of the members that are known; undecided where none is."""
    held, missed = _known(outcomes, members, rows)
    return Truth(held, missed & ~held)


def _known(outcomes: Outcomes, members: Trees, rows: int) -> tuple[Bools, Bools]:
    """Where one member holds, and where one does not."""
    held, missed = np.zeros(rows, dtype=np.bool_), np.zeros(rows, dtype=np.bool_)
    for tree in members:
        truth = outcomes.of(tree)
        held |= truth.true
        missed |= truth.false
    return held, missed

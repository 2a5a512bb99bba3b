"""Running the conditions of one timeframe over columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.expression import FactRef
from engine.expression.program import Masks, combine
from engine.rules.catalogue import Instance, LinkedTree
from engine.truth import Mask, Truth

CHUNK = 8192
"""Rows evaluated together: masks and columns of a chunk stay in the processor's cache."""

Step = Callable[[Sequence[Any], list[Masks]], Masks]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Every instance's outcome per row: two masks of shape ``(instances, rows)``."""

    true: NDArray[np.bool_]
    false: NDArray[np.bool_]

    def of(self, tree: LinkedTree) -> Truth:
        """A tree's outcome, from its members' outcomes."""
        if tree.op == "leaf":
            return Truth(self.true[tree.leaf], self.false[tree.leaf])
        members = [self.of(member) for member in tree.members]
        if tree.op == "not":
            return ~members[0]
        yes, no = combine("and" if tree.op == "all_of" else "or", [(m.true, m.false) for m in members])
        return Truth(yes, no)

    def codes(self) -> NDArray[np.int8]:
        """``engine.truth`` codes, ``(instances, rows)``."""
        codes = np.full(self.true.shape, 2, dtype=np.int8)
        codes[self.true] = 1
        codes[self.false] = 0
        return codes


class RuleProgram:
    """Instances of one timeframe in an order in which members come first."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self.instances = tuple(instances)
        refs = [ref for i in instances if i.binding is not None for ref in i.binding.facts()]
        self.refs: tuple[FactRef, ...] = tuple(dict.fromkeys(refs))
        slots = {ref: slot for slot, ref in enumerate(self.refs)}
        self._steps: tuple[Step, ...] = tuple(_step(instance, slots) for instance in instances)

    def run(self, columns: Sequence[NDArray[np.float64]], rows: int) -> Outcomes:
        """``columns`` follow ``refs``, each float64 ``(rows,)`` with NaN where unknown."""
        shape = (len(self._steps), rows)
        true: Mask = np.empty(shape, dtype=np.bool_)
        false: Mask = np.empty(shape, dtype=np.bool_)
        with np.errstate(all="ignore"):
            if rows <= CHUNK:
                self._chunk(columns, true, false)
            else:
                for start in range(0, rows, CHUNK):
                    part = slice(start, min(rows, start + CHUNK))
                    self._chunk([column[part] for column in columns], true[:, part], false[:, part])
        return Outcomes(true, false)

    def _chunk(self, columns: Sequence[Any], true: Mask, false: Mask) -> None:
        done: list[Masks] = []
        for index, step in enumerate(self._steps):
            yes, no = step(columns, done)
            done.append((yes, no))
            true[index], false[index] = yes, no


def _step(instance: Instance, slots: dict[FactRef, int]) -> Step:
    if instance.binding is not None:
        predicate = instance.binding.compile(slots.__getitem__)
        return lambda columns, _done: predicate(columns)
    tree = instance.tree
    if tree is None:
        raise TypeError(f"condition '{instance.name}' is neither an expression nor a tree")
    return lambda _columns, done: _masks(tree, done)


def _masks(tree: LinkedTree, done: list[Masks]) -> Masks:
    if tree.op == "leaf":
        return done[tree.leaf]
    members = [_masks(member, done) for member in tree.members]
    if tree.op == "not":
        return members[0][1], members[0][0]
    return combine("and" if tree.op == "all_of" else "or", members)

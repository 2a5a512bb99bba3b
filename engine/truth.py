"""A column of pass / fail / unknown, on two masks.

A row is *true* where ``true`` is set, *false* where ``false`` is set, unknown where neither is; both are
never set. ``not`` swaps the masks, so three-valued logic (Kleene, *Introduction to Metamathematics*, §64)
costs what two-valued logic costs and needs no third array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

FAIL, PASS, UNKNOWN = 0, 1, 2
"""Codes of an outcome where outcomes are stored as small integers."""

OUTCOME_NAMES = ("fail", "pass", "unknown")


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Outcome per row; both masks have the shape of the rows."""

    true: Mask
    false: Mask

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.true & other.true, self.false | other.false)

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.true | other.true, self.false & other.false)

    def __invert__(self) -> Truth:
        return Truth(self.false, self.true)

    @property
    def unknown(self) -> Mask:
        """Rows with neither outcome."""
        return ~(self.true | self.false)

    def codes(self) -> NDArray[np.int8]:
        """``PASS``, ``FAIL`` or ``UNKNOWN`` per row."""
        return np.where(self.true, PASS, np.where(self.false, FAIL, UNKNOWN)).astype(np.int8)

    @staticmethod
    def of(outcomes: Sequence[bool | None]) -> Truth:
        """From one ``True``, ``False`` or ``None`` (unknown) per row."""
        return Truth(
            np.array([o is True for o in outcomes], dtype=np.bool_),
            np.array([o is False for o in outcomes], dtype=np.bool_),
        )

    def to_list(self) -> list[bool | None]:
        """One ``True``, ``False`` or ``None`` per row."""
        return [True if t else False if f else None for t, f in zip(self.true, self.false, strict=True)]

"""A linked gate, decided for one row or for a column of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from engine.expression import Binding, Expression, FactRef, Scope
from engine.expression.program import Predicate, finite
from engine.expression.trace import Trace, trace
from engine.models.gate import Check, GateDocument

GateValue = float | int | Decimal | bool | str | None
PASSED = -1
"""Index of the rejecting check where none rejected."""


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One check: its reason, what it says, and what an unknown outcome means."""

    reason: str
    rejects_as: str
    if_unknown: Literal["reject", "ignore"]
    binding: Binding
    summary: str | None
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What a gate said of one row, and the facts its rejecting check read."""

    passed: bool
    reason: str | None = None
    outward: str | None = None
    status: str | None = None
    unknown: tuple[str, ...] = ()
    values: Mapping[str, GateValue] = field(default_factory=dict[str, GateValue])

    @property
    def blocked_by(self) -> str | None:
        """The check's own reason where the gate speaks with one outward reason."""
        return self.reason if self.reason != self.outward else None


@dataclass(frozen=True, slots=True)
class GateColumns:
    """Per row the index of the rejecting check (``PASSED`` where none), and whether it was unknown."""

    check: NDArray[np.int8]
    unknown: NDArray[np.bool_]


class Gate:
    """Immutable; ``Gate.link`` raises ``ExpressionError`` for an expression that does not fit the facts."""

    def __init__(self, document: GateDocument, checks: tuple[GateCheck, ...]) -> None:
        self.document = document
        self.name = document.gate
        self.rejects_as = document.rejects_as
        self.reason = document.reason
        self.facts: Mapping[str, str] = {name: fact.unit for name, fact in document.facts.items()}
        self.checks = checks
        self._slots = {name: index for index, name in enumerate(self.facts)}
        self._programs: tuple[Predicate, ...] = tuple(
            check.binding.compile(lambda ref: self._slots[ref.name]) for check in checks
        )

    @staticmethod
    def scope(document: GateDocument) -> Scope:
        """Names a check of this gate may use."""
        return Scope({name: fact.unit for name, fact in document.facts.items()}, history=False)

    @staticmethod
    def link(document: GateDocument) -> Gate:
        """Reads every check. Raises ``ExpressionError`` at the first that is refused."""
        scope = Gate.scope(document)
        return Gate(document, tuple(_check(check, document, scope) for check in document.checks))

    def decide(self, facts: Mapping[str, GateValue]) -> GateDecision:
        """One row; an absent, ``None`` or NaN fact is unknown. Raises ``KeyError`` on a name not declared."""
        columns = self._columns(facts)
        with np.errstate(all="ignore"):
            for check, program in zip(self.checks, self._programs, strict=True):
                yes, no = program(columns)
                if yes:
                    return self._rejection(check, facts, ())
                if not no and check.if_unknown == "reject":
                    return self._rejection(check, facts, _missing(check, facts))
        return GateDecision(passed=True)

    def decide_columns(self, facts: Mapping[str, Any], rows: int) -> GateColumns:
        """Many rows at once: facts are arrays of length ``rows`` or scalars that hold for all of them."""
        columns = self._columns(facts)
        decided = np.full(rows, PASSED, dtype=np.int8)
        unknown = np.zeros(rows, dtype=np.bool_)
        open_rows = np.ones(rows, dtype=np.bool_)
        with np.errstate(all="ignore"):
            for index, (check, program) in enumerate(zip(self.checks, self._programs, strict=True)):
                yes, no = program(columns)
                unsure = (
                    ~(yes | no) & open_rows
                    if check.if_unknown == "reject"
                    else np.zeros(rows, dtype=np.bool_)
                )
                hit = (yes & open_rows) | unsure
                decided[hit] = index
                unknown |= unsure
                open_rows = open_rows & ~hit
        return GateColumns(decided, unknown)

    def trace(self, facts: Mapping[str, GateValue]) -> tuple[tuple[GateCheck, Trace], ...]:
        """Every check of one row, shown with its values and margin."""

        def read(ref: FactRef) -> float | str | bool | None:
            value = facts.get(ref.name)
            return float(value) if isinstance(value, Decimal) else value

        return tuple((check, trace(check.binding, read)) for check in self.checks)

    def _columns(self, facts: Mapping[str, Any]) -> list[Any]:
        for name in facts:
            if name not in self.facts:
                raise KeyError(f"gate '{self.name}' declares no fact '{name}'")
        return [_column(unit, facts.get(name)) for name, unit in self.facts.items()]

    def _rejection(
        self, check: GateCheck, facts: Mapping[str, GateValue], unknown: tuple[str, ...]
    ) -> GateDecision:
        values = {name: facts.get(name) for name in check.facts}
        return GateDecision(
            passed=False,
            reason=check.reason,
            outward=self.reason or check.reason,
            status=check.rejects_as,
            unknown=unknown,
            values=values,
        )


def _check(check: Check, document: GateDocument, scope: Scope) -> GateCheck:
    binding = Expression.read(check.when, scope).bind({})
    names = tuple(dict.fromkeys(ref.name for ref in binding.facts()))
    return GateCheck(
        check.reason, check.rejects_as or document.rejects_as, check.if_unknown, binding, check.summary, names
    )


def _missing(check: GateCheck, facts: Mapping[str, GateValue]) -> tuple[str, ...]:
    def absent(value: GateValue) -> bool:
        return value is None or (isinstance(value, float | Decimal) and not math.isfinite(value))

    return tuple(name for name in check.facts if absent(facts.get(name)))


def _column(unit: str, value: Any) -> Any:
    if unit == "name":
        return value
    if unit == "flag":
        if isinstance(value, tuple):
            return cast("tuple[Any, Any]", value)
        if isinstance(value, np.ndarray):
            return value == 1, value == 0
        return np.bool_(value is True or value == 1), np.bool_(value is False or value == 0)
    if isinstance(value, np.ndarray):
        with np.errstate(invalid="ignore"):
            return finite(cast("NDArray[np.float64]", value.astype(np.float64, copy=False)))
    number = np.float64(np.nan if value is None else value)
    return number if np.isfinite(number) else np.float64(np.nan)

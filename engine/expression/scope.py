"""The names an expression may use, and what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.expression.nodes import Kind


@dataclass(frozen=True, slots=True)
class Scope:
    """Names an expression may use. ``facts`` and ``params`` map to units; gates have no history, and
    ``momentary`` facts have none where the others do.
    """

    facts: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    timeframes: frozenset[str] = frozenset()
    history: bool = True
    momentary: frozenset[str] = frozenset()


def kind_of(unit: str) -> Kind:
    """What a name of this unit stands for."""
    return {"flag": Kind.TRUTH, "name": Kind.TEXT}.get(unit, Kind.NUMBER)

"""What a decision comes to. There are few different outcomes, so a decision's row only names a number."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

from engine.models.base import Side

DecisionStatus = Literal["READY", "INVALID", "ERROR"]


class Outcome(NamedTuple):
    """Side and execution timeframe where READY; else the reason and the timeframe that turned it away."""

    status: DecisionStatus
    side: Side | None = None
    execution_timeframe: str | None = None
    reason: str | None = None
    blocking_timeframe: str | None = None

    def key(self) -> tuple[str, ...]:
        """As it is stored: without ``None``, so that the database can tell it is unique."""
        return tuple(part or "" for part in self)

    @staticmethod
    def of(key: tuple[str, ...]) -> Outcome:
        """Reads what ``key`` wrote."""
        return Outcome(*cast("Outcome", tuple(part or None for part in key)))

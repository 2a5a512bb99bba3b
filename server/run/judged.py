"""What a run has found out about one symbol, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from engine.verdict import Verdict, VerdictBatch

RunStage = Literal["sync_tables", "candles", "mtf_execution", "trade_entry", "journal"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A symbol (None: the run as a whole) that a stage could not deal with."""

    symbol: str | None
    stage: RunStage
    code: str
    message: str
    timeframe: str | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """How many positions and resting orders a symbol has."""

    positions: int = 0
    orders: int = 0

    def __bool__(self) -> bool:
        return self.positions > 0 or self.orders > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A symbol that was asked for, selected or queued, and is not looked at.

    ``open`` is None where nobody asked what is open. ``switch`` is the switch that is off, or goes off
    because of this; ``switch_until`` (ms UTC) is when it comes on by itself.
    """

    symbol: str
    reason: str
    open: Open | None
    switch: str | None
    switch_was_off: bool
    switch_until: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A verdict, and the row of the batch it is read from."""

    verdict: Verdict
    batch: VerdictBatch
    row: int

    @property
    def ready(self) -> bool:
        """Trade entry looks at it."""
        return self.verdict.status == "READY"


@dataclass(frozen=True, slots=True)
class Entry:
    """What trade entry came to for a READY symbol (the ``trading_decision`` of the answer), and the ATR
    (price) of its execution timeframe. ``failure``: it ended in an exception.
    """

    decision: Mapping[str, Any]
    atr: Decimal | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Each symbol of the run is in ``judged`` or has a failure; ``entries`` holds READY ones only."""

    judged: Mapping[str, Judged]
    failures: Mapping[str, Failure]
    entries: Mapping[str, Entry] = field(default_factory=dict[str, Entry])

"""What a run has found out about one symbol, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from engine.verdict import Verdict, VerdictBatch

RunStage = Literal["candles", "mtf_execution", "trade_entry", "journal"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A symbol (None: the run as a whole) that a stage could not deal with."""

    symbol: str | None
    stage: RunStage
    code: str
    message: str
    timeframe: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A verdict, and the row of the batch it is read from."""

    verdict: Verdict
    batch: VerdictBatch
    row: int


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

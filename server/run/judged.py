"""What a run has found out about one symbol, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from engine.verdict import Verdict, VerdictBatch
from server.trade_entry import TradeDecision

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
    """What trade entry decided on a READY symbol, and the ATR (price) of its execution timeframe."""

    decision: TradeDecision
    atr: Decimal | None


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Each symbol of the run is in ``judged`` or has a failure; ``entries`` holds READY ones only."""

    judged: Mapping[str, Judged]
    failures: Mapping[str, Failure]
    entries: Mapping[str, Entry] = field(default_factory=dict[str, Entry])

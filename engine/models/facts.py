"""Kind ``facts``: named columns computed from candles, and where their history starts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.models.base import Document, ExpressionText, Model, Name, Summary, Timeframe, Unit

Period = Annotated[int, Field(ge=2, le=1000)]

Anchor = Literal["previous_day", "previous_week", "previous_month", "previous_quarter", "previous_year"]
"""Start (UTC) of the calendar period before the one the as-of instant lies in; weeks start on Monday."""


class HistoryRule(Model):
    """Where the candles of one timeframe start: those before the anchor never matter."""

    anchor: Anchor


class FactBase(Model):
    """What every fact says of itself."""

    unit: Unit
    summary: str | None = None


class CandleFact(FactBase):
    """A column of the candle itself."""

    indicator: Literal["candle"]
    output: Literal["open", "high", "low", "close", "volume"]


class EmaFact(FactBase):
    """Exponential moving average of the close, seeded with the simple average of the first ``period``."""

    indicator: Literal["ema"]
    period: Period


class SmaFact(FactBase):
    """Mean of the last ``period`` closes."""

    indicator: Literal["sma"]
    period: Period


class RsiFact(FactBase):
    """Wilder's relative strength index of the close; unknown where the series is flat."""

    indicator: Literal["rsi"]
    period: Period


class MacdFact(FactBase):
    """Moving average convergence/divergence of the close."""

    indicator: Literal["macd"]
    output: Literal["line", "signal", "hist"]
    fast: Period
    slow: Period
    signal: Period

    @model_validator(mode="after")
    def _ordered(self) -> MacdFact:
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} is not below slow {self.slow}")
        return self


class AtrFact(FactBase):
    """Wilder's average true range."""

    indicator: Literal["atr"]
    period: Period


class AdxFact(FactBase):
    """Wilder's average directional index."""

    indicator: Literal["adx"]
    period: Period


class BollingerFact(FactBase):
    """Mean of the close and bands at ``deviations`` population standard deviations."""

    indicator: Literal["bollinger"]
    output: Literal["upper", "middle", "lower", "width"]
    period: Period
    deviations: Annotated[float, Field(gt=0)]


class StochRsiFact(FactBase):
    """Stochastic oscillator of the RSI: ``k`` smooths it over ``smooth_k``, ``d`` smooths ``k``."""

    indicator: Literal["stoch_rsi"]
    output: Literal["k", "d"]
    period: Period
    stochastic: Period
    smooth_k: Annotated[int, Field(ge=1, le=1000)]
    smooth_d: Annotated[int, Field(ge=1, le=1000)]


class SessionVwapFact(FactBase):
    """Volume-weighted average price since the start of the session (UTC day of the candle's open)."""

    indicator: Literal["vwap"]
    anchor: Literal["session"]
    timezone: Literal["UTC"]


class WindowVwapFact(FactBase):
    """Volume-weighted average price of the last ``window`` candles."""

    indicator: Literal["vwap"]
    anchor: Literal["window"]
    window: Period


class VolumeRatioFact(FactBase):
    """Newest volume over the mean of the ``window`` volumes before it."""

    indicator: Literal["volume_ratio"]
    window: Period


class PivotFact(FactBase):
    """A classic floor-trader pivot level of the previous closed UTC day."""

    indicator: Literal["pivot"]
    output: Literal["pp", "r1", "r2", "r3", "r4", "r5", "r6", "s1", "s2", "s3", "s4", "s5", "s6"]


VwapFact = Annotated[SessionVwapFact | WindowVwapFact, Field(discriminator="anchor")]

FactDefinition = Annotated[
    CandleFact
    | EmaFact
    | SmaFact
    | RsiFact
    | MacdFact
    | AtrFact
    | AdxFact
    | BollingerFact
    | StochRsiFact
    | VwapFact
    | VolumeRatioFact
    | PivotFact,
    Field(discriminator="indicator"),
]


class Metric(Model):
    """One number per symbol at an instant, which the execution selector reads.

    ``value`` computes it from facts of candles, each with its timeframe; without it fixed code hands it in.
    """

    unit: Unit
    summary: Summary
    value: ExpressionText | None = None


class FactsDocument(Document):
    """Adding a fact here makes its name usable in every condition; no code is needed."""

    kind: Literal["facts"]
    history: dict[Timeframe, HistoryRule] = Field(min_length=1)
    facts: dict[Name, FactDefinition] = Field(min_length=1)
    metrics: dict[Name, Metric] = Field(default_factory=dict[Name, Metric])

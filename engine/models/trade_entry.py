"""Kind ``trade_entry``: how a READY signal of a profile becomes an order plan.

Every number carries one unit in its name: ``_pct`` is percent (0.5 is 0.5 %), ``_ratio`` a ratio (0.005
is 0.5 %), ``_bps`` a ten-thousandth, ``_usdt`` money, ``_sec`` seconds, ``_ticks`` price ticks, ``_r``
multiples of the net risk.
``k_…`` and ``…_k`` are plain factors, leverage is a plain multiple of the margin.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core.core_schema import ValidationInfo

from engine.models.base import Document, Model, Name, Summary, Timeframe
from engine.models.conditions import Tree
from engine.models.exact import Exact
from engine.models.execution import CooldownRules, EndOfZoneRules, ExecutionRules, GuardRules
from engine.models.protection import LiquidationRules, StopRules, TakeProfitRules

RiskBase = Literal["equity", "margin_budget"]
PivotSource = Literal["sma21", "vwap"]
OrderType = Literal["limit", "market"]
OrderMode = Literal["gtc", "maker_only", "ioc"]

ORDER_MODES: dict[OrderType, tuple[OrderMode, ...]] = {"limit": ("maker_only", "gtc"), "market": ("ioc",)}
"""Which modes go with an order type."""

MAX_RISK_MULTIPLIER = 3
"""Upper bound of a timeframe's risk multiplier."""


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


class DecisionRules(Model):
    """What a signal must be to be traded at all."""

    allowed_execution_timeframes: list[Timeframe] = Field(
        default_factory=list[Timeframe],
        description="Timeframes that may be traded; empty: all.",
    )
    dry_run_validate_all_timeframes: bool = Field(
        default=False,
        description="In a dry run, accept 1m, 5m, 15m, 1h and 4h whatever allowed_execution_timeframes says.",
    )


class RiskRules(Model):
    """How much one trade may lose at its stop, fees included, and how much margin it may take."""

    base: RiskBase = Field(
        default="equity",
        description="What risk_pct is percent of: the account's equity or the margin budget.",
    )
    risk_pct: Annotated[Decimal, Exact(ge=0, le=10)] = Field(
        description="Loss at the stop in percent of the base; 0 stops all entries of the profile."
    )
    timeframe_multipliers: dict[Timeframe, Annotated[Decimal, Exact(gt=0, le=MAX_RISK_MULTIPLIER)]] = Field(
        default_factory=dict[Timeframe, Decimal],
        description="Factor on risk_pct by execution timeframe, applied once; 1 where none is given.",
    )
    initial_margin_usdt: Annotated[Decimal, Exact(ge=0)] = Field(
        description="Most margin one trade may take; 0 stops all entries of the profile."
    )


class EntryRules(Model):
    """Which order enters, and where it goes."""

    order_type: OrderType = Field(
        default="limit",
        description="limit waits at a price; market takes the best price of the other side, within a cap.",
    )
    order_mode: OrderMode = Field(
        default="maker_only",
        validate_default=True,
        description="limit: maker_only (refused where it would take) or gtc; market: ioc.",
    )
    inside_ticks: int = Field(
        default=1, ge=0, le=100, description="Ticks ahead of the best price of the own side, never crossing."
    )
    rest_at_edge: bool = Field(
        default=True,
        description="When the market has run past the zone, wait at its near edge instead of skipping.",
    )
    zone_max_deviation_ratio: Annotated[Decimal, Exact(ge=0, le=1)] = Field(
        description="Furthest the entry price may be from the zone's nearest edge, over the mark price."
    )
    max_book_age_sec: int = Field(
        default=10, ge=1, le=3600, description="An order book older than this prices no order."
    )
    max_book_ahead_sec: Annotated[Decimal, Exact(ge=0, le=60)] = Field(
        default=Decimal(2), description="Nor one that is dated so much after the venue's clock."
    )
    max_slippage_bps: Annotated[Decimal, Exact(ge=0, le=1000)] = Field(
        default=Decimal(10),
        description="Most a market order may pay beyond the best price of the other side; part of the risk.",
    )
    market_max_spread_bps: Annotated[Decimal, Exact(gt=0, le=1000)] = Field(
        default=Decimal(10), description="A market order is not sent into a spread wider than this."
    )

    @field_validator("order_mode")
    @classmethod
    def _goes_with_type(cls, mode: OrderMode, info: ValidationInfo) -> OrderMode:
        order_type: OrderType | None = info.data.get("order_type")
        if order_type is not None and mode not in ORDER_MODES[order_type]:
            modes = " or ".join(ORDER_MODES[order_type])
            raise ValueError(f"order_mode {mode} does not go with order_type {order_type}; it takes {modes}")
        return mode


class MarketEntryRules(Model):
    """A switch: where its conditions hold, a limit entry becomes a market entry."""

    enabled: bool = Field(default=False, description="Ask the conditions at all.")
    allowed_execution_timeframes: list[Timeframe] = Field(
        default_factory=list[Timeframe],
        description="Execution timeframes it switches on; empty: all.",
    )
    adx_min_1h: Annotated[Decimal, Exact(ge=0, le=100)] | None = Field(
        default=None,
        description="Least ADX(14) of 1h; an unknown one keeps the limit order. Absent: no such condition.",
    )
    max_slippage_bps: Annotated[Decimal, Exact(ge=0, le=1000)] = Field(
        default=Decimal(20), description="entry.max_slippage_bps of the entries it has switched."
    )


class EntryZoneRules(Model):
    """The band around a pivot price in which an entry is still worth taking."""

    from_: PivotSource = Field(
        default="vwap",
        alias="from",
        description="Preferred pivot price; the other stands in when it is unknown.",
    )
    pivot_timeframe: Timeframe = Field(default="5m", description="Timeframe of the pivot price.")
    atr_timeframe: Timeframe = Field(default="5m", description="Timeframe of the ATR that gives the width.")
    k_atr: Annotated[Decimal, Exact(gt=0, le=10)] = Field(description="Half width in multiples of the ATR.")
    w_min: Annotated[Decimal, Exact(ge=0, le=0.2)] = Field(description="Least half width over the pivot.")
    w_max: Annotated[Decimal, Exact(gt=0, le=0.2)] = Field(description="Most half width over the pivot.")
    asym_bias: Annotated[Decimal, Exact(ge=0, le=0.95)] = Field(
        default=Decimal(0), description="Moves the zone to the passive side by this share of the half width."
    )
    ttl_sec: int = Field(default=240, ge=1, le=86_400, description="Seconds the zone is valid for.")

    @model_validator(mode="after")
    def _ordered(self) -> EntryZoneRules:
        if self.w_min > self.w_max:
            raise ValueError(f"w_min {self.w_min} is above w_max {self.w_max}")
        return self


class SymbolCap(Model):
    """A leverage cap for the symbols that a regular expression is found in."""

    symbol_regex: Annotated[str, Field(min_length=1), AfterValidator(_regular_expression)] = Field(
        description="Searched in the symbol, upper or lower case alike."
    )
    cap: Annotated[Decimal, Exact(ge=1, le=500)] = Field(description="Most leverage of these symbols.")


class LeverageRules(Model):
    """Bounds of the leverage, which follows from notional and margin budget."""

    floor: int = Field(default=1, ge=1, le=500, description="Least leverage; caps below it skip the entry.")
    exchange_cap: Annotated[Decimal, Exact(ge=1, le=500)] = Field(
        description="Most leverage of the profile at a volatility factor of 1. The factor multiplies it: "
        "1.25 in a still market, so that 10 allows up to 12x; 0.5 where the 15m ATR is 1 % of the entry."
    )
    per_symbol_caps: list[SymbolCap] = Field(
        default_factory=list[SymbolCap],
        description="The least cap of all that match a symbol counts.",
    )
    k_dynamic: Annotated[Decimal, Exact(gt=0, le=100)] = Field(
        default=Decimal(10), description="Leverage times the stop's distance ratio never exceeds this."
    )
    min_accepted: int = Field(
        default=1,
        ge=0,
        le=500,
        description="A plan whose leverage is not above this is skipped.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> LeverageRules:
        if self.floor > self.exchange_cap:
            raise ValueError(f"floor {self.floor} is above exchange_cap {self.exchange_cap}")
        return self


class TradeEntryDocument(Document):
    """Everything between a READY signal and a protected position."""

    kind: Literal["trade_entry"]
    profile: Name
    extends: Name | None = None
    summary: Summary | None = None
    decision: DecisionRules
    risk: RiskRules
    entry: EntryRules
    entry_zone: EntryZoneRules
    stop: StopRules
    take_profit: TakeProfitRules
    leverage: LeverageRules
    guards: GuardRules
    market_entry: MarketEntryRules = Field(default_factory=MarketEntryRules)
    plan_conditions: list[Tree] | None = Field(
        default=None,
        min_length=1,
        description="Conditions that a plan must meet beside the checks of the gate plan, over its facts.",
    )
    liquidation: LiquidationRules = Field(default_factory=LiquidationRules)
    cooldown: CooldownRules = Field(default_factory=CooldownRules)
    end_of_zone: EndOfZoneRules = Field(default_factory=EndOfZoneRules)
    execution: ExecutionRules = Field(default_factory=ExecutionRules)

    @model_validator(mode="after")
    def _switches_something(self) -> TradeEntryDocument:
        if self.market_entry.enabled and self.entry.order_type == "market":
            raise ValueError("market_entry.enabled does nothing where entry.order_type is market already")
        return self

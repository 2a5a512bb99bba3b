"""Parts of kind ``trade_entry``: where a trade ends, at a loss, a profit, never by liquidation."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core.core_schema import ValidationInfo

from engine.expression import Expression, Scope
from engine.models.base import ExpressionText, Model, Name
from engine.models.exact import Exact

StopMethod = Literal["atr", "pivot", "risk"]
StopFallback = Literal["atr", "risk", "none"]
PivotPolicy = Literal[
    "nearest", "strongest", "s1", "s2", "s3", "s4", "s5", "s6", "r1", "r2", "r3", "r4", "r5", "r6"
]
TakeProfitPolicy = Literal["pivot_conservative", "pivot_aggressive", "none"]

SPLIT_FACTS: Mapping[str, str] = {
    "adx_1h": "index",
    "atr_ratio": "ratio",
    "valid_timeframes": "count",
    "entry_position": "ratio",
}
"""What a split strategy may read, with its unit.

``adx_1h`` is the ADX(14) of 1h, ``atr_ratio`` the ATR of 5m over the entry, ``valid_timeframes`` how many
context timeframes have the side of the trade, ``entry_position`` where in the zone the entry lies: 0 at the
edge that is best for the trade (low for a long), 1 at the worst.
"""


class StopRules(Model):
    """Where the loss is cut."""

    from_: StopMethod = Field(
        default="atr",
        alias="from",
        description="atr: so many ATRs away; pivot: behind a daily pivot level; risk: a fixed distance.",
    )
    fallback: StopFallback = Field(
        default="none",
        description="Stands in where the first has no stop: an unknown ATR, no pivot level, or one too far.",
    )
    atr_k: Annotated[Decimal, Exact(gt=0, le=20)] = Field(
        default=Decimal("1.5"), description="Distance of an ATR stop in ATRs."
    )
    risk_stop_ratio: Annotated[Decimal, Exact(gt=0, le=0.2)] = Field(
        default=Decimal("0.01"), description="Distance of a risk stop over the entry."
    )
    pivot_policy: PivotPolicy = Field(
        default="nearest",
        description="Level of a pivot stop: the nearest, the strongest (2, 1, 3, 4, 5, 6), or a given one; "
        "s2 and r2 both mean S2 for a long and R2 for a short.",
    )
    pivot_buffer_ratio: Annotated[Decimal, Exact(ge=0, le=0.05)] = Field(
        default=Decimal("0.0015"), description="How far behind its level a pivot stop is, over the level."
    )
    max_pivot_distance_ratio: Annotated[Decimal, Exact(gt=0, le=0.5)] = Field(
        default=Decimal("0.02"), description="A pivot stop further away, over the entry, is not used."
    )
    min_stop_distance_ratio: Annotated[Decimal, Exact(ge=0, le=0.2)] = Field(
        default=Decimal("0.005"),
        description="A stop nearer than this, over the entry, is moved away.",
    )

    @field_validator("fallback")
    @classmethod
    def _stands_in(cls, fallback: StopFallback, info: ValidationInfo) -> StopFallback:
        method = info.data.get("from_")
        if fallback == method:
            raise ValueError(f"a fallback {fallback} does nothing where the stop is from {method}")
        if method == "risk" and fallback != "none":
            raise ValueError(f"a fallback {fallback} is never used: a stop from risk always has a price")
        return fallback


def _split_condition(text: str) -> str:
    Expression.read(text, Scope(SPLIT_FACTS, history=False))
    return text


class SplitStrategy(Model):
    """One way to split the position, for when its condition holds; unknown does not hold."""

    name: Name
    when: Annotated[ExpressionText, AfterValidator(_split_condition)] = Field(
        description=f"Condition over {', '.join(SPLIT_FACTS)}."
    )
    first_share: Annotated[Decimal, Exact(gt=0, lt=1)] = Field(
        description="Share of the position that leaves at the first target."
    )


class SplitRules(Model):
    """How much of the position leaves at the first of two targets."""

    default_share: Annotated[Decimal, Exact(gt=0, lt=1)] = Field(
        default=Decimal("0.5"), description="Where no strategy's condition holds."
    )
    strategies: list[SplitStrategy] = Field(
        default_factory=list[SplitStrategy], description="The first whose condition holds counts."
    )


class SecondTargetRules(Model):
    """Where the second of two targets is: the next pivot level far enough behind the first, else by R."""

    at_pivots: bool = Field(default=True, description="Look for a pivot level first.")
    r_multiple: Annotated[Decimal, Exact(gt=0, le=20)] = Field(
        default=Decimal(2), description="Net reward in multiples of the net risk where no level serves."
    )
    far_r_multiple: Annotated[Decimal, Exact(gt=0, le=20)] = Field(
        default=Decimal("2.5"), description="The same where r_multiple is too near to the first target."
    )
    min_gap_ticks: int = Field(default=50, ge=0, le=100_000, description="Least gap to the first, in ticks.")
    min_gap_ratio: Annotated[Decimal, Exact(ge=0, le=0.2)] = Field(
        default=Decimal("0.005"), description="Least gap to the first, over the entry."
    )
    min_gap_stop_ratio: Annotated[Decimal, Exact(ge=0, le=20)] = Field(
        default=Decimal("0.2"), description="Least gap to the first, over the distance of the stop."
    )

    @model_validator(mode="after")
    def _ordered(self) -> SecondTargetRules:
        if self.far_r_multiple < self.r_multiple:
            raise ValueError(f"far_r_multiple {self.far_r_multiple} is below r_multiple {self.r_multiple}")
        return self


class TakeProfitRules(Model):
    """Where the profit is taken, net of fees, and how pivots of the previous UTC day may move it."""

    targets: Literal["one", "two"] = Field(
        default="one", description="Everything at one price, or in two parts that share one stop."
    )
    r_multiple: Annotated[Decimal, Exact(gt=0, le=20)] = Field(
        description="Net reward in multiples of the net risk (both after taker fees of both legs)."
    )
    tp_policy: TakeProfitPolicy = Field(
        default="pivot_conservative",
        description="pivot_conservative may move it closer, pivot_aggressive further, none leaves it.",
    )
    tp_buffer_ratio: Annotated[Decimal, Exact(ge=0, le=0.05)] = Field(
        default=Decimal(0),
        description="How far in front of a pivot level a target is, over the level.",
    )
    tp_buffer_ticks: int = Field(default=0, ge=0, le=10_000, description="The same in ticks, added to it.")
    tp_min_keep_ratio: Annotated[Decimal, Exact(gt=0, le=1)] = Field(
        default=Decimal("0.95"), description="Share of r_multiple that a closer target must keep."
    )
    tp_max_extra_r: Annotated[Decimal, Exact(ge=0, le=20)] = Field(
        default=Decimal(0), description="How much a further target may exceed r_multiple."
    )
    second_target: SecondTargetRules = Field(
        default_factory=SecondTargetRules, description="The second target, with targets: two."
    )
    split: SplitRules = Field(
        default_factory=SplitRules, description="The parts of the position, with targets: two."
    )


class LiquidationRules(Model):
    """How far behind the stop the venue's liquidation must be."""

    min_stop_multiple: Annotated[Decimal, Exact(ge=1, le=100)] = Field(
        default=Decimal(3),
        description="Least distance of the estimated liquidation price in multiples of the stop's distance. "
        "The estimate counts the position's own margin alone, also with cross margin.",
    )

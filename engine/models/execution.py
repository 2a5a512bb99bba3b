"""Parts of kind ``trade_entry``: what happens to an order after its plan, and what forbids a new one."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from engine.models.base import Model
from engine.models.exact import Exact

MarginMode = Literal["isolated", "cross"]


class GuardRules(Model):
    """What forbids new entries of the account, whatever the signal."""

    daily_max_loss_usdt: Annotated[Decimal, Exact(ge=0)] = Field(
        description="A loss of so much since 00:00 UTC locks entries until the next UTC day; 0: no limit."
    )
    daily_loss_count_unrealized: bool = Field(
        default=True, description="Count the open positions' unrealised result as well."
    )
    max_concurrent_positions: int = Field(
        ge=0, le=1000, description="Open positions and entries under way at once; 0 stops all entries."
    )


class CooldownRules(Model):
    """How long a symbol is left alone; set before an order leaves, adjusted by what becomes of it."""

    submitted_sec: int = Field(
        default=900, ge=0, le=604_800, description="From the submission of an entry that came to a position."
    )
    cancelled_sec: int = Field(
        default=60, ge=0, le=604_800, description="From the end of an entry that never filled."
    )
    stopped_out_sec: int = Field(
        default=1800, ge=0, le=604_800, description="From the close of a position at a loss."
    )


class EndOfZoneRules(Model):
    """Whether the rest of a waiting entry takes liquidity shortly before its zone ends."""

    enabled: bool = Field(default=True, description="Convert at all.")
    ttl_threshold_sec: int = Field(
        default=25, ge=1, le=3600, description="Convert with no more than so much of the zone's time left."
    )
    max_spread_bps: Annotated[Decimal, Exact(gt=0, le=1000)] = Field(
        default=Decimal(8), description="Convert only while the spread is within this."
    )
    only_if_within_zone: bool = Field(
        default=True, description="Convert only while the price that would be paid is in the zone."
    )
    max_slippage_bps: Annotated[Decimal, Exact(gt=0, le=1000)] = Field(
        default=Decimal(10), description="Most that may be paid beyond the best price of the other side."
    )


class ExecutionRules(Model):
    """From the plan to a protected position."""

    margin_mode: MarginMode = Field(default="isolated", description="Margin of the position.")
    signal_ttl_sec: int = Field(
        default=60, ge=1, le=3600, description="An order that has not left by then is not sent any more."
    )
    order_ttl_sec: int = Field(
        default=120, ge=1, le=86_400, description="A resting entry is cancelled after so long."
    )
    out_of_zone_sec: int = Field(
        default=30, ge=1, le=3600, description="A resting entry is cancelled once the price left for so long."
    )
    fill_timeout_sec: int = Field(
        default=10, ge=1, le=300, description="A market entry that has not filled by then is cancelled."
    )
    protect_within_sec: int = Field(
        default=5, ge=1, le=60, description="A position without a stop for longer than this is closed."
    )
    max_requotes: int = Field(
        default=2, ge=0, le=2, description="New prices after a proven price refusal, each in the zone."
    )
    poll_sec: Annotated[Decimal, Exact(ge=0.1, le=60)] = Field(
        default=Decimal(1),
        description="How often a waiting order is looked at; more often where out_of_zone_sec or "
        "end_of_zone.ttl_threshold_sec is short.",
    )

"""A plan as execution takes it: every number that is needed until the position is closed, and no more."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from engine.models.base import Side, Timeframe
from engine.models.execution import CooldownRules, EndOfZoneRules, ExecutionRules
from server.exchange.trading import OrderType, TimeInForce
from server.trade_entry.quantise import plain

Number = Annotated[Decimal, PlainSerializer(plain, when_used="json")]
"""A decimal that is a fixed-point text in JSON."""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Value):
    """Where ``share`` of the position (a ratio; all shares add up to 1) takes its profit."""

    price: Number
    share: Number


class Ticket(_Value):
    """One entry, ready to be sent. Prices in quote currency, sizes in contracts, instants ms UTC.

    ``price`` is the limit price; for a market entry the most it may cost (long) or the least it may bring
    (short): it is sent as an immediate-or-cancel limit. ``stop`` is the plan's, ``entry`` the price the plan
    counts with. ``signal_expires_at_ms``: after it nothing is sent any more. ``max_loss_usdt`` is the loss at
    the stop with the fees of both legs. ``maintenance_margin_ratio`` is that of the planned size; it and the
    least multiple are None in tickets of versions that did not keep them, whose price then stays as planned.
    ``context_timeframes`` are those of the profile; none in tickets from before timeframes could be switched
    off.
    """

    version: Literal[1] = 1
    decision_key: str
    trade_id: str
    run_id: str
    actor: str
    exchange: str
    account: str
    profile: str
    fingerprint: str
    symbol: str
    side: Side
    execution_timeframe: Timeframe
    context_timeframes: tuple[Timeframe, ...] = ()
    order_type: OrderType
    time_in_force: TimeInForce
    entry: Number
    price: Number
    size: Number
    leverage: int
    stop: Number
    targets: tuple[Target, ...] = Field(min_length=1, max_length=2)
    zone_low: Number
    zone_high: Number
    zone_expires_at_ms: int
    signal_expires_at_ms: int
    decided_at_ms: int
    tick_size: Number
    size_step: Number
    min_size: Number
    contract_size: Number
    taker_fee_ratio: Number
    maintenance_margin_ratio: Number | None = None
    liquidation_min_stop_multiple: Number | None = None
    inside_ticks: int
    max_loss_usdt: Number
    max_concurrent_positions: int
    execution: ExecutionRules
    end_of_zone: EndOfZoneRules
    cooldown: CooldownRules

    @property
    def timeframes(self) -> tuple[Timeframe, ...]:
        """Those that the verdict stands on."""
        return (*self.context_timeframes, self.execution_timeframe)

    @property
    def held_usdt(self) -> Decimal:
        """What the venue holds for the whole entry until it fills: its margin and the taker fee.

        A leverage below 1, with which nothing leaves, counts as 1.
        """
        notional = self.size * self.contract_size * max(self.entry, self.price)
        return notional / max(self.leverage, 1) + notional * self.taker_fee_ratio

    def to_json(self) -> dict[str, Any]:
        """In the types of JSON; `from_json` reads it back to an equal ticket."""
        return self.model_dump(mode="json")

    @staticmethod
    def from_json(content: Any) -> Ticket:
        """Raises ``ValueError`` for what is no ticket of this version."""
        return Ticket.model_validate(content)

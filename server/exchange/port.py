"""The one exchange port: what the service may ask of a venue, and the values it answers with.

The values of trading are in `server.exchange.trading`.

Adapters (``paper``; others stand beside it) satisfy `Exchange` structurally. Prices, sizes and money are
`Decimal`; candles are float64 columns because they feed indicators. Instants are milliseconds UTC. Sizes are
in contracts, as venues count them: base amount = contracts x ``contract_size``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from engine.candles import CandleSet, Timeframe
from engine.models.base import Side
from server.exchange.trading import (
    ClosingOrder,
    EntryOrder,
    Fill,
    MarginMode,
    OrderSide,
    OrderState,
    OrderType,
    Outcome,
    TriggerOrder,
    TriggerRequest,
)

ContractStatus = Literal["trading", "suspended", "delisted"]


@dataclass(frozen=True, slots=True)
class RiskTier:
    """What holds for positions worth ``floor_usdt`` or more."""

    floor_usdt: Decimal
    maintenance_margin_ratio: Decimal
    max_leverage: int


@dataclass(frozen=True, slots=True)
class Contract:
    """Specification of one linear perpetual contract.

    ``tick_size`` is the price step in quote currency, ``size_step`` the step of sizes in contracts (both are
    steps, never a number of decimals). ``max_size`` and ``market_max_size`` are None where the venue sets no
    limit. Fees are ratios of the notional; a negative maker fee is a rebate. The maintenance margin ratio and
    the greatest leverage are those of the lowest risk tier, ``tiers`` all that the venue tells.
    ``turnover_24h_usdt`` is None where the venue does not know it, ``expires_at_ms`` where the contract has
    no stated end.
    """

    symbol: str
    base: str
    quote: str
    status: ContractStatus
    tick_size: Decimal
    size_step: Decimal
    contract_size: Decimal
    min_size: Decimal
    max_size: Decimal | None
    market_max_size: Decimal | None
    min_leverage: int
    max_leverage: int
    maker_fee_ratio: Decimal
    taker_fee_ratio: Decimal
    maintenance_margin_ratio: Decimal
    turnover_24h_usdt: Decimal | None
    listed_at_ms: int | None
    expires_at_ms: int | None = None
    tiers: tuple[RiskTier, ...] = ()

    def tier(self, notional_usdt: Decimal) -> RiskTier:
        """The terms of a position of that value: of all tiers that it reaches, the strictest of each."""
        reached = [tier for tier in self.tiers if tier.floor_usdt <= notional_usdt]
        return RiskTier(
            floor_usdt=max((tier.floor_usdt for tier in reached), default=Decimal(0)),
            maintenance_margin_ratio=max(
                (self.maintenance_margin_ratio, *(tier.maintenance_margin_ratio for tier in reached))
            ),
            max_leverage=min((self.max_leverage, *(tier.max_leverage for tier in reached))),
        )


@dataclass(frozen=True, slots=True)
class UnspecifiedContract:
    """A symbol whose specification the venue does not have: it can be judged, never priced or traded."""

    symbol: str
    detail: str
    status: Literal["unspecified"] = "unspecified"


Listing = Contract | UnspecifiedContract
"""What `Exchange.contracts` has under a symbol; only a `Contract` can be traded."""


@dataclass(frozen=True, slots=True)
class Book:
    """Best bid and ask with their sizes in contracts, last and mark price; true at ``at_ms``."""

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal
    last: Decimal
    mark: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The account's equity and what of it is free for new margin."""

    equity_usdt: Decimal
    available_usdt: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """An open position; ``size`` is positive contracts, the direction is ``side``."""

    symbol: str
    side: Side
    size: Decimal
    entry_price: Decimal
    mark_price: Decimal
    leverage: int
    margin_usdt: Decimal
    unrealised_pnl_usdt: Decimal
    liquidation_price: Decimal | None
    opened_at_ms: int


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that rests at the venue; ``price`` is None for a market order not yet filled."""

    symbol: str
    order_id: str
    client_order_id: str
    side: OrderSide
    type: OrderType
    price: Decimal | None
    size: Decimal
    filled_size: Decimal
    reduce_only: bool
    created_at_ms: int


class Exchange(Protocol):
    """A venue. Every method may raise `VenueUnavailable`; those that name a symbol, `SymbolUnknown`."""

    @property
    def name(self) -> str:
        """The adapter's name, as the setting ``EXCHANGE`` spells it."""
        ...

    async def now_ms(self) -> int:
        """The venue's clock: what "now" means for its candles, book and orders."""
        ...

    async def contracts(self) -> Mapping[str, Listing]:
        """Every symbol the venue has, in a stable order."""
        ...

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        """Candles whose open time is in ``[start_ms, end_ms)``, as the venue gives them.

        Where the range reaches the venue's present, the last candle is the one still forming: a reader that
        wants closed candles applies the closed-bar law itself. Nothing recorded in the range is an empty set.
        Raises `CandlesUnavailable` when the candles of this symbol and timeframe cannot be had.
        """
        ...

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        """The best bid and ask at ``at_ms``, or now. Raises `BookUnavailable`, never a made-up book.

        A live venue answers for the present only.
        """
        ...

    async def balance(self) -> Balance: ...

    async def positions(self) -> Sequence[Position]:
        """Every open position."""
        ...

    async def open_orders(self) -> Sequence[OpenOrder]:
        """Orders that rest in the book; triggers that wait for a price are `trigger_orders`."""
        ...

    async def trigger_orders(self) -> Sequence[TriggerOrder]:
        """Every trigger that waits, attached to an order that has filled or placed by itself."""
        ...

    async def order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """The order of that client id, open or closed; None only where the venue proves there is none."""
        ...

    async def fills(self, symbol: str, since_ms: int) -> Sequence[Fill]:
        """Executions of the account in ``symbol`` since then, oldest first."""
        ...

    async def realised_pnl(self, since_ms: int) -> Decimal:
        """What the account has realised since then in USDT: profits less losses, fees and funding."""
        ...

    # What changes something never raises `VenueUnavailable`: not knowing is an outcome.

    @property
    def attaches_protection(self) -> bool:
        """Whether the stop and the take profit of an `EntryOrder` are armed by the venue with its fill."""
        ...

    @property
    def receive_window_ms(self) -> int:
        """A request that has not arrived after so long is refused by the venue: it cannot happen any more."""
        ...

    def orders_obstacle(self) -> str | None:
        """Why this venue, as it is set up, takes no orders; None where it does."""
        ...

    async def wait(self, seconds: float) -> None:
        """Returns once about so much of the venue's time has passed."""
        ...

    async def set_leverage(self, symbol: str, leverage: int, margin_mode: MarginMode) -> Outcome:
        """Accepted means that the venue's own answer states this very leverage."""
        ...

    async def submit(self, order: EntryOrder) -> Outcome:
        """Sends the order once. A client id the venue has seen before is refused, whatever became of it."""
        ...

    async def close(self, order: ClosingOrder) -> Outcome:
        """Reduces a position at the market."""
        ...

    async def cancel(self, symbol: str, client_order_id: str) -> Outcome:
        """Asks to cancel an open order; a fill may come first, so the order is read afterwards."""
        ...

    async def place_trigger(self, request: TriggerRequest) -> Outcome:
        """Adds a trigger. One that the last price would fire at once is refused (``invalid_price``)."""
        ...

    async def amend_trigger(
        self, trigger: TriggerOrder, trigger_price: Decimal, size: Decimal | None
    ) -> Outcome:
        """Moves a waiting trigger in place: at no instant is there none."""
        ...

    async def cancel_trigger(self, trigger: TriggerOrder) -> Outcome:
        """Takes a waiting trigger away."""
        ...

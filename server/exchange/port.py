"""The one exchange port: what the service may ask of a venue, and the values it answers with.

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

ContractStatus = Literal["trading", "suspended", "delisted"]
OrderSide = Literal["buy", "sell"]
OrderType = Literal["limit", "market"]


@dataclass(frozen=True, slots=True)
class Contract:
    """Specification of one linear perpetual contract.

    ``tick_size`` is the price step in quote currency, ``size_step`` the step of sizes in contracts (both are
    steps, never a number of decimals). ``max_size`` and ``market_max_size`` are None where the venue sets no
    limit. Fees are ratios of the notional; a negative maker fee is a rebate. The maintenance margin ratio is
    that of the lowest risk tier. ``turnover_24h_usdt`` is None where the venue does not know it.
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

    async def positions(self) -> Sequence[Position]: ...

    async def open_orders(self) -> Sequence[OpenOrder]: ...

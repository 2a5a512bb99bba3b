"""The values of trading at a venue: orders, triggers, fills, and the three outcomes of asking for something.

A venue's answer to a request that changes something is `Accepted`, `Refused` or `Unknown`, and nothing else.
Refused is a proof: the venue did not do it and will not. Whatever is not proven either way is unknown, and
has to be settled by looking at the venue. Prices are in quote currency, sizes in contracts, instants ms UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.models.base import Side

OrderSide = Literal["buy", "sell"]
OrderType = Literal["limit", "market"]
MarginMode = Literal["isolated", "cross"]

TimeInForce = Literal["gtc", "post_only", "ioc", "fok"]
"""Rests until cancelled; rests or is refused; fills at once what it can; fills whole at once or not."""

TriggerKind = Literal["stop_loss", "take_profit"]

Refusal = Literal[
    "would_cross",
    "price_limit",
    "insufficient_margin",
    "leverage",
    "symbol_unavailable",
    "invalid_price",
    "invalid_size",
    "duplicate_client_order_id",
    "no_such_order",
    "no_position",
    "not_permitted",
    "not_sent",
    "other",
]
"""Why a venue did not do it. ``not_sent``: the request never left, or was turned away before it was looked at
(too many requests, no connection). ``other``: proven refused for a cause that has no name here."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue took the request; what became of it is found by reading. ``order_id`` where there is one."""

    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue did not and will not do it. ``venue_code`` and ``detail`` are its own words."""

    cause: Refusal
    detail: str
    venue_code: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows: a reply was lost, or was no answer. It may have happened, or happen yet."""

    detail: str


Outcome = Accepted | Refused | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryOrder:
    """An order that opens or adds to a position of ``side``.

    ``price`` is None for a market order only. ``stop_loss`` and ``take_profit`` travel with the order where
    the venue has `Exchange.attaches_protection`: they cover whatever it fills, from the fill on.
    """

    symbol: str
    client_order_id: str
    side: Side
    type: OrderType
    size: Decimal
    price: Decimal | None
    time_in_force: TimeInForce
    leverage: int
    margin_mode: MarginMode
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRequest:
    """A market order that waits for a price and only ever reduces the position of ``side``.

    ``size`` None means all there is of the position when it triggers. The last price triggers it.
    """

    symbol: str
    client_order_id: str
    kind: TriggerKind
    side: Side
    trigger_price: Decimal
    size: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingOrder:
    """A market order that only reduces the position of ``side``, by ``size``."""

    symbol: str
    client_order_id: str
    side: Side
    size: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """An order as the venue has it. ``open`` may still fill; ``closed`` never changes again.

    Closed with ``filled_size`` equal to ``size`` is filled, with 0 cancelled, between them cancelled after a
    partial fill. ``average_price`` is None before the first fill.
    """

    symbol: str
    order_id: str
    client_order_id: str
    status: Literal["open", "closed"]
    size: Decimal
    filled_size: Decimal
    average_price: Decimal | None
    price: Decimal | None
    created_at_ms: int
    updated_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerOrder:
    """A trigger that waits at the venue, whoever placed it; ``client_order_id`` is empty where it has none.

    ``side`` is that of the position it reduces. ``size`` None means the whole position.
    """

    symbol: str
    order_id: str
    client_order_id: str
    kind: TriggerKind
    side: Side
    trigger_price: Decimal
    size: Decimal | None
    created_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution. ``closes``: it reduced the position of ``side``, and ``realised_pnl_usdt`` is its profit
    before ``fee_usdt`` (positive: paid). ``client_order_id`` is empty where the venue does not say it.
    """

    symbol: str
    order_id: str
    client_order_id: str
    side: Side
    closes: bool
    price: Decimal
    size: Decimal
    fee_usdt: Decimal
    realised_pnl_usdt: Decimal
    at_ms: int

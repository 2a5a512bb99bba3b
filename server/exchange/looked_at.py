"""A real venue as a process has it that may look only: every read is the venue's, every change is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from engine.candles import CandleSet, Timeframe
from server.exchange.paper.errors import VENUE as SIMULATED
from server.exchange.port import Balance, Book, Exchange, Listing, OpenOrder, Position
from server.exchange.trading import (
    ClosingOrder,
    EntryOrder,
    Fill,
    MarginMode,
    OrderState,
    Outcome,
    Refused,
    TriggerOrder,
    TriggerRequest,
)

OBSTACLE = "looked at only, ENTRYGATE_LIVE is not set"

_REFUSED = Refused("not_permitted", f"nothing was sent: the venue is {OBSTACLE}")


def as_allowed(venue: Exchange, *, live: bool) -> Exchange:
    """The venue itself where it may be changed: a simulated one always, any other only where ``live``."""
    return venue if live or venue.name == SIMULATED or isinstance(venue, LookedAt) else LookedAt(venue)


class LookedAt:
    """Satisfies `server.exchange.port.Exchange`; what is asked of it is `Refused` before anything leaves."""

    def __init__(self, venue: Exchange) -> None:
        self._venue = venue

    @property
    def name(self) -> str:
        return self._venue.name

    @property
    def attaches_protection(self) -> bool:
        return self._venue.attaches_protection

    @property
    def receive_window_ms(self) -> int:
        return self._venue.receive_window_ms

    def orders_obstacle(self) -> str | None:
        return OBSTACLE

    async def wait(self, seconds: float) -> None:
        await self._venue.wait(seconds)

    # -- reads

    async def now_ms(self) -> int:
        return await self._venue.now_ms()

    async def contracts(self) -> Mapping[str, Listing]:
        return await self._venue.contracts()

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        return await self._venue.candles(symbol, timeframe, start_ms, end_ms)

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        return await self._venue.top_of_book(symbol, at_ms)

    async def balance(self) -> Balance:
        return await self._venue.balance()

    async def positions(self) -> Sequence[Position]:
        return await self._venue.positions()

    async def open_orders(self) -> Sequence[OpenOrder]:
        return await self._venue.open_orders()

    async def trigger_orders(self) -> Sequence[TriggerOrder]:
        return await self._venue.trigger_orders()

    async def order(self, symbol: str, client_order_id: str) -> OrderState | None:
        return await self._venue.order(symbol, client_order_id)

    async def fills(self, symbol: str, since_ms: int) -> Sequence[Fill]:
        return await self._venue.fills(symbol, since_ms)

    async def realised_pnl(self, since_ms: int) -> Decimal:
        return await self._venue.realised_pnl(since_ms)

    # -- changes

    async def set_leverage(self, symbol: str, leverage: int, margin_mode: MarginMode) -> Outcome:
        return _REFUSED

    async def submit(self, order: EntryOrder) -> Outcome:
        return _REFUSED

    async def close(self, order: ClosingOrder) -> Outcome:
        return _REFUSED

    async def cancel(self, symbol: str, client_order_id: str) -> Outcome:
        return _REFUSED

    async def place_trigger(self, request: TriggerRequest) -> Outcome:
        return _REFUSED

    async def amend_trigger(
        self, trigger: TriggerOrder, trigger_price: Decimal, size: Decimal | None
    ) -> Outcome:
        return _REFUSED

    async def cancel_trigger(self, trigger: TriggerOrder) -> Outcome:
        return _REFUSED

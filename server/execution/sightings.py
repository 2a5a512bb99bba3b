"""What a venue shows of the account, read once for everybody who wants to know at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from server.exchange.port import Book, Exchange, OpenOrder, Position
from server.exchange.trading import OrderState, TriggerOrder

T = TypeVar("T")


class _Shared(Generic[T]):
    """One reading that is under way, or was made a moment ago, serves all who ask.

    Who asks gets what was read after they asked, or at most ``max_age_ms`` before it.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], now_ms: Callable[[], Awaitable[int]]) -> None:
        self._read, self._now_ms = read, now_ms
        self._lock = asyncio.Lock()
        self._kept: tuple[int, T] | None = None

    async def get(self, max_age_ms: int) -> T:
        asked_at = await self._now_ms()
        async with self._lock:
            if self._kept is not None and self._kept[0] >= asked_at - max_age_ms:
                return self._kept[1]
            begun_at = await self._now_ms()
            value = await self._read()
            self._kept = begun_at, value
            return value


class Sightings:
    """Reads of one venue's account. Every method raises ``VenueUnavailable`` where the venue does."""

    def __init__(self, venue: Exchange) -> None:
        self.venue = venue
        self._orders = _Shared[Sequence[OpenOrder]](venue.open_orders, venue.now_ms)
        self._positions = _Shared[Sequence[Position]](venue.positions, venue.now_ms)
        self._triggers = _Shared[Sequence[TriggerOrder]](venue.trigger_orders, venue.now_ms)
        self._books: dict[str, _Shared[Book]] = {}

    async def open_orders(self, max_age_ms: int = 0) -> Sequence[OpenOrder]:
        """Orders in the book."""
        return await self._orders.get(max_age_ms)

    async def positions(self, max_age_ms: int = 0) -> Sequence[Position]:
        """Open positions."""
        return await self._positions.get(max_age_ms)

    async def triggers(self, max_age_ms: int = 0) -> Sequence[TriggerOrder]:
        """Waiting triggers."""
        return await self._triggers.get(max_age_ms)

    async def book(self, symbol: str, max_age_ms: int) -> Book:
        """The top of the book; also raises ``BookUnavailable``."""

        async def read() -> Book:
            return await self.venue.top_of_book(symbol)

        shared = self._books.setdefault(symbol, _Shared[Book](read, self.venue.now_ms))
        return await shared.get(max_age_ms)

    async def order(self, symbol: str, name: str, max_age_ms: int) -> OrderState | None:
        """One entry order: from the list of all where nothing of it has filled yet, else asked for by name.

        A list may be cut short by the venue, so that absence from it says nothing.
        """
        for resting in await self.open_orders(max_age_ms):
            if resting.client_order_id == name and resting.filled_size == 0:
                return OrderState(
                    symbol=symbol,
                    order_id=resting.order_id,
                    client_order_id=name,
                    status="open",
                    size=resting.size,
                    filled_size=resting.filled_size,
                    average_price=None,
                    price=resting.price,
                    created_at_ms=resting.created_at_ms,
                    updated_at_ms=resting.created_at_ms,
                )
        return await self.venue.order(symbol, name)

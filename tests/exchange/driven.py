"""A paper venue whose market is moved by hand: one contract, a clock that obeys, candles made on demand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.candles import CandleSet, Timeframe
from server.exchange.paper import Ledger, ManualClock, PaperExchange, PaperOptions
from server.exchange.paper.history import SymbolHistory

BEGIN_MS = 1_748_217_600_000  # 2025-05-26T00:00:00Z
MINUTE_MS = 60_000
Row = tuple[int, float, float, float, float, float]


class DrivenHistory(SymbolHistory):
    """Minutes that are added while the venue runs."""

    def __init__(self, symbol: str, rows: list[Row]) -> None:
        super().__init__(symbol, {"1m": ()})
        self._rows = rows
        self._forget()

    def add(self, row: Row) -> None:
        """The next minute."""
        self._rows.append(row)
        self._forget()

    def _forget(self) -> None:
        self._series.clear()
        self._loaded["1m"] = CandleSet.from_columns(
            self.symbol, "1m", *(list(column) for column in zip(*self._rows, strict=True))
        )
        self.series("1m")

    def is_loaded(self, timeframe: Timeframe) -> bool:
        return timeframe == "1m" or super().is_loaded(timeframe)


class DrivenMarket:
    """BTCUSDT at 100,000 with a tick of 0.1 and contracts of 0.001, two hours into a flat day.

    ``ledger`` and ``options`` go to the venue; a second market over the same ledger shares its account.
    """

    symbol = "BTCUSDT"

    def __init__(self, ledger: Ledger | None = None, price: float = 100_000.0, **options: Any) -> None:
        self.price = price
        rows = [(BEGIN_MS + i * MINUTE_MS, price, price, price, price, 20.0) for i in range(120)]
        self.clock = ManualClock(BEGIN_MS + 120 * MINUTE_MS)
        self.venue = PaperExchange(PaperOptions(**options), ledger=ledger, clock=self.clock)
        self.history = DrivenHistory(self.symbol, rows)
        self.venue.market.histories[self.symbol] = self.history

    async def minute(
        self, *, high: float | None = None, low: float | None = None, close: float, volume: float = 20.0
    ) -> None:
        """One candle from the last price; its close is the next last price, ``volume`` is in BTC."""
        opened = self.clock.now_ms() // MINUTE_MS * MINUTE_MS
        prices = (self.price, close, high or close, low or close)
        self.history.add((opened, self.price, max(prices), min(prices), close, volume))
        self.clock.move_to(opened + MINUTE_MS)
        self.price = close

    async def gap(self, price: float) -> None:
        """The next candle opens at ``price``, and nothing was traded on the way."""
        self.price = price
        await self.minute(close=price)

    async def move(self, price: Decimal) -> None:
        """See `conformance_trader.Market`."""
        await self.minute(close=float(price))

    async def trade_thinly(self, price: Decimal, size: Decimal) -> None:
        """See `conformance_trader.Market`: nine tenths of the size at the largest share that can be drawn."""
        contracts = float(size) * 0.9 / 0.1
        reached = {"low": float(price)} if price < self.price else {"high": float(price)}
        await self.minute(close=self.price, volume=contracts * 0.001, **reached)

"""Candles for runs: fetched through the exchange port, kept in memory, asked for again only where new."""

from server.market.feed import CandleFailure, CandleFeed, MarketCandles

__all__ = ["CandleFailure", "CandleFeed", "MarketCandles"]

"""What a venue can fail with. Each error carries its facts as attributes and says them in its text.

Nothing here is a reason code: the stage that asked decides which code an error becomes.
"""

from __future__ import annotations

from collections.abc import Sequence


class ExchangeError(Exception):
    """Base of everything an adapter raises on purpose. ``venue`` is the adapter's name."""

    def __init__(self, venue: str, message: str) -> None:
        super().__init__(message)
        self.venue = venue


class VenueUnavailable(ExchangeError):
    """The venue did not answer, or not usefully: ``operation`` was tried and nothing is known."""

    def __init__(self, venue: str, operation: str, detail: str) -> None:
        super().__init__(venue, f"{venue} is unavailable for {operation}: {detail}")
        self.operation = operation
        self.detail = detail


class SymbolUnknown(ExchangeError):
    """The venue lists no such symbol. ``nearest`` are listed names that look like it, best first."""

    def __init__(self, venue: str, symbol: str, nearest: Sequence[str] = ()) -> None:
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
        super().__init__(venue, f"{venue} lists no symbol {symbol!r}{hint}")
        self.symbol = symbol
        self.nearest = tuple(nearest)


class CandlesUnavailable(ExchangeError):
    """A listed symbol whose candles of one timeframe cannot be had (an empty answer is not an error)."""

    def __init__(self, venue: str, symbol: str, timeframe: str, detail: str) -> None:
        super().__init__(venue, f"no {timeframe} candles of {symbol} from {venue}: {detail}")
        self.symbol = symbol
        self.timeframe = timeframe
        self.detail = detail


class BookUnavailable(ExchangeError):
    """No top of book of a listed symbol at the instant asked for (ms UTC)."""

    def __init__(self, venue: str, symbol: str, at_ms: int, detail: str) -> None:
        super().__init__(venue, f"no order book of {symbol} from {venue}: {detail}")
        self.symbol = symbol
        self.at_ms = at_ms
        self.detail = detail

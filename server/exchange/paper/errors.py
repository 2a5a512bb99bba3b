"""What can be wrong with recorded data. The venue's own errors are in ``server.exchange.errors``."""

from __future__ import annotations

from pathlib import Path

from server.exchange.errors import CandlesUnavailable, ExchangeError

VENUE = "paper"
"""The adapter's name, in its answers and errors."""


class MarketDataError(ExchangeError):
    """The folder of recorded data cannot be served at all; ``path`` is the folder or the file at fault."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(VENUE, f"{path}: {detail}")
        self.path = path
        self.detail = detail


class SessionInUse(ExchangeError):
    """The paper session cannot be begun: another process is in one, or may be."""

    def __init__(self, detail: str) -> None:
        super().__init__(VENUE, detail)


class CandleFileBroken(CandlesUnavailable):
    """One candle file cannot be used; ``row`` counts from 0, None when it is not about one row."""

    def __init__(self, symbol: str, timeframe: str, path: Path, detail: str, row: int | None = None) -> None:
        place = str(path) if row is None else f"{path}, row {row}"
        super().__init__(VENUE, symbol, timeframe, f"{place}: {detail}")
        self.path = path
        self.row = row

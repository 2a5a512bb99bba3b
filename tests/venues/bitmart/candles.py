"""Candles: waves computed from the time, rows a test gives, or recorded ones of a folder of Parquet files."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow.parquet as parquet

from .contracts import Contract

STEPS = (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440, 4320, 10080)
"""Minutes a candle may last."""

MOST_ROWS = 500
NAMES = {1: "1m", 3: "3m", 5: "5m", 15: "15m", 30: "30m", 60: "1h", 120: "2h", 240: "4h", 1440: "1d"}


class Candle(NamedTuple):
    """``open_s`` is the open time in seconds; ``volume`` is in contracts."""

    open_s: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class CandleSource(Protocol):
    def rows(self, contract: Contract, step: int, first_s: int, last_s: int) -> Sequence[Candle]:
        """Whole candles of ``step`` minutes whose open time is in ``[first_s, last_s]``, oldest first."""
        ...


def merged(candles: Sequence[Candle], open_s: int) -> Candle:
    """One candle out of the shorter ones of its time."""
    return Candle(
        open_s,
        candles[0].open,
        max(candle.high for candle in candles),
        min(candle.low for candle in candles),
        candles[-1].close,
        sum((candle.volume for candle in candles), Decimal(0)),
    )


class Waves:
    """Two sine waves around the contract's listed price: the same candles for the same time, always.

    A candle opens and closes on the wave; its high and low are a little outside.
    """

    def rows(self, contract: Contract, step: int, first_s: int, last_s: int) -> Sequence[Candle]:
        seconds = step * 60
        first = -(-first_s // seconds) * seconds
        return [self._candle(contract, at, seconds) for at in range(first, last_s + 1, seconds)]

    def _candle(self, contract: Contract, open_s: int, seconds: int) -> Candle:
        opened, closed = self._price(contract, open_s), self._price(contract, open_s + seconds)
        wick = contract.tick * 3
        volume = Decimal(1000 * (seconds // 60) + open_s % 997)
        return Candle(open_s, opened, max(opened, closed) + wick, min(opened, closed) - wick, closed, volume)

    def _price(self, contract: Contract, at_s: int) -> Decimal:
        slow, fast = math.sin(at_s / 86_400 * 2 * math.pi), math.sin(at_s / 5_400 * 2 * math.pi)
        price = contract.price * Decimal(1 + 0.02 * slow + 0.004 * fast)
        return (price / contract.tick).quantize(Decimal(1), ROUND_HALF_EVEN) * contract.tick


class Rows:
    """Candles as given, by symbol and step; others are built from the one-minute ones."""

    def __init__(self, rows: Mapping[tuple[str, int], Sequence[Candle]]) -> None:
        self._rows = {key: sorted(given) for key, given in rows.items()}

    def rows(self, contract: Contract, step: int, first_s: int, last_s: int) -> Sequence[Candle]:
        given = self._series(contract, step)
        return given[bisect_left(given, (first_s,)) : bisect_left(given, (last_s + 1,))]

    def _series(self, contract: Contract, step: int) -> list[Candle]:
        key = (contract.symbol, step)
        if key not in self._rows:
            minutes = self._rows.get((contract.symbol, 1), [])
            buckets: dict[int, list[Candle]] = {}
            for candle in minutes:
                buckets.setdefault(candle.open_s - candle.open_s % (step * 60), []).append(candle)
            self._rows[key] = [
                merged(parts, at) for at, parts in sorted(buckets.items()) if len(parts) == step
            ]
        return self._rows[key]


class Folder:
    """``<SYMBOL>-<timeframe>.parquet`` files with volumes in base units, read when first asked for.

    Timeframes without a file are built from the one-minute candles, whole ones only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[tuple[str, int], Mapping[str, Sequence[float]] | None] = {}

    def rows(self, contract: Contract, step: int, first_s: int, last_s: int) -> Sequence[Candle]:
        columns = self._columns(contract.symbol, step)
        if columns is not None:
            return self._slice(contract, columns, first_s, last_s)
        seconds = step * 60
        buckets: dict[int, list[Candle]] = {}
        for candle in self.rows(contract, 1, first_s, last_s + seconds - 60) if step != 1 else ():
            buckets.setdefault(candle.open_s - candle.open_s % seconds, []).append(candle)
        return [merged(parts, at) for at, parts in buckets.items() if len(parts) == step]

    def price_at(self, contract: Contract, at_s: int) -> Decimal | None:
        """The close of the last candle that is over at ``at_s``; None before the first."""
        columns = self._columns(contract.symbol, 1)
        index = bisect_left(columns["ts_ms"], (at_s - 59) * 1000) if columns else 0
        return Decimal(repr(columns["close"][index - 1])) if columns and index else None

    def _columns(self, symbol: str, step: int) -> Mapping[str, Sequence[float]] | None:
        key = (symbol, step)
        if key not in self._read:
            path = self._folder / f"{symbol}-{NAMES.get(step, 'none')}.parquet"
            self._read[key] = parquet.read_table(path).to_pydict() if path.is_file() else None
        return self._read[key]

    @staticmethod
    def _slice(
        contract: Contract, columns: Mapping[str, Sequence[float]], first_s: int, last_s: int
    ) -> list[Candle]:
        times = columns["ts_ms"]
        chosen = slice(bisect_left(times, first_s * 1000), bisect_left(times, last_s * 1000 + 1))
        parts = [columns[name][chosen] for name in ("ts_ms", "open", "high", "low", "close", "volume")]
        size = float(contract.contract_size)
        return [
            Candle(int(at) // 1000, *(Decimal(repr(p)) for p in prices), Decimal(round(volume / size)))
            for at, *prices, volume in zip(*parts, strict=True)
        ]


def path_of(candle: Candle) -> Sequence[Decimal]:
    """The prices a candle went through, as far as they are known: against its direction first."""
    if candle.close >= candle.open:
        return (candle.open, candle.low, candle.high, candle.close)
    return (candle.open, candle.high, candle.low, candle.close)

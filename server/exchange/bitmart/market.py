"""Public data: contracts, candles and the top of the book."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import cast

import structlog

from engine.candles import STEP_MS, CandleError, CandleSet, Timeframe
from server.exchange.bitmart.codes import NO_SUCH_CONTRACT
from server.exchange.bitmart.contracts import Fees, decode_contracts, decode_fees, decode_tiers
from server.exchange.bitmart.endpoints import (
    DEPTH,
    DETAILS,
    KLINE,
    LEVERAGE_BRACKET,
    MARK_PRICE_KLINE,
    TRADE_FEE_RATE,
)
from server.exchange.bitmart.options import BitmartOptions
from server.exchange.bitmart.session import ReadRefused, Session
from server.exchange.bitmart.wire import VENUE, Row, WireError, decoding, row, rows
from server.exchange.errors import BookUnavailable, CandlesUnavailable, SymbolUnknown, VenueUnavailable
from server.exchange.port import Book, Contract, Listing, RiskTier
from server.instants import iso

log = structlog.get_logger(__name__)

CONTRACTS_SEC = 60.0
"""How long the contracts are kept."""

TERMS_SEC = 3600.0
"""How long risk tiers and fees are kept: they change a few times a year."""

FEE_SYMBOL = "BTCUSDT"
"""The contract whose fee rates stand for the account's: one request for each contract would take minutes."""

CANDLES_PER_REQUEST = 500


@dataclass(frozen=True, slots=True)
class _Terms:
    tiers: Mapping[str, Sequence[RiskTier]]
    fees: Fees
    until_sec: float


class Market:
    """Reads what anybody may read. Not thread-safe; one event loop."""

    def __init__(self, session: Session, options: BitmartOptions) -> None:
        self._session = session
        self._options = options
        self._contracts: tuple[float, Mapping[str, Listing]] | None = None
        self._terms: _Terms | None = None
        self._turn = asyncio.Lock()

    async def now_ms(self) -> int:
        await self._session.clock.ready()
        return self._session.clock.now_ms()

    async def contracts(self) -> Mapping[str, Listing]:
        """Kept for a minute; asked for once, however many wait for them."""
        async with self._turn:
            if self._contracts is None or self._elapsed() >= self._contracts[0]:
                terms = await self._current_terms()
                now_ms = await self.now_ms()
                data = await self._session.read(DETAILS)
                with decoding("contracts"):
                    listings = decode_contracts(data, terms.tiers, terms.fees, now_ms)
                self._contracts = self._elapsed() + CONTRACTS_SEC, listings
            return self._contracts[1]

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        """Pages of at most 500, from the first boundary in the range on: a candle that begins before the
        start asked for would come cut. Volumes become base amounts by the contract's size.
        """
        contract = await self._contract(symbol)
        if not isinstance(contract, Contract):
            raise CandlesUnavailable(VENUE, symbol, timeframe, contract.detail)
        now_ms, step = await self.now_ms(), STEP_MS[timeframe]
        since_ms = max(start_ms, contract.listed_at_ms or 0)
        first, stop = -(-since_ms // step) * step, min(end_ms, now_ms + 1)
        found: dict[int, tuple[Decimal, ...]] = {}
        while first < stop:
            page_ms = first + CANDLES_PER_REQUEST * step
            for opened, values in await self._page(symbol, timeframe, first, min(page_ms, stop)):
                if found.setdefault(opened, values) != values:
                    detail = f"two different candles of {iso(opened)}"
                    raise CandlesUnavailable(VENUE, symbol, timeframe, detail)
            first = page_ms
        times = sorted(found)
        columns = [[float(found[at][i]) for at in times] for i in range(5)]
        columns[4] = [volume * float(contract.contract_size) for volume in columns[4]]
        if not times:
            return CandleSet.empty(symbol, timeframe)
        try:
            return CandleSet.from_columns(symbol, timeframe, times, *columns)
        except CandleError as error:
            raise CandlesUnavailable(VENUE, symbol, timeframe, str(error)) from error

    async def top_of_book(self, symbol: str, at_ms: int | None) -> Book:
        """From three answers: the first levels, the last price, and the mark price's running minute."""
        now_ms = await self.now_ms()
        if at_ms is not None and abs(now_ms - at_ms) > self._options.present_ms:
            detail = f"{iso(at_ms)} is not the present, {iso(now_ms)}, and no other book can be had"
            raise BookUnavailable(VENUE, symbol, at_ms, detail)
        await self._contract(symbol)
        now_sec = now_ms // 1000
        minute: dict[str, str | int] = {
            "symbol": symbol,
            "step": 1,
            "start_time": now_sec - now_sec % 60 - 60,
            "end_time": now_sec,
        }
        try:
            depth, details, marks = await asyncio.gather(
                self._session.read(DEPTH, {"symbol": symbol}),
                self._session.read(DETAILS, {"symbol": symbol}),
                self._session.read(MARK_PRICE_KLINE, minute),
            )
        except ReadRefused as error:
            raise self._of_symbol(error, symbol) from error
        try:
            return decode_book(symbol, depth, details, marks)
        except WireError as error:
            raise BookUnavailable(VENUE, symbol, now_ms, str(error)) from error

    async def _contract(self, symbol: str) -> Listing:
        listings = await self.contracts()
        listing = listings.get(symbol)
        if listing is None:
            raise SymbolUnknown(VENUE, symbol, get_close_matches(symbol, listings, n=2))
        return listing

    async def _page(
        self, symbol: str, timeframe: Timeframe, first_ms: int, stop_ms: int
    ) -> list[tuple[int, tuple[Decimal, ...]]]:
        """Candles that open in ``[first_ms, stop_ms)``. The end asked for lies within the last candle, so
        that it does not matter whether the venue counts the end in."""
        parameters: dict[str, str | int] = {
            "symbol": symbol,
            "step": STEP_MS[timeframe] // 60_000,
            "start_time": first_ms // 1000,
            "end_time": (stop_ms - 1) // 1000,
        }
        try:
            data = await self._session.read(KLINE, parameters)
        except ReadRefused as error:
            failure = self._of_symbol(error, symbol)
            if isinstance(failure, SymbolUnknown):
                raise failure from error
            raise CandlesUnavailable(VENUE, symbol, timeframe, error.detail) from error
        try:
            candles = [decode_candle(item, timeframe) for item in rows(data)]
        except WireError as error:
            raise CandlesUnavailable(VENUE, symbol, timeframe, str(error)) from error
        return [(at, values) for at, values in candles if first_ms <= at < stop_ms]

    async def _current_terms(self) -> _Terms:
        if self._terms is None or self._elapsed() >= self._terms.until_sec:
            tiers, fees = await asyncio.gather(self._tiers(), self._fees())
            keep = TERMS_SEC if tiers is not None and fees is not None else CONTRACTS_SEC
            standard = Fees(self._options.maker_fee_ratio, self._options.taker_fee_ratio)
            own = fees or standard
            higher = Fees(
                max(own.maker_ratio, standard.maker_ratio), max(own.taker_ratio, standard.taker_ratio)
            )
            self._terms = _Terms(tiers or {}, higher, self._elapsed() + keep)
        return self._terms

    async def _tiers(self) -> Mapping[str, Sequence[RiskTier]] | None:
        """Those of every symbol; None, and a warning, where they cannot be had (`assumed_maintenance`)."""
        try:
            data = await self._session.read(LEVERAGE_BRACKET)
            with decoding("risk tiers"):
                return decode_tiers(data)
        except VenueUnavailable as error:
            log.warning("bitmart.risk_tiers_assumed", detail=str(error))
            return None

    async def _fees(self) -> Fees | None:
        """The account's own rates; None, and a warning, where they cannot be had."""
        if not self._options.has_credentials:
            return Fees(self._options.maker_fee_ratio, self._options.taker_fee_ratio)
        try:
            data = await self._session.read(TRADE_FEE_RATE, {"symbol": FEE_SYMBOL})
            with decoding("fee rates"):
                return decode_fees(data)
        except VenueUnavailable as error:
            log.warning("bitmart.fee_rates_assumed", detail=str(error))
            return None

    def _elapsed(self) -> float:
        return self._options.monotonic_sec()

    def _of_symbol(self, error: ReadRefused, symbol: str) -> VenueUnavailable | SymbolUnknown:
        return SymbolUnknown(VENUE, symbol) if error.code == NO_SUCH_CONTRACT else error


def decode_candle(item: Row, timeframe: Timeframe) -> tuple[int, tuple[Decimal, ...]]:
    """Open time (ms, floored to the boundary: some come a second late), open, high, low, close, contracts."""
    step = STEP_MS[timeframe]
    opened = item.whole("timestamp") * 1000 // step * step
    prices = [item.decimal(f"{name}_price") for name in ("open", "high", "low", "close")]
    return opened, (*prices, item.decimal("volume"))


def decode_book(symbol: str, depth: object, details: object, marks: object) -> Book:
    """The ``data`` of ``depth``, ``details`` and ``markprice-kline`` of one symbol. Raises `WireError`."""
    book = row(depth, "depth")
    if book.text("symbol") != symbol:
        raise WireError(f"depth.symbol is {book.text('symbol')!r}, not {symbol}")
    bid, bid_size = _best(book, "bids")
    ask, ask_size = _best(book, "asks")
    if bid >= ask:
        raise WireError(f"the book is crossed: bid {bid}, ask {ask}")
    listed = rows(row(details, "details").fields.get("symbols"), "details.symbols")
    own = [item for item in listed if item.fields.get("symbol") == symbol]
    if not own:
        raise WireError("details.symbols does not have the symbol")
    minutes = sorted(rows(marks, "markprice-kline"), key=lambda item: item.whole("timestamp"))
    if not minutes:
        raise WireError("markprice-kline is empty: there is no mark price")
    return Book(
        symbol=symbol,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        last=own[0].positive("last_price"),
        mark=minutes[-1].positive("close_price"),
        at_ms=book.whole("timestamp"),
    )


def _best(book: Row, side: str) -> tuple[Decimal, Decimal]:
    """Price and contracts of the first level: asks ascend, bids descend."""
    levels = book.fields.get(side)
    if not isinstance(levels, list):
        raise WireError(f"depth.{side} is not a list")
    best = cast(list[object], levels)[:1]
    if not best:
        raise WireError(f"depth.{side} is empty")
    first = best[0]
    if not isinstance(first, list) or len(cast(list[object], first)) < 2:
        raise WireError(f"depth.{side}[0] is no level")
    price, volume = cast(list[object], first)[:2]
    level = Row(f"depth.{side}[0]", {"price": price, "volume": volume})
    return level.positive("price"), level.positive("volume")

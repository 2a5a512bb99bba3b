"""Endpoints that need no key: time, contracts, book, candles, risk tiers, funding."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .candles import MOST_ROWS, STEPS, Candle, merged
from .codes import ApiError
from .contracts import Contract
from .market import DEEPEST, Level
from .params import Params, plain
from .venue import Venue


def system_time(venue: Venue, params: Params) -> Any:
    return {"server_time": venue.clock.now_ms()}


def system_service(venue: Venue, params: Params) -> Any:
    now = venue.clock.now_ms()
    service = {
        "title": "Contract trading",
        "service_type": "contract",
        "status": 2,
        "start_time": now - 3_600_000,
        "end_time": now - 1_800_000,
    }
    return {"service": [service]}


def details(venue: Venue, params: Params) -> Any:
    symbol = params.text("symbol")
    chosen = [venue.contract(symbol)] if symbol else list(venue.contracts.values())
    return {"symbols": [_details(venue, contract) for contract in chosen]}


def _details(venue: Venue, contract: Contract) -> dict[str, Any]:
    quote = venue.quotes[contract.symbol]
    hours = contract.funding_hours * 3_600_000
    return {
        "symbol": contract.symbol,
        "product_type": 1,
        "open_timestamp": contract.open_ms,
        "expire_timestamp": 0,
        "settle_timestamp": 0,
        "base_currency": contract.base,
        "quote_currency": "USDT",
        "last_price": plain(quote.last),
        "volume_24h": contract.volume_24h,
        "turnover_24h": contract.turnover_24h,
        "index_price": plain(quote.index),
        "index_name": contract.symbol,
        "contract_size": plain(contract.contract_size),
        "min_leverage": str(contract.min_leverage),
        "max_leverage": str(contract.max_leverage),
        "price_precision": plain(contract.tick),
        "vol_precision": str(contract.step),
        "max_volume": str(contract.max_volume),
        "market_max_volume": str(contract.market_max_volume),
        "min_volume": str(contract.min_volume),
        "funding_rate": contract.funding_rate,
        "expected_funding_rate": contract.funding_rate,
        "open_interest": "2778669",
        "open_interest_value": "218788975.1011701",
        "high_24h": plain(quote.last),
        "low_24h": plain(quote.last),
        "change_24h": "0",
        "funding_interval_hours": contract.funding_hours,
        "funding_time": (venue.clock.now_ms() // hours + 1) * hours,
        "status": "Delisted" if contract.status == "Delisted" else "Trading",
        "delist_time": contract.delist_s,
    }


def depth(venue: Venue, params: Params) -> Any:
    contract = _required(venue, params)
    quote = venue.quotes[contract.symbol]
    return {
        "asks": _levels(quote.asks),
        "bids": _levels(quote.bids),
        "timestamp": venue.clock.now_ms(),
        "symbol": contract.symbol,
    }


def _levels(levels: Any) -> list[list[str]]:
    rows: list[list[str]] = []
    total = 0
    level: Level
    for level in levels[:DEEPEST]:
        total += level[1]
        rows.append([plain(level[0]), str(level[1]), str(total)])
    return rows


def kline(venue: Venue, params: Params) -> Any:
    contract = _required(venue, params)
    return [_row(venue, candle) for candle in _candles(venue, contract, params)]


def markprice_kline(venue: Venue, params: Params) -> Any:
    contract = _required(venue, params)
    quote = venue.quotes[contract.symbol]
    rows = [candle._replace(volume=Decimal(0)) for candle in _candles(venue, contract, params)]
    if rows and rows[-1].open_s // 60 * 60 <= venue.clock.now_ms() // 1000 < _end(rows[-1], params):
        rows[-1] = _closing(rows[-1], quote.mark)
    return [_row(venue, candle) for candle in rows]


def _end(candle: Candle, params: Params) -> int:
    return candle.open_s + (params.integer("step") or 1) * 60


def _closing(candle: Candle, price: Decimal) -> Candle:
    return candle._replace(close=price, high=max(candle.high, price), low=min(candle.low, price))


def _candles(venue: Venue, contract: Contract, params: Params) -> list[Candle]:
    """The newest 500 of the candles asked for: the running one last, the first cut at ``start_time``."""
    step = params.integer("step", 40038)
    step = 1 if step is None else step
    if step not in STEPS:
        raise ApiError(40038)
    start, end = params.integer("start_time", 40039), params.integer("end_time", 40039)
    if start is None or end is None or start < 0 or end < start or end > 10**11:
        raise ApiError(40039)
    seconds, now_s = step * 60, venue.clock.now_ms() // 1000
    end = min(end, now_s)
    aligned = start - start % seconds
    running = now_s - now_s % seconds
    first = max(aligned, end - end % seconds - (MOST_ROWS - 1) * seconds)
    rows = list(venue.candle_source.rows(contract, step, first, min(end, running - 1)))
    if first == aligned != start and rows and rows[0].open_s == aligned and venue.options.cuts_first_candle:
        parts = venue.candle_source.rows(contract, 1, start, aligned + seconds - 1)
        rows[0:1] = [merged(parts, aligned)] if parts else []
    if first <= running <= end:
        rows.extend(_running(venue, contract, running, now_s))
    return rows


def _running(venue: Venue, contract: Contract, running: int, now_s: int) -> list[Candle]:
    """The candle that is not over: what its minutes were so far, closing at the last price."""
    parts = list(venue.candle_source.rows(contract, 1, running, now_s))
    if not parts:
        return []
    return [_closing(merged(parts, running), venue.quotes[contract.symbol].last)]


def _row(venue: Venue, candle: Candle) -> dict[str, Any]:
    return {
        "timestamp": candle.open_s + venue.options.candle_offset_s,
        "open_price": plain(candle.open),
        "close_price": plain(candle.close),
        "high_price": plain(candle.high),
        "low_price": plain(candle.low),
        "volume": plain(candle.volume),
    }


def leverage_bracket(venue: Venue, params: Params) -> Any:
    symbol = params.text("symbol")
    chosen = [venue.contract(symbol)] if symbol else list(venue.contracts.values())
    return {
        "rules": [
            {
                "symbol": contract.symbol,
                "brackets": [
                    {
                        "bracket": bracket.number,
                        "initial_leverage": bracket.leverage,
                        "notional_cap": plain(bracket.cap),
                        "notional_floor": plain(bracket.floor),
                        "maint_margin_ratio": plain(bracket.maintenance),
                        "cum": plain(bracket.cum),
                    }
                    for bracket in contract.brackets
                ],
            }
            for contract in chosen
        ]
    }


def funding_rate(venue: Venue, params: Params) -> Any:
    contract = _required(venue, params)
    now, hours = venue.clock.now_ms(), contract.funding_hours * 3_600_000
    return {
        "timestamp": now,
        "symbol": contract.symbol,
        "rate_value": contract.funding_rate,
        "expected_rate": contract.funding_rate,
        "funding_time": (now // hours + 1) * hours,
        "funding_upper_limit": "0.0375",
        "funding_lower_limit": "-0.0375",
    }


def open_interest(venue: Venue, params: Params) -> Any:
    contract = _required(venue, params)
    return {
        "timestamp": venue.clock.now_ms(),
        "symbol": contract.symbol,
        "open_interest": "2778669",
        "open_interest_value": "218788975.1011701",
    }


def market_trade(venue: Venue, params: Params) -> Any:
    contract = _required(venue, params)
    quote = venue.quotes[contract.symbol]
    base = contract.contract_size * 37
    return [
        {
            "symbol": contract.symbol,
            "price": plain(quote.last),
            "qty": plain(base),
            "quote_qty": plain(base * quote.last),
            "time": venue.clock.now_ms() // 1000,
            "is_buyer_maker": True,
        }
    ]


def _required(venue: Venue, params: Params) -> Contract:
    symbol = params.text("symbol")
    if not symbol:
        raise ApiError(40034, "symbol is missing")
    return venue.contract(symbol)

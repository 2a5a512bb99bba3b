"""Keyed endpoints on money and positions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import positions
from .params import Params, plain
from .state import LONG, SHORT, ZERO, Account, Position
from .venue import Venue


def assets_detail(venue: Venue, account: Account, params: Params) -> Any:
    money = venue.balances(account)
    rows = [
        {
            "currency": "USDT",
            "position_deposit": plain(money["deposit"]),
            "frozen_balance": plain(money["frozen"]),
            "available_balance": plain(money["available"]),
            "equity": plain(money["equity"]),
            "unrealized": plain(money["unrealised"]),
        }
    ]
    empty = ("position_deposit", "frozen_balance", "available_balance", "equity", "unrealized")
    rows.extend({"currency": name, **dict.fromkeys(empty, "0")} for name in ("BTC", "ETH"))
    return rows


def position_v2(venue: Venue, account: Account, params: Params) -> Any:
    return [_position_v2(venue, account, *found) for found in _positions(venue, account, params)]


def _positions(venue: Venue, account: Account, params: Params) -> Iterable[tuple[str, int, Position | None]]:
    """Without a symbol only what is held; with one both sides (one row in one-way mode), empty ones too."""
    symbol = params.text("symbol")
    if not symbol:
        return [
            (position.symbol, position.kind, position)
            for position in account.positions.values()
            if position.amount
        ]
    venue.contract(symbol)
    if account.position_mode == "hedge_mode":
        return [(symbol, kind, account.held(symbol, kind)) for kind in (LONG, SHORT)]
    held = account.held(symbol, LONG) or account.held(symbol, SHORT)
    return [(symbol, held.kind if held else LONG, held)]


def _leverage(account: Account, symbol: str) -> tuple[int, str]:
    return account.leverage.get(symbol, (1, "isolated"))


def _position_v2(
    venue: Venue, account: Account, symbol: str, kind: int, position: Position | None
) -> dict[str, Any]:
    contract, quote = venue.contracts[symbol], venue.quotes[symbol]
    leverage, open_type = _leverage(account, symbol)
    one_way = account.position_mode == "one_way_mode"
    row: dict[str, Any] = {
        "symbol": symbol,
        "leverage": str(position.leverage if position else leverage),
        "timestamp": venue.clock.now_ms(),
        "current_fee": "0",
        "open_timestamp": position.opened_ms if position else 0,
        "current_value": "0",
        "mark_price": plain(quote.mark),
        "position_value": "0",
        "position_cross": "0",
        "maintenance_margin": "0",
        "close_vol": "0",
        "close_avg_price": "0",
        "open_avg_price": "0",
        "entry_price": "0",
        "current_amount": "0",
        "position_amount": "0",
        "realized_value": "0",
        "mark_value": "0",
        "account": "futures",
        "open_type": position.open_type if position else open_type,
        "position_side": "both" if one_way else ("long" if kind == LONG else "short"),
        "unrealized_pnl": "0",
        "liquidation_price": "0",
        "max_notional_value": plain(contract.brackets[-1].cap),
        "initial_margin": "0",
    }
    if position is not None:
        base = position.amount * contract.contract_size
        amount = -position.amount if one_way and kind == SHORT else position.amount
        close = position.close_value / position.close_volume if position.close_volume else ZERO
        row |= {
            "current_fee": plain(position.fees),
            "current_value": plain(quote.last * base),
            "position_value": plain(position.average * base),
            "position_cross": plain(position.margin),
            "maintenance_margin": plain(positions.maintenance(contract, position.average * base)),
            "close_vol": str(position.close_volume),
            "close_avg_price": plain(close),
            "open_avg_price": plain(position.average),
            "entry_price": plain(position.average),
            "current_amount": str(position.amount),
            "position_amount": str(amount),
            "realized_value": plain(position.realised),
            "mark_value": plain(quote.mark * base),
            "unrealized_pnl": plain(
                positions.profit(contract, kind, position.average, quote.mark, position.amount)
            ),
            "liquidation_price": plain(positions.liquidation_price(venue, account, position)),
            "initial_margin": plain(position.margin),
        }
    return row


def position_v1(venue: Venue, account: Account, params: Params) -> Any:
    """The older form: ``position_type`` as a number, ``unrealized_value``."""
    rows: list[dict[str, Any]] = []
    for symbol, kind, position in _positions(venue, account, params):
        row = _position_v2(venue, account, symbol, kind, position)
        for name in ("position_side", "position_amount", "liquidation_price", "max_notional_value"):
            del row[name]
        del row["initial_margin"]
        row["unrealized_value"] = row.pop("unrealized_pnl")
        row["margin_type"] = str(row.pop("open_type")).capitalize()
        row["position_mode"] = account.position_mode
        row["position_type"] = kind
        rows.append(row)
    return rows


def position_risk(venue: Venue, account: Account, params: Params) -> Any:
    rows: list[dict[str, Any]] = []
    for symbol, kind, position in _positions(venue, account, params):
        row = _position_v2(venue, account, symbol, kind, position)
        rows.append(
            {
                "symbol": symbol,
                "position_amt": row["current_amount"],
                "mark_price": row["mark_price"],
                "unrealized_profit": row["unrealized_pnl"],
                "liquidation_price": row["liquidation_price"],
                "leverage": row["leverage"],
                "max_notional_value": row["max_notional_value"],
                "margin_type": str(row["open_type"]).capitalize(),
                "isolated_margin": row["initial_margin"],
                "position_side": "Long" if kind == LONG else "Short",
                "notional": row["current_value"],
                "update_time": position.updated_ms if position else 0,
                "account": "futures",
            }
        )
    return rows

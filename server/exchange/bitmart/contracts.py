"""What the venue lists: ``details`` and the risk tiers as contracts of the port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from server.exchange.bitmart.enums import PERPETUAL
from server.exchange.bitmart.wire import Row, WireError, row, rows
from server.exchange.port import Contract, ContractStatus, Listing, RiskTier, UnspecifiedContract

_MS_FROM = 10**11
"""Instants are ms in some answers and seconds in others; above this they are ms."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What the account pays, as ratios of the notional."""

    maker_ratio: Decimal
    taker_ratio: Decimal


def decode_contracts(
    data: object, tiers: Mapping[str, Sequence[RiskTier]], fees: Fees, now_ms: int
) -> Mapping[str, Listing]:
    """``data`` of ``details``, by symbol in alphabetical order. Raises `WireError` if it lists no symbols.

    A row whose fields cannot be read is an `UnspecifiedContract` that says which: one odd contract is no
    reason not to see the others. ``tiers`` are those of each symbol, the lowest first.
    """
    listings: dict[str, Listing] = {}
    for item in rows(row(data).fields.get("symbols"), "data.symbols"):
        symbol = item.text("symbol")
        try:
            listings[symbol] = _contract(item, symbol, tiers.get(symbol, ()), fees, now_ms)
        except WireError as error:
            listings[symbol] = UnspecifiedContract(symbol, str(error))
    return {symbol: listings[symbol] for symbol in sorted(listings)}


def _contract(item: Row, symbol: str, tiers: Sequence[RiskTier], fees: Fees, now_ms: int) -> Contract:
    if item.has("product_type") and item.whole("product_type") != PERPETUAL:
        raise WireError(f"{item.place}.product_type is {item.whole('product_type')}, expected a perpetual")
    max_leverage = item.whole("max_leverage")
    if max_leverage < 1:
        raise WireError(f"{item.place}.max_leverage is {max_leverage}, expected 1 or more")
    return Contract(
        symbol=symbol,
        base=item.text("base_currency"),
        quote=item.text("quote_currency"),
        status=_status(item, now_ms),
        tick_size=item.positive("price_precision"),
        size_step=item.positive("vol_precision"),
        contract_size=item.positive("contract_size"),
        min_size=item.positive("min_volume"),
        max_size=_limit(item, "max_volume"),
        market_max_size=_limit(item, "market_max_volume"),
        min_leverage=item.whole("min_leverage"),
        max_leverage=max_leverage,
        maker_fee_ratio=fees.maker_ratio,
        taker_fee_ratio=fees.taker_ratio,
        maintenance_margin_ratio=tiers[0].maintenance_margin_ratio
        if tiers
        else assumed_maintenance(max_leverage),
        turnover_24h_usdt=item.decimal("turnover_24h") if item.has("turnover_24h") else None,
        listed_at_ms=_instant_ms(item, "open_timestamp"),
        expires_at_ms=_instant_ms(item, "expire_timestamp"),
        tiers=tuple(tiers),
    )


def assumed_maintenance(max_leverage: int) -> Decimal:
    """The ratio where the venue's risk tiers cannot be had: half the initial margin at the highest leverage.

    Every tier of the documentation's example has just this ratio (50x: 0.01, 25x: 0.02, ... 1x: 0.5).
    """
    return 1 / (2 * Decimal(max_leverage))


def _status(item: Row, now_ms: int) -> ContractStatus:
    """Old answers have no status; what they list trades. ``delist_time`` is in seconds."""
    if item.has("status"):
        listed = item.one_of("status", {"Trading": True, "Delisted": False})
        if not listed:
            return "delisted"
    delisted_sec = item.whole("delist_time") if item.has("delist_time") else 0
    return "delisted" if 0 < delisted_sec * 1000 <= now_ms else "trading"


def _limit(item: Row, name: str) -> Decimal | None:
    """A largest size; 0 and absent are none."""
    if not item.has(name):
        return None
    return item.decimal(name) or None


def _instant_ms(item: Row, name: str) -> int | None:
    """0 and absent are none."""
    if not item.has(name):
        return None
    stamp = item.whole(name)
    if stamp <= 0:
        return None
    return stamp if stamp > _MS_FROM else stamp * 1000


def decode_tiers(data: object) -> Mapping[str, Sequence[RiskTier]]:
    """``data`` of ``leverage-bracket``: each symbol's risk tiers, the lowest first.

    The venue takes a tier's ``cum`` off the maintenance margin of its positions; leaving it out counts too
    much of it, never too little.
    """
    found: dict[str, Sequence[RiskTier]] = {}
    for rule in rows(row(data).fields.get("rules"), "data.rules"):
        tiers = [
            RiskTier(
                tier.decimal("notional_floor"),
                tier.positive("maint_margin_ratio"),
                tier.whole("initial_leverage"),
            )
            for tier in rows(rule.fields.get("brackets"), f"{rule.place}.brackets")
        ]
        if tiers:
            found[rule.text("symbol")] = sorted(tiers, key=lambda tier: tier.floor_usdt)
    return found


def decode_fees(data: object) -> Fees:
    """``data`` of ``trade-fee-rate``."""
    item = row(data)
    return Fees(item.decimal("maker_fee_rate"), item.decimal("taker_fee_rate"))

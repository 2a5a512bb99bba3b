"""The contracts the venue lists, with the numbers of `details` and `leverage-bracket`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

D = Decimal
MAKER_FEE, TAKER_FEE = D("0.0002"), D("0.0006")


@dataclass(frozen=True, slots=True)
class Bracket:
    """One risk tier: notionals in quote currency, ``maintenance`` a ratio, ``cum`` its deduction."""

    number: int
    leverage: int
    floor: Decimal
    cap: Decimal
    maintenance: Decimal
    cum: Decimal


def tiers(largest_leverage: int) -> tuple[Bracket, ...]:
    """Three tiers whose deductions make the maintenance margin continuous."""
    low, mid, high = D("0.005"), D("0.01"), D("0.05")
    first, second, third = D(200_000), D(2_000_000), D(20_000_000)
    second_cum = first * (mid - low)
    third_cum = second_cum + second * (high - mid)
    return (
        Bracket(1, largest_leverage, D(0), first, low, D(0)),
        Bracket(2, max(1, largest_leverage // 2), first, second, mid, second_cum),
        Bracket(3, max(1, largest_leverage // 10), second, third, high, third_cum),
    )


@dataclass(slots=True)
class Contract:
    """One perpetual. ``tick`` and ``step`` are steps; sizes are in contracts of ``contract_size`` base units.

    ``status`` is ``Trading``, ``Delisted`` or, for orders answered with 40015, ``Paused``.
    """

    symbol: str
    base: str
    contract_size: Decimal
    tick: Decimal
    price: Decimal
    max_volume: int
    market_max_volume: int
    max_leverage: int
    step: int = 1
    min_volume: int = 1
    min_leverage: int = 1
    volume_24h: str = "28292246"
    turnover_24h: str = "219413191.3386"
    open_ms: int = 1_645_977_600_000
    funding_rate: str = "0.0001"
    funding_hours: int = 8
    status: str = "Trading"
    delist_s: int = 0
    maker_fee: Decimal = MAKER_FEE
    taker_fee: Decimal = TAKER_FEE
    brackets: Sequence[Bracket] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if not self.brackets:
            self.brackets = tiers(self.max_leverage)

    def bracket(self, notional: Decimal) -> Bracket:
        """The tier of a notional; the last one above its cap."""
        for bracket in self.brackets:
            if notional <= bracket.cap:
                return bracket
        return self.brackets[-1]


def shipped() -> dict[str, Contract]:
    """Eight contracts in the proportions BitMart gives them."""
    rows = [
        ("BTCUSDT", "BTC", "0.001", "0.1", "77022.8", 1_000_000, 100_000, 200),
        ("ETHUSDT", "ETH", "0.001", "0.01", "2118.24", 10_000_000, 1_000_000, 200),
        ("LTCUSDT", "LTC", "0.001", "0.01", "53.78", 20_000_000, 0, 75),
        ("ADAUSDT", "ADA", "1", "0.0001", "0.2468", 10_000_000, 0, 75),
        ("XRPUSDT", "XRP", "0.1", "0.0001", "1.3579", 100_000_000, 20_000_000, 200),
        ("DOGEUSDT", "DOGE", "1", "0.00001", "0.1043", 50_000_000, 2_000_000, 200),
        ("TRXUSDT", "TRX", "1", "0.0000001", "0.3620399", 50_000_000, 0, 75),
        ("SOLUSDT", "SOL", "0.1", "0.01", "171.25", 10_000_000, 500_000, 100),
    ]
    return {
        row[0]: Contract(row[0], row[1], D(row[2]), D(row[3]), D(row[4]), row[5], row[6], row[7])
        for row in rows
    }


def from_details(rows: Sequence[Mapping[str, Any]]) -> dict[str, Contract]:
    """Contracts of a recorded `details` reply, whose integers may be text."""
    return {
        row["symbol"]: Contract(
            row["symbol"],
            row["base_currency"],
            D(row["contract_size"]),
            D(row["price_precision"]),
            D(row["last_price"]),
            int(row["max_volume"]),
            int(row.get("market_max_volume") or 0),
            int(row["max_leverage"]),
            min_volume=int(row["min_volume"]),
            volume_24h=row["volume_24h"],
            turnover_24h=row["turnover_24h"],
            open_ms=int(row["open_timestamp"]),
            funding_rate=row["funding_rate"],
            funding_hours=int(row.get("funding_interval_hours") or 8),
            status=row.get("status") or "Trading",
            delist_s=int(row.get("delist_time") or 0),
        )
        for row in rows
    }

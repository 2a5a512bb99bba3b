"""Which of 1,000 contracts a run looks at, and why not at each other one: against reading the venue's list.

The peer is what comes before any selection: the answer that lists the contracts, parsed by the standard
library, and a loop of comparisons that gives the same symbols without a reason.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bench.folder import profile
from bench.table import Row, best_of, span
from engine.models.contracts import SelectionRules
from server.exchange.port import Contract, Listing
from server.exchange.selection import GATE, select_contracts

CONTRACTS = 1_000
NOW_MS = 1_748_850_360_000
HOUR_MS = 3_600_000
TIMES = 20


def run() -> list[Row]:
    """Shortest of many."""
    chosen = profile()
    rules, gate = chosen.contracts.selection, chosen.gates[GATE]
    document = _document()
    listings = _listings(json.loads(document)["symbols"])
    selected = select_contracts(listings, chosen.contracts, gate, NOW_MS)
    by_hand = _by_hand(json.loads(document)["symbols"], rules)
    if list(selected.symbols) != by_hand or len(selected.left_out) + len(by_hand) != CONTRACTS:
        raise RuntimeError("the loop by hand selects other contracts")
    ours = best_of(TIMES, lambda: select_contracts(listings, chosen.contracts, gate, NOW_MS))
    parse = best_of(TIMES, lambda: json.loads(document))
    items = json.loads(document)["symbols"]
    loop = best_of(TIMES, lambda: _by_hand(items, rules))
    return [
        Row(f"of {CONTRACTS:,} contracts {len(by_hand)} selected, the others with a reason", span(ours)),
        Row(
            "    the venue's list parsed by json",
            f"{span(parse)}; ours {ours / parse:,.1f} ×",
            "≤ 2 ×",
            ours <= 2 * parse,
        ),
        Row("    a loop by hand, without reasons", f"{span(loop)}; ours {ours / loop:,.1f} ×"),
    ]


def _document() -> str:
    """As a venue lists them, with what most of them say beside."""
    rng = random.Random(7)
    items: list[dict[str, Any]] = []
    for number in range(CONTRACTS):
        turnover = Decimal(round(10 ** rng.uniform(4, 9), 2)).quantize(Decimal("0.01"))
        items.append(
            {
                "symbol": f"NAME{number}USDT",
                "product_type": 1,
                "base_currency": f"NAME{number}",
                "quote_currency": "USDC" if rng.random() < 0.05 else "USDT",
                "status": "Delisted" if rng.random() < 0.03 else "Trading",
                "open_timestamp": NOW_MS - rng.randrange(10, 20_000) * HOUR_MS,
                "expire_timestamp": NOW_MS + HOUR_MS * rng.randrange(-10, 10) if rng.random() < 0.02 else 0,
                "turnover_24h": str(turnover),
                "volume_24h": str(turnover / 3),
                "last_price": "1.2345",
                "index_price": "1.2344",
                "index_name": f"NAME{number}USDT",
                "contract_size": "0.1",
                "min_leverage": "1",
                "max_leverage": "50",
                "price_precision": "0.0001",
                "vol_precision": "1",
                "max_volume": "1000000",
                "market_max_volume": "50000",
                "min_volume": "1",
                "funding_rate": "0.0001",
                "expected_funding_rate": "0.0001",
                "open_interest": "123456",
                "open_interest_value": "152345.67",
                "high_24h": "1.3",
                "low_24h": "1.2",
                "change_24h": "0.0123",
                "funding_time": NOW_MS + 4 * HOUR_MS,
            }
        )
    return json.dumps({"symbols": items})


def _listings(items: list[dict[str, Any]]) -> Mapping[str, Listing]:
    listings: dict[str, Listing] = {}
    for item in items:
        listings[item["symbol"]] = Contract(
            symbol=item["symbol"],
            base=item["base_currency"],
            quote=item["quote_currency"],
            status="trading" if item["status"] == "Trading" else "delisted",
            tick_size=Decimal(item["price_precision"]),
            size_step=Decimal(item["vol_precision"]),
            contract_size=Decimal(item["contract_size"]),
            min_size=Decimal(item["min_volume"]),
            max_size=Decimal(item["max_volume"]),
            market_max_size=Decimal(item["market_max_volume"]),
            min_leverage=1,
            max_leverage=50,
            maker_fee_ratio=Decimal("0.0002"),
            taker_fee_ratio=Decimal("0.0006"),
            maintenance_margin_ratio=Decimal("0.01"),
            turnover_24h_usdt=Decimal(item["turnover_24h"]),
            listed_at_ms=item["open_timestamp"],
            expires_at_ms=item["expire_timestamp"] or None,
        )
    return listings


def _by_hand(items: list[dict[str, Any]], rules: SelectionRules) -> list[str]:
    """The shipped selection as one would write it without rules: numbers in, symbols out."""
    buckets: dict[str, list[tuple[float, str]]] = {"top": [], "mid": []}
    least, top = float(rules.min_turnover_usdt), float(rules.mid_max_turnover_usdt)
    for item in items:
        if item["status"] != "Trading" or item["quote_currency"] != rules.quote_currency:
            continue
        if rules.require_not_expired and item["expire_timestamp"] and item["expire_timestamp"] <= NOW_MS:
            continue
        turnover = float(item["turnover_24h"])
        if turnover < least or NOW_MS - item["open_timestamp"] <= rules.min_listing_age_hours * HOUR_MS:
            continue
        buckets["top" if turnover > top else "mid"].append((turnover, item["symbol"]))
    chosen: list[str] = []
    for name, order, most in (("top", rules.order.top, rules.top_n), ("mid", rules.order.mid, rules.mid_n)):
        sign = -1 if order == "descending" else 1
        chosen += [symbol for _, symbol in sorted((sign * t, s) for t, s in buckets[name])][:most]
    return chosen

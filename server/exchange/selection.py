"""Which contracts of a venue a run looks at: a pure function of its listings and the profile's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.models.contracts import ContractsDocument, SelectionRules, TurnoverOrder
from server.exchange.port import Contract, Listing

HOUR_MS = 3_600_000

Cause = Literal[
    "blacklisted", "not_listed", "status", "quote_currency", "turnover", "listing_age", "unknown", "limit"
]
"""Why a symbol is left out: the first rule it does not meet; ``limit``: its bucket is full."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Symbols in the order they are run, and why each of the others is left out."""

    symbols: tuple[str, ...]
    left_out: Mapping[str, Cause]


def select_contracts(
    listings: Mapping[str, Listing],
    document: ContractsDocument,
    now_ms: int,
    requested: Sequence[str] | None = None,
) -> Selection:
    """The venue's contracts a profile selects at ``now_ms``; or the ``requested`` ones less the blacklist.

    Order: top bucket, mid bucket, then (where the profile includes them) what cannot be judged, by symbol.
    """
    blacklist = frozenset(document.blacklist)
    if requested is not None:
        return _requested(listings, blacklist, requested)
    rules = document.selection
    left_out: dict[str, Cause] = {}
    known: list[tuple[str, Decimal]] = []
    unsure: list[str] = []
    for symbol, listing in listings.items():
        cause = "blacklisted" if symbol in blacklist else _shortcoming(listing, rules, now_ms)
        if cause == "unknown" and rules.when_unknown == "include":
            unsure.append(symbol)
        elif cause is not None:
            left_out[symbol] = cause
        elif isinstance(listing, Contract) and listing.turnover_24h_usdt is not None:
            known.append((symbol, listing.turnover_24h_usdt))
    chosen = [*_buckets(known, rules), *sorted(unsure)]
    taken = frozenset(chosen)
    left_out |= {symbol: "limit" for symbol, _ in known if symbol not in taken}
    return Selection(tuple(chosen), left_out)


def _requested(
    listings: Mapping[str, Listing], blacklist: frozenset[str], requested: Sequence[str]
) -> Selection:
    left_out: dict[str, Cause] = {}
    chosen: list[str] = []
    for symbol in dict.fromkeys(requested):
        if symbol in blacklist:
            left_out[symbol] = "blacklisted"
        elif symbol not in listings:
            left_out[symbol] = "not_listed"
        else:
            chosen.append(symbol)
    return Selection(tuple(chosen), left_out)


def _shortcoming(listing: Listing, rules: SelectionRules, now_ms: int) -> Cause | None:
    """The first rule the contract does not meet; ``unknown`` only where all that is known is met."""
    if not isinstance(listing, Contract):
        return "unknown"
    if listing.status != rules.status:
        return "status"
    if listing.quote != rules.quote_currency:
        return "quote_currency"
    turnover, listed = listing.turnover_24h_usdt, listing.listed_at_ms
    if turnover is not None and turnover < rules.min_turnover_usdt:
        return "turnover"
    ages = rules.min_listing_age_hours > 0
    if ages and listed is not None and now_ms - listed < rules.min_listing_age_hours * HOUR_MS:
        return "listing_age"
    if turnover is None or (ages and listed is None):
        return "unknown"
    return None


def _buckets(known: Sequence[tuple[str, Decimal]], rules: SelectionRules) -> list[str]:
    top = [item for item in known if item[1] > rules.mid_max_turnover_usdt]
    mid = [item for item in known if item[1] <= rules.mid_max_turnover_usdt]
    return [*_sorted(top, rules.order.top)[: rules.top_n], *_sorted(mid, rules.order.mid)[: rules.mid_n]]


def _sorted(bucket: Sequence[tuple[str, Decimal]], order: TurnoverOrder) -> list[str]:
    sign = -1 if order == "descending" else 1
    return [symbol for symbol, _ in sorted(bucket, key=lambda item: (sign * item[1], item[0]))]

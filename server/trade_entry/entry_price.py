"""Where the limit order rests: at the maker price, or at the zone's near edge once the market left it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.models.base import Side
from server.exchange.port import Book
from server.trade_entry.quantise import ceil_to, floor_to
from server.trade_entry.zone import Zone

CandidatePosition = Literal["inside", "passive_side", "far_side"]
"""Where the maker price lies: in the zone; beyond it where an order at the edge would wait for the market to
come back (above for a long, below for a short); or on the other side, where it would cross the book."""

EntrySource = Literal["maker", "zone_edge"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """The maker price held against the zone; ``deviation_ratio`` is over the mark, None without one."""

    price: Decimal
    position: CandidatePosition
    deviation_ratio: Decimal | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The limit price, on a tick, never crossing the book."""

    price: Decimal
    source: EntrySource


def maker_price(side: Side, book: Book, tick: Decimal, inside_ticks: int) -> Decimal:
    """``inside_ticks`` ahead of the own side's best price, but one tick short of the other side's at most."""
    ahead = inside_ticks * tick
    if side == "long":
        return floor_to(min(book.bid + ahead, book.ask - tick), tick)
    return ceil_to(max(book.ask - ahead, book.bid + tick), tick)


def judge(side: Side, price: Decimal, zone: Zone, mark: Decimal) -> Candidate:
    """Holds the maker price against the zone."""
    position: CandidatePosition = "inside"
    if not zone.contains(price):
        position = "passive_side" if (price > zone.high) == (side == "long") else "far_side"
    return Candidate(price, position, zone.distance(price) / mark if mark > 0 else None)


def place(side: Side, candidate: Candidate, zone: Zone) -> Entry | None:
    """The limit price, or None on the far side, where only an order that crosses could enter."""
    if candidate.position == "inside":
        return Entry(candidate.price, "maker")
    if candidate.position == "passive_side":
        return Entry(zone.high if side == "long" else zone.low, "zone_edge")
    return None

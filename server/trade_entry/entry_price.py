"""Where the order goes: a limit order rests at the maker price, or at the zone's near edge once the market
left it; a market order takes the best price of the other side, within a cap."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.models.base import Side
from server.exchange.port import Book
from server.trade_entry.quantise import ceil_to, clamp, floor_to
from server.trade_entry.slippage import capped
from server.trade_entry.zone import Zone

CandidatePosition = Literal["inside", "passive_side", "far_side"]
"""Where the maker price lies: in the zone; beyond it where an order at the edge would wait for the market to
come back (above for a long, below for a short); or on the other side, where it would cross the book."""

EntrySource = Literal["maker", "zone_edge", "taker"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A price held against the zone; ``deviation_ratio`` is over the mark, None without one."""

    price: Decimal
    position: CandidatePosition
    deviation_ratio: Decimal | None


@dataclass(frozen=True, slots=True)
class Entry:
    """The price the plan counts with, and the worst it may be filled at; both on ticks.

    They differ for a market order only: a limit order never crosses the book, and is filled at its price.
    """

    price: Decimal
    source: EntrySource
    limit_price: Decimal

    @property
    def dearest(self) -> Decimal:
        """The price at which the position takes most margin: for a short that is the better one."""
        return max(self.price, self.limit_price)


def maker_price(side: Side, book: Book, tick: Decimal, inside_ticks: int) -> Decimal:
    """``inside_ticks`` ahead of the own side's best price, but one tick short of the other side's at most."""
    ahead = inside_ticks * tick
    if side == "long":
        return floor_to(min(book.bid + ahead, book.ask - tick), tick)
    return ceil_to(max(book.ask - ahead, book.bid + tick), tick)


def judge(side: Side, price: Decimal, zone: Zone, mark: Decimal) -> Candidate:
    """Holds the price an order would have against the zone."""
    position: CandidatePosition = "inside"
    if not zone.contains(price):
        position = "passive_side" if (price > zone.high) == (side == "long") else "far_side"
    return Candidate(price, position, zone.distance(price) / mark if mark > 0 else None)


def place(side: Side, candidate: Candidate, zone: Zone) -> Entry | None:
    """The limit order, or None on the far side, where only an order that crosses could enter."""
    if candidate.position == "inside":
        return Entry(candidate.price, "maker", candidate.price)
    if candidate.position == "passive_side":
        edge = zone.high if side == "long" else zone.low
        return Entry(edge, "zone_edge", edge)
    return None


def taker_price(side: Side, book: Book) -> Decimal:
    """The best price of the other side."""
    return book.ask if side == "long" else book.bid


def take(side: Side, candidate: Candidate, zone: Zone, slippage_bps: Decimal, tick: Decimal) -> Entry | None:
    """The market order, capped by its slippage and the zone's edge; None outside the zone."""
    if candidate.position != "inside":
        return None
    worst = clamp(capped(side, candidate.price, slippage_bps, tick), zone.low, zone.high)
    return Entry(candidate.price, "taker", worst)

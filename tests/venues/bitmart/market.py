"""Prices: the quote of a symbol and the ladder of its book, as whoever drives the venue sets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from .contracts import Contract

Level = tuple[Decimal, int]
"""Price and size in contracts."""

LEVELS = 20
LEVEL_SIZE = 1_000_000
DEEPEST = 50


@dataclass(slots=True)
class Quote:
    """What the market of a symbol is now. Bids and asks are best first."""

    bids: Sequence[Level]
    asks: Sequence[Level]
    last: Decimal
    mark: Decimal
    index: Decimal

    @property
    def bid(self) -> Decimal:
        return self.bids[0][0]

    @property
    def ask(self) -> Decimal:
        return self.asks[0][0]

    def reference(self, price_type: int) -> Decimal:
        """The price a trigger looks at: 1 last, 2 mark."""
        return self.mark if price_type == 2 else self.last


def ladder(contract: Contract, best: Decimal, *, up: bool, size: int) -> tuple[Level, ...]:
    """Levels one tick apart from ``best``, each of ``size`` contracts."""
    step = contract.tick if up else -contract.tick
    levels = tuple((best + step * i, size) for i in range(LEVELS))
    return tuple(level for level in levels if level[0] > 0)


def quoted(
    contract: Contract,
    bid: Decimal,
    ask: Decimal,
    *,
    last: Decimal | None = None,
    mark: Decimal | None = None,
    bid_size: int = LEVEL_SIZE,
    ask_size: int = LEVEL_SIZE,
) -> Quote:
    """A quote; ``last`` and ``mark`` default to the bid where the spread has no tick inside, else the middle.

    Raises ValueError for a crossed or non-positive book.
    """
    if not 0 < bid < ask:
        raise ValueError(f"{contract.symbol}: bid {bid} and ask {ask} are no market")
    middle = (bid + ask) / 2
    middle -= middle % contract.tick
    return Quote(
        ladder(contract, bid, up=False, size=bid_size),
        ladder(contract, ask, up=True, size=ask_size),
        last if last is not None else middle,
        mark if mark is not None else middle,
        mark if mark is not None else middle,
    )

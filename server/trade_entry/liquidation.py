"""Where the venue would take the position away, estimated before there is one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.models.base import Side
from server.trade_entry.quantise import ceil_to, floor_to


@dataclass(frozen=True, slots=True)
class Liquidation:
    """The estimated price, which may be zero or below for a long (never), and how far behind the stop it is.

    ``stop_multiple`` is its distance from the entry over the stop's.
    """

    price: Decimal
    distance: Decimal
    stop_multiple: Decimal


def estimate(
    side: Side, entry: Decimal, stop: Decimal, leverage: int, kept: Decimal, tick: Decimal
) -> Liquidation:
    """Liquidation of a position that carries ``1 / leverage`` of its value at ``entry``.

    It happens where the margin left is ``kept``, the ratios of the maintenance margin and of the taker fee of
    the close: at P with ``entry / leverage - |entry - P| = kept x P``. That is the price of an isolated
    position. One with cross margin has the account's free balance behind it and is liquidated later, unless
    losses of other positions have used that up: for it, this is where its own margin alone would end.
    Rounded to a tick toward the entry. ``stop`` differs from ``entry``.
    """
    margin = entry / leverage
    if side == "long":
        price = ceil_to((entry - margin) / (1 - kept), tick)
    else:
        price = floor_to((entry + margin) / (1 + kept), tick)
    distance = entry - price if side == "long" else price - entry
    return Liquidation(price, distance, distance / abs(entry - stop))

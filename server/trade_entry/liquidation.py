"""Where the venue would take the position away, estimated before there is one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.models.base import Side
from server.exchange.port import Contract
from server.trade_entry.quantise import ceil_to, floor_to


@dataclass(frozen=True, slots=True)
class Liquidation:
    """The estimated price, which may be zero or below for a long (never), and how far behind the stop it is.

    ``stop_multiple`` is its distance from the entry over the stop's.
    """

    price: Decimal
    distance: Decimal
    stop_multiple: Decimal


def estimate(side: Side, entry: Decimal, stop: Decimal, leverage: int, contract: Contract) -> Liquidation:
    """Liquidation of an isolated position that carries ``1 / leverage`` of its value at ``entry``.

    It happens where the margin left is the maintenance margin and the taker fee of the close: at P with
    ``entry / leverage - |entry - P| = (maintenance + fee) x P``. The maintenance ratio is that of the lowest
    risk tier, so a position of a higher tier is nearer to it. Rounded to a tick toward the entry. ``stop``
    differs from ``entry``.
    """
    kept = contract.maintenance_margin_ratio + contract.taker_fee_ratio
    margin = entry / leverage
    if side == "long":
        price = ceil_to((entry - margin) / (1 - kept), contract.tick_size)
    else:
        price = floor_to((entry + margin) / (1 + kept), contract.tick_size)
    distance = entry - price if side == "long" else price - entry
    return Liquidation(price, distance, distance / abs(entry - stop))

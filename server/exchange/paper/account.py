"""The paper account: a balance, and nothing open until something can be submitted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from server.exchange.port import Balance, OpenOrder, Position


class Account:
    """Equity in USDT, the open positions and the resting orders of one venue."""

    def __init__(self, balance_usdt: Decimal) -> None:
        self._equity_usdt = balance_usdt
        self._positions: dict[str, Position] = {}
        self._orders: dict[str, OpenOrder] = {}

    def balance(self) -> Balance:
        """Free is what no position and no order holds as margin."""
        held = sum((position.margin_usdt for position in self._positions.values()), Decimal(0))
        return Balance(equity_usdt=self._equity_usdt, available_usdt=self._equity_usdt - held)

    def positions(self) -> Sequence[Position]:
        return tuple(self._positions.values())

    def open_orders(self) -> Sequence[OpenOrder]:
        return tuple(self._orders.values())

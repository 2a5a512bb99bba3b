"""A desk without a venue: one contract, one account, candles from a table, everything on whole numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine.models.base import Side
from server.exchange.paper import desk, statement
from server.exchange.paper.market import BUNDLED
from server.exchange.paper.matching import Bar, MatchingRules, advance
from server.exchange.paper.register import Account, Archive
from server.exchange.paper.specification import read_specifications
from server.exchange.paper.state import State, decode, encode
from server.exchange.port import Book
from server.exchange.trading import Accepted, ClosingOrder, EntryOrder, Outcome, TriggerKind, TriggerRequest

MINUTE_MS = 60_000
SYMBOL = "BTCUSDT"
SPECIFICATION = read_specifications(BUNDLED / "contracts.json")[SYMBOL].model_copy(
    update={
        "tick_size": Decimal(1),
        "size_step": Decimal(1),
        "contract_size": Decimal(1),
        "min_size": Decimal(1),
        "maker_fee_ratio": Decimal("0.0002"),
        "taker_fee_ratio": Decimal("0.0006"),
        "maintenance_margin_ratio": Decimal("0.01"),
    }
)
SPECIFICATIONS = {SYMBOL: SPECIFICATION}
Candle = tuple[int, int, int, int] | tuple[int, int, int, int, int]
"""Open, high, low, close and the volume in contracts, which is ample without it."""


class Desk:
    """An account of 100,000 USDT; the book stands at 100 / 101, and later around the last close."""

    def __init__(self, *, seed: int = 0, share: str = "0.1", cash: int = 100_000) -> None:
        self.state = State(cash_usdt=Decimal(cash))
        self.opening = self.state.cash_usdt
        self.rules = MatchingRules(Decimal(share), seed)
        self.desk_rules = desk.DeskRules(Decimal("0.9"), attaches_protection=True)
        self.last = Decimal(100)
        self.now_ms = 0
        self.count = 0

    @property
    def book(self) -> Book:
        size = Decimal(1000)
        return Book(SYMBOL, self.last, self.last + 1, size, size, self.last, self.last, self.now_ms)

    def order(self, side: Side, price: int | None, size: int = 10, **changes: Any) -> EntryOrder:
        """A limit that may cross, or a market order without a price, at 5x."""
        self.count += 1
        order = EntryOrder(
            symbol=SYMBOL,
            client_order_id=f"order{self.count}",
            side=side,
            type="market" if price is None else "limit",
            size=Decimal(size),
            price=None if price is None else Decimal(price),
            time_in_force="ioc" if price is None else "gtc",
            leverage=5,
            margin_mode="isolated",
        )
        prices = {k: Decimal(v) for k, v in changes.items() if k in ("stop_loss", "take_profit")}
        return replace(order, **{**changes, **prices})

    def submit(self, order: EntryOrder) -> Outcome:
        free = statement.balance(self.state, SPECIFICATIONS, {SYMBOL: self.last}).available_usdt
        return desk.submit(self.state, SPECIFICATION, order, self.book, free, self.now_ms, self.desk_rules)

    def enter(self, side: Side, price: int | None, size: int = 10, **changes: Any) -> str:
        """Submits and gives the client id; the order has to be taken."""
        order = self.order(side, price, size, **changes)
        outcome = self.submit(order)
        assert isinstance(outcome, Accepted), outcome
        return order.client_order_id

    def close(self, side: Side, size: int) -> Outcome:
        self.count += 1
        request = ClosingOrder(
            symbol=SYMBOL, client_order_id=f"close{self.count}", side=side, size=Decimal(size)
        )
        return desk.close(self.state, SPECIFICATION, request, self.book, self.now_ms)

    def protect(self, side: Side, kind: TriggerKind, price: int, size: int | None = None) -> Outcome:
        self.count += 1
        request = TriggerRequest(
            symbol=SYMBOL,
            client_order_id=f"trigger{self.count}",
            kind=kind,
            side=side,
            trigger_price=Decimal(price),
            size=None if size is None else Decimal(size),
        )
        return desk.place_trigger(self.state, SPECIFICATION, request, self.last, self.now_ms)

    def bar(self, candle: Candle) -> Bar:
        """The candle of the next minute."""
        self.now_ms += MINUTE_MS
        opened, high, low, close, *volume = map(Decimal, candle)
        self.last = close
        return Bar(SYMBOL, self.now_ms, opened, high, low, close, volume[0] if volume else Decimal(10**6))

    def play(self, *candles: Candle) -> None:
        """Matches minute by minute; the state goes through its document each time."""
        for candle in candles:
            bar = self.bar(candle)
            self.state = decode(encode(self.state))
            advance(self.state, self.now_ms, [bar], SPECIFICATIONS, self.rules)

    @property
    def account(self) -> Account:
        """The state, with nothing in an archive."""
        return Account(self.state, Archive(0, 0, {}, ()))

    @property
    def fills(self) -> list[str]:
        """What was executed, as ``+10 @ 95`` or ``-10 @ 90`` for what it did to the position."""
        return [f"{'-' if f.closes else '+'}{f.size} @ {f.price}" for f in self.state.fills]

    @property
    def held(self) -> list[str]:
        """Open positions as ``long 10 @ 95``."""
        return [f"{p.side} {p.size} @ {p.entry_price}" for p in self.state.positions.values()]

    @property
    def waiting(self) -> list[str]:
        """Waiting triggers as ``stop_loss 90``."""
        return [f"{t.kind} {t.trigger_price}" for t in self.state.triggers.values()]

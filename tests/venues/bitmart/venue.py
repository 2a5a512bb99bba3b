"""The venue: its clock, contracts, quotes and accounts, and the handles by which a test drives its market."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from . import closing, matching, positions
from .candles import CandleSource, Waves, path_of
from .clock import Clock
from .codes import ApiError
from .contracts import Contract, shipped
from .market import LEVEL_SIZE, Level, Quote, quoted
from .state import ZERO, Account, Flow

FIRST_ORDER_ID = 90_071_992_547_409_931
"""Seventeen digits and odd: above 2^53, so that whoever reads an order id as a float gets another one."""


@dataclass(slots=True)
class Options:
    """Where the document leaves the behaviour open, one choice each; the default is the first named.

    post_only: a maker-only order that would cross is accepted and finished unfilled, or refused (40011).
    insufficient_code: 42000 (HTTP 200) or 40027 (HTTP 400).
    presets_arm: with the first fill, or only once the entry order has filled whole.
    preset_category: plan category of armed presets; 2 whole position, 1 the entry's filled size.
    order_by_client_id: whether `GET /order` finds by client id (the document requires ``order_id``).
    fires_at_once: code for a TP/SL that the reference price would trigger at once.
    timer_takes_plans: whether the dead-man timer cancels TP/SL orders too.
    leverage_must_match_position: 40012 for an opening order at another leverage than the position's.
    cuts_first_candle, candle_offset_s: habits of the live venue's candles.
    follow_candles: as its clock goes on, the market passes through the one-minute candles that are over.
    """

    post_only: Literal["finish", "refuse"] = "finish"
    insufficient_code: int = 42000
    presets_arm: Literal["first_fill", "whole_fill"] = "first_fill"
    preset_category: Literal[1, 2] = 2
    order_by_client_id: bool = False
    fires_at_once: int = 40044
    timer_takes_plans: bool = False
    leverage_must_match_position: bool = True
    liquidations: bool = True
    max_plans: int = 100
    max_trigger_deviation: Decimal | None = None
    cuts_first_candle: bool = True
    candle_offset_s: int = 0
    follow_candles: bool = False


@dataclass
class Venue:
    """Everything the venue knows. Methods that change it hold ``lock``: the server may run in a thread.

    ``fill_share`` bounds what one price move fills of an order, as a share of its size; 0 stops all fills.
    """

    clock: Clock = field(default_factory=Clock)
    contracts: dict[str, Contract] = field(default_factory=shipped)
    options: Options = field(default_factory=Options)
    accounts: dict[str, Account] = field(default_factory=dict)
    quotes: dict[str, Quote] = field(default_factory=dict)
    fill_share: Decimal = Decimal(1)
    candle_source: CandleSource = field(default_factory=Waves)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _next_id: int = FIRST_ORDER_ID
    _followed_s: int = 0

    def __post_init__(self) -> None:
        for contract in self.contracts.values():
            if contract.symbol not in self.quotes:
                bid = contract.price - contract.price % contract.tick
                self.quotes[contract.symbol] = quoted(contract, bid, bid + contract.tick)

    def new_id(self) -> int:
        self._next_id += 2
        return self._next_id

    def contract(self, symbol: str) -> Contract:
        """Raises `ApiError` 40034."""
        contract = self.contracts.get(symbol)
        if contract is None:
            raise ApiError(40034, symbol)
        return contract

    def tradable(self, symbol: str) -> Contract:
        """Raises `ApiError` 40034, 40014 (delisted) or 40015 (paused)."""
        contract = self.contract(symbol)
        if contract.status == "Delisted":
            raise ApiError(40014, symbol)
        if contract.status == "Paused":
            raise ApiError(40015, symbol)
        return contract

    def account(self, name: str = "main") -> Account:
        return self.accounts[name]

    def add_account(self, name: str, usdt: Decimal) -> Account:
        account = Account(name, usdt)
        self.accounts[name] = account
        return account

    def set_price(
        self,
        symbol: str,
        bid: Decimal | str,
        ask: Decimal | str | None = None,
        *,
        last: Decimal | str | None = None,
        mark: Decimal | str | None = None,
        bid_size: int = LEVEL_SIZE,
        ask_size: int = LEVEL_SIZE,
    ) -> None:
        """Moves the market and lets it act: resting limits, then triggers (stops first), then liquidations.

        ``ask`` defaults to one tick above ``bid``; ``last`` and ``mark`` to the middle.
        """
        with self.lock:
            contract = self.contracts[symbol]
            best_bid = Decimal(bid)
            best_ask = Decimal(ask) if ask is not None else best_bid + contract.tick
            self.quotes[symbol] = quoted(
                contract,
                best_bid,
                best_ask,
                last=None if last is None else Decimal(last),
                mark=None if mark is None else Decimal(mark),
                bid_size=bid_size,
                ask_size=ask_size,
            )
            matching.settle(self, symbol)

    def set_book(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Gives the book its own levels, best first, without a trade: last and mark stay."""
        with self.lock:
            quote = self.quotes[symbol]
            self.quotes[symbol] = Quote(tuple(bids), tuple(asks), quote.last, quote.mark, quote.index)
            matching.settle(self, symbol)

    def pay_funding(self, symbol: str, rate: Decimal) -> None:
        """Longs pay ``rate`` of their mark value to shorts (negative: receive)."""
        with self.lock:
            contract, mark = self.contracts[symbol], self.quotes[symbol].mark
            for account in self.accounts.values():
                for position in account.positions.values():
                    if position.symbol != symbol or not position.amount:
                        continue
                    value = mark * position.amount * contract.contract_size
                    paid = rate * value * (-1 if position.kind == 1 else 1)
                    self.book_flow(account, symbol, 3, paid)
                    position.realised += paid

    def book_flow(self, account: Account, symbol: str, flow_type: int, amount: Decimal) -> None:
        """Changes the wallet and writes the transaction."""
        account.wallet += amount
        account.flows.append(Flow(self.new_id(), symbol, flow_type, amount, self.clock.now_ms()))

    def set_fill_cap(self, order_id: int, contracts: int | None) -> None:
        """The most an open order may ever fill; None lifts it."""
        with self.lock:
            for account in self.accounts.values():
                if order_id in account.orders:
                    account.orders[order_id].fill_cap = contracts

    def unrealised(self, account: Account) -> Decimal:
        total = ZERO
        for position in account.positions.values():
            if position.amount:
                total += positions.profit(
                    self.contracts[position.symbol],
                    position.kind,
                    position.average,
                    self.quotes[position.symbol].mark,
                    position.amount,
                )
        return total

    def balances(self, account: Account) -> Mapping[str, Decimal]:
        """available, frozen, deposit, equity and unrealised, USDT."""
        deposit = sum((p.margin for p in account.positions.values() if p.amount), ZERO)
        frozen = sum((o.frozen for o in account.open_orders.values()), ZERO)
        unrealised = self.unrealised(account)
        return {
            "available": max(ZERO, account.wallet - deposit - frozen),
            "frozen": frozen,
            "deposit": deposit,
            "equity": account.wallet + unrealised,
            "unrealised": unrealised,
        }

    def follow(self) -> None:
        """Takes the market through the minutes that have ended since the last time; a day of them at most."""
        end_s = self.clock.now_ms() // 60_000 * 60
        first_s = max(self._followed_s or end_s, end_s - 86_400)
        self._followed_s = end_s
        for contract in self.contracts.values() if first_s < end_s else ():
            for candle in self.candle_source.rows(contract, 1, first_s, end_s - 60):
                for price in path_of(candle):
                    self.set_price(contract.symbol, price - price % contract.tick, last=price, mark=price)

    def run_timers(self) -> None:
        """Cancels what dead-man timers have run out for."""
        now = self.clock.now_ms()
        for account in self.accounts.values():
            for symbol in [s for s, due in account.timers.items() if due <= now]:
                del account.timers[symbol]
                closing.cancel_all(self, account, symbol, plans=self.options.timer_takes_plans)

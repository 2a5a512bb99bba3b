"""What the venue says before a plan is made: contract, top of book, balance."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from engine.gates.gate import GateValue
from engine.models.trade_entry import EntryRules, OrderType
from server.exchange.errors import ExchangeError
from server.exchange.port import Balance, Book, Contract, Exchange, Listing
from server.trade_entry.slippage import spread_bps

MS_PER_SEC = 1000


@dataclass(frozen=True, slots=True)
class Market:
    """Everything a plan needs from the venue; ``reserved_usdt`` of the balance is promised to entries that
    the venue does not know yet.
    """

    contract: Contract
    book: Book
    balance: Balance
    reserved_usdt: Decimal = Decimal(0)

    @property
    def free_usdt(self) -> Decimal:
        """What is left for the margin and the opening fee of another entry."""
        return self.balance.available_usdt - self.reserved_usdt


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the venue answered; None where it did not, with what it said instead in ``failures``.

    ``now_ms`` is the instant the answers are used at, or the venue's present where the book is younger: the
    book's age counts from it.
    """

    listing: Listing | None
    book: Book | None
    balance: Balance | None
    now_ms: int
    reserved_usdt: Decimal
    failures: tuple[str, ...] = ()

    def facts(self, rules: EntryRules, order_type: OrderType) -> dict[str, GateValue]:
        """The answers as the gate reads them, for an order of ``order_type``."""
        book, balance = self.book, self.balance
        priced = book is not None and book.bid > 0 and book.ask > 0
        return {
            "contract_status": None if self.listing is None else self.listing.status,
            "bid": None if book is None else book.bid,
            "ask": None if book is None else book.ask,
            "mark": None if book is None else book.mark,
            "book_age_sec": None if book is None else Decimal(self.now_ms - book.at_ms) / MS_PER_SEC,
            "max_book_age_sec": rules.max_book_age_sec,
            "max_book_ahead_sec": rules.max_book_ahead_sec,
            "order_type": order_type,
            "spread_bps": spread_bps(book) if book is not None and priced else None,
            "market_max_spread_bps": rules.market_max_spread_bps,
            "equity_usdt": None if balance is None else balance.equity_usdt,
            "available_usdt": None if balance is None else balance.available_usdt,
            "reserved_usdt": self.reserved_usdt,
        }

    def market(self) -> Market:
        """The answers, all of them there. Raises ``ValueError`` when one is missing."""
        if not isinstance(self.listing, Contract) or self.book is None or self.balance is None:
            raise ValueError("the venue's answers are incomplete: " + "; ".join(self.failures))
        return Market(self.listing, self.book, self.balance, self.reserved_usdt)


async def fetch_preflight(
    venue: Exchange, symbol: str, as_of_ms: int, reserved_usdt: Decimal = Decimal(0)
) -> Preflight:
    """Asks the venue for everything at once, as it stood at ``as_of_ms``.

    An answer the venue cannot give is a fact (None), not an exception.
    """
    failures: list[str] = []

    async def listing() -> Listing | None:
        try:
            contracts = await venue.contracts()
        except ExchangeError as error:
            failures.append(str(error))
            return None
        if symbol not in contracts:
            failures.append(f"{venue.name} lists no symbol {symbol}")
            return None
        return contracts[symbol]

    async def book() -> tuple[Book | None, int]:
        try:
            top = await venue.top_of_book(symbol, as_of_ms)
            # A live venue's book may be of after the signal; of after its own clock it may not.
            return top, as_of_ms if top.at_ms <= as_of_ms else max(as_of_ms, await venue.now_ms())
        except ExchangeError as error:
            failures.append(str(error))
            return None, as_of_ms

    async def balance() -> Balance | None:
        try:
            return await venue.balance()
        except ExchangeError as error:
            failures.append(str(error))
            return None

    contract, (top, now_ms), account = await asyncio.gather(listing(), book(), balance())
    return Preflight(contract, top, account, now_ms, reserved_usdt, tuple(failures))

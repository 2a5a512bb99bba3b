"""The paper venue itself: the exchange port over a recording and an account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from engine.candles import STEP_MS, CandleSet, Timeframe
from server.exchange.errors import (
    BookUnavailable,
    CandlesUnavailable,
    SymbolUnknown,
    VenueUnavailable,
)
from server.exchange.paper import desk, statement
from server.exchange.paper.catalogue import Catalogue, Recording, read_catalogue
from server.exchange.paper.clock import Clock, FixedClock, RunningClock
from server.exchange.paper.errors import VENUE, MarketDataError
from server.exchange.paper.ledger import Ledger, LedgerUnavailable, MemoryLedger
from server.exchange.paper.market import BUNDLED, UNSPECIFIED, RecordedMarket
from server.exchange.paper.matching import MatchingRules, advance
from server.exchange.paper.options import PaperOptions
from server.exchange.paper.register import Account, Register
from server.exchange.paper.session import Others, SharedClock
from server.exchange.paper.specification import Specification
from server.exchange.paper.state import State
from server.exchange.port import Balance, Book, Listing, OpenOrder, Position
from server.exchange.trading import (
    ClosingOrder,
    EntryOrder,
    Fill,
    MarginMode,
    OrderState,
    Outcome,
    Refused,
    TriggerOrder,
    TriggerRequest,
    Unknown,
)
from server.instants import iso

__all__ = ["BUNDLED", "PaperExchange"]

_PATIENCE_SEC = 2
"""A request that has waited longer for its turn at the account is turned away."""

_MINUTE_MS = STEP_MS["1m"]


class PaperExchange:
    """A venue over recorded candles. Satisfies `server.exchange.port.Exchange`.

    Making one reads the footers of the candle files; columns are read when they are first asked for, in a
    thread. Raises `MarketDataError` when the folder cannot be served or the clock has nothing to run through.

    ``ledger`` keeps the account; without one it is kept in memory. A running clock over a given ledger is
    shared by every process that has the ledger: `open` the venue before anything else. A clock that stands
    takes no orders and has nothing to keep, so it leaves the ledger alone. ``clock`` is used instead of that
    of the options; the account of the ledger then goes on as it is. ``follows``: it never begins a session,
    but is in that of whoever began one, clock included, from the moment there is one; until then its clock is
    that of the options.
    """

    name: str = VENUE

    def __init__(
        self,
        options: PaperOptions,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        ledger: Ledger | None = None,
        clock: Clock | None = None,
        unix: Callable[[], float] = time.time,
        follows: bool = False,
    ) -> None:
        self._options = options
        self._monotonic = monotonic
        self.catalogue: Catalogue = read_catalogue(options.market_data or BUNDLED / "candles")
        self.recording: Recording = self.catalogue.recording()
        self.market = RecordedMarket(self.catalogue, options.market_data, options.spread_ticks)
        self._clock = clock or _clock(options, self.catalogue.folder, self.recording, monotonic)
        keeps = ledger is not None and (follows or not isinstance(self._clock, FixedClock))
        self._register = Register(ledger if ledger is not None and keeps else MemoryLedger(), self._opening)
        self._shared: SharedClock | None = None
        if keeps and clock is None and (follows or options.start_ms is not None):
            start_ms = None if follows else options.start_ms
            self._shared = SharedClock(
                start_ms, self.recording.last_ms, options.speed or 1.0, monotonic, unix
            )
        self.follows = follows
        self._rules = MatchingRules(options.volume_share, options.seed)
        self._desk = desk.DeskRules(options.price_limit_ratio, options.attaches_protection)
        self._listings: tuple[int, Mapping[str, Listing]] | None = None
        self.session_note: str | None = None
        self.begins_session = False

    async def open(self, *, others: Others = "nobody", adopts: bool = False, awaited: bool = False) -> None:
        """Continues the session that the ledger has, or begins one; ``session_note`` then says which.

        A session of the same start and speed continues, its clock included, while it has open orders or
        positions, an order that may come to it is ``awaited``, or another process is in it. ``adopts``
        continues whatever session there is, for a process that works beside others. Otherwise a new one
        begins with a new account, unless another process may be in the one there is: then `SessionInUse` is
        raised. Without a shared clock, and for one that only follows, there is nothing to open.
        """
        if self._shared is not None and not self.follows:
            async with self._register.turn() as account:
                opening = self._opening()
                self._clock, account.state, self.session_note = self._shared.begin(
                    account.state, opening, others=others, adopts=adopts, awaited=awaited
                )
                self.begins_session = account.state is opening

    async def in_session(self) -> bool:
        """Whether time goes by at this venue, so that what is ordered here comes to something.

        Raises `VenueUnavailable`.
        """
        await self.now_ms()
        return self._clock.obstacle() is None

    async def at_stake(self) -> bool:
        """Whether there are open orders or positions. Raises `VenueUnavailable`."""
        return (await self._account("at_stake")).state.at_stake

    @property
    def session_began_ms(self) -> int:
        """When the session began that the clock is of, ms UTC of this world; 0 where processes share none.

        The same instants come again in every session, so who keeps something for each keeps it by session.
        """
        session = None if self._shared is None else self._shared.session
        return 0 if session is None else session.began_unix_ms

    # -- the market

    async def now_ms(self) -> int:
        if self.follows:
            # Somebody may have begun a session since the account was last looked at.
            try:
                self._follow((await self._register.read()).state)
            except LedgerUnavailable as error:
                raise VenueUnavailable(VENUE, "now", str(error)) from error
        return self._clock.now_ms()

    async def contracts(self) -> Mapping[str, Listing]:
        """Every symbol that has candles, in alphabetical order; those without specification as such."""
        minute = self._clock.now_ms() // _MINUTE_MS
        if self._listings is None or self._listings[0] != minute:
            self._listings = minute, await asyncio.to_thread(self.market.listings, minute * _MINUTE_MS)
        return self._listings[1]

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        return await self.market.candles(symbol, timeframe, start_ms, end_ms, self._clock.now_ms())

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        now = self._clock.now_ms()
        instant = now if at_ms is None else at_ms
        if instant > now:
            self.market.history(symbol)
            detail = f"{iso(instant)} is after the venue's clock, {iso(now)}"
            raise BookUnavailable(VENUE, symbol, instant, detail)
        return await self.market.book(symbol, instant)

    # -- the account

    async def balance(self) -> Balance:
        state, marks = await self._marked("balance")
        return statement.balance(state, self.market.specifications, marks)

    async def positions(self) -> Sequence[Position]:
        state, marks = await self._marked("positions")
        return statement.positions(state, self.market.specifications, marks)

    async def open_orders(self) -> Sequence[OpenOrder]:
        return statement.open_orders((await self._account("open_orders")).state)

    async def trigger_orders(self) -> Sequence[TriggerOrder]:
        return statement.trigger_orders((await self._account("trigger_orders")).state)

    async def order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Also a closing and a trigger of that id."""
        self.market.history(symbol)
        return statement.order_state(await self._account("order"), symbol, client_order_id)

    async def fills(self, symbol: str, since_ms: int) -> Sequence[Fill]:
        self.market.history(symbol)
        return statement.fills(await self._account("fills"), symbol, since_ms)

    async def realised_pnl(self, since_ms: int) -> Decimal:
        return statement.realised_pnl(await self._account("realised_pnl"), since_ms)

    # -- trading

    @property
    def attaches_protection(self) -> bool:
        return self._options.attaches_protection

    @property
    def receive_window_ms(self) -> int:
        """Two real seconds, in the venue's time."""
        return int(_PATIENCE_SEC * 1000 * max(self._clock.speed, 1.0))

    def orders_obstacle(self) -> str | None:
        return self._clock.obstacle()

    async def wait(self, seconds: float) -> None:
        await self._clock.wait(seconds)

    async def set_leverage(self, symbol: str, leverage: int, margin_mode: MarginMode) -> Outcome:
        async def act(state: State, specification: Specification, now_ms: int) -> Outcome:
            return desk.set_leverage(state, specification, leverage, margin_mode)

        return await self._change(symbol, act)

    async def submit(self, order: EntryOrder) -> Outcome:
        async def act(state: State, specification: Specification, now_ms: int) -> Outcome:
            if specification.status != "trading":
                return Refused("symbol_unavailable", f"{order.symbol} is {specification.status}")
            book = await self.market.book(order.symbol, now_ms)
            if book.at_ms < now_ms:
                return Refused("symbol_unavailable", f"{order.symbol} has no price since {iso(book.at_ms)}")
            marks = await self.market.marks(_held(state), now_ms)
            free = statement.balance(state, self.market.specifications, marks).available_usdt
            return desk.submit(state, specification, order, book, free, now_ms, self._desk)

        return await self._change(order.symbol, act, order.client_order_id)

    async def close(self, order: ClosingOrder) -> Outcome:
        async def act(state: State, specification: Specification, now_ms: int) -> Outcome:
            book = await self.market.book(order.symbol, now_ms)
            return desk.close(state, specification, order, book, now_ms)

        return await self._change(order.symbol, act, order.client_order_id)

    async def cancel(self, symbol: str, client_order_id: str) -> Outcome:
        async def act(state: State, specification: Specification, now_ms: int) -> Outcome:
            return desk.cancel(state, symbol, client_order_id, now_ms)

        return await self._change(symbol, act)

    async def place_trigger(self, request: TriggerRequest) -> Outcome:
        async def act(state: State, specification: Specification, now_ms: int) -> Outcome:
            last = (await self.market.book(request.symbol, now_ms)).last
            return desk.place_trigger(state, specification, request, last, now_ms)

        return await self._change(request.symbol, act, request.client_order_id)

    async def amend_trigger(
        self, trigger: TriggerOrder, trigger_price: Decimal, size: Decimal | None
    ) -> Outcome:
        async def act(state: State, specification: Specification, now_ms: int) -> Outcome:
            last = (await self.market.book(trigger.symbol, now_ms)).last
            return desk.amend_trigger(state, specification, trigger, trigger_price, size, last)

        return await self._change(trigger.symbol, act)

    async def cancel_trigger(self, trigger: TriggerOrder) -> Outcome:
        async def act(state: State, specification: Specification, now_ms: int) -> Outcome:
            return desk.cancel_trigger(state, trigger, now_ms)

        return await self._change(trigger.symbol, act)

    # -- how the account is read and changed

    def _opening(self) -> State:
        return State(cash_usdt=self._options.balance_usdt)

    async def _account(self, operation: str) -> Account:
        """The account at the venue's now. Raises `VenueUnavailable`."""
        try:
            account = await self._register.read()
            self._follow(account.state)
            behind = self._clock.now_ms() // _MINUTE_MS > account.state.matched_ms // _MINUTE_MS
            if not (account.state.at_stake and behind):
                return account
            async with self._turn():
                pass
            return await self._register.read()
        except (LedgerUnavailable, CandlesUnavailable) as error:
            raise VenueUnavailable(VENUE, operation, str(error)) from error

    async def _marked(self, operation: str) -> tuple[State, Mapping[str, Decimal]]:
        """The state of the account and the marks of its positions."""
        state = (await self._account(operation)).state
        now = max(self._clock.now_ms(), state.matched_ms)
        try:
            return state, await self.market.marks(_held(state), now)
        except BookUnavailable as error:
            raise VenueUnavailable(VENUE, operation, str(error)) from error

    async def _change(
        self,
        symbol: str,
        act: Callable[[State, Specification, int], Awaitable[Outcome]],
        new_id: str | None = None,
    ) -> Outcome:
        """Lets ``act`` change the account in a turn of its own; never raises what a venue may raise.

        ``new_id`` is a client id that must never have been used.
        """
        obstacle = self.orders_obstacle()
        if obstacle is not None:
            return Refused("not_permitted", obstacle)
        specification = self.market.specifications.get(symbol)
        if symbol not in self.market.histories:
            return Refused("symbol_unavailable", f"{VENUE} lists no symbol {symbol!r}")
        if specification is None:
            return Refused("symbol_unavailable", f"{symbol}: {UNSPECIFIED}")
        asked = self._monotonic()
        try:
            async with self._turn() as (account, now_ms):
                if self._monotonic() - asked > _PATIENCE_SEC:
                    return Refused("not_sent", f"the account was busy for {_PATIENCE_SEC} seconds")
                if new_id is not None and account.knows(new_id):
                    return Refused("duplicate_client_order_id", f"{new_id} has been used")
                return await act(account.state, specification, now_ms)
        except LedgerUnavailable as error:
            return Unknown(str(error))
        except (BookUnavailable, CandlesUnavailable, SymbolUnknown) as error:
            return Refused("symbol_unavailable", str(error))

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[tuple[Account, int]]:
        """A turn at the account, with everything matched that has happened, and the instant it stands at."""
        async with self._register.turn() as account:
            state = account.state
            self._follow(state)
            now_ms = max(self._clock.now_ms(), state.matched_ms)
            closed = now_ms // _MINUTE_MS > state.matched_ms // _MINUTE_MS
            symbols = state.symbols_at_stake() if closed else []
            bars = await self.market.bars(symbols, state.matched_ms, now_ms)
            advance(state, now_ms, bars, self.market.specifications, self._rules)
            yield account, now_ms

    def _follow(self, state: State) -> None:
        """Another process may have begun another session: its clock is everybody's."""
        if self._shared is not None and not (self.follows and state.session is None):
            self._clock = self._shared.follow(state)


def _held(state: State) -> Sequence[str]:
    return [position.symbol for position in state.positions.values()]


def _clock(
    options: PaperOptions, folder: Path, recording: Recording, monotonic: Callable[[], float]
) -> Clock:
    if options.start_ms is None:
        return FixedClock(recording.common_ms if options.at_ms is None else options.at_ms)
    if options.start_ms >= recording.last_ms:
        detail = (
            f"the recording ends at {iso(recording.last_ms)}, a clock cannot run from {iso(options.start_ms)}"
        )
        raise MarketDataError(folder, detail)
    return RunningClock(options.start_ms, recording.last_ms, options.speed or 1.0, monotonic)

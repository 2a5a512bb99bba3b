"""BitMart itself: the exchange port over its futures API v2."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from engine.candles import CandleSet, Timeframe
from server.exchange.bitmart.account import ONE_WAY
from server.exchange.bitmart.codes import of_price
from server.exchange.bitmart.endpoints import (
    CANCEL_ORDER,
    CANCEL_TRIGGER,
    MODIFY_TRIGGER,
    SUBMIT_LEVERAGE,
    SUBMIT_ORDER,
    SUBMIT_TRIGGER,
    Endpoint,
)
from server.exchange.bitmart.enums import HEDGE_MODE
from server.exchange.bitmart.market import Market
from server.exchange.bitmart.options import BitmartOptions
from server.exchange.bitmart.orders import (
    Body,
    accepted,
    amending_body,
    cancelling_body,
    closing_body,
    entry_body,
    leverage_outcome,
    trigger_body,
)
from server.exchange.bitmart.reader import AccountReader
from server.exchange.bitmart.session import Session
from server.exchange.bitmart.wire import VENUE, Envelope
from server.exchange.errors import SymbolUnknown, VenueUnavailable
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


class BitmartExchange:
    """USDT-M perpetuals of one account in hedge mode. Satisfies `server.exchange.port.Exchange`.

    `open` it before the first order and `aclose` it at the end; used within one event loop. A post-only order
    that would cross is, as far as the documentation goes, accepted and cancelled by the venue: `submit` says
    accepted, and reading the order says closed with nothing filled.
    """

    name: str = VENUE
    attaches_protection: bool = True

    def __init__(self, options: BitmartOptions) -> None:
        self._options = options
        self._session = Session(options)
        self._market = Market(self._session, options)
        self._reader = AccountReader(self._session, self._market, options)

    async def open(self) -> None:
        """Measures the venue's clock and, with a key, reads the account's position mode.

        Raises `VenueUnavailable`, also for an account in one-way mode. Whoever goes on after that finds the
        cause in `orders_obstacle`; it goes away once a later read finds the venue in order.
        """
        await self._session.clock.measure()
        if self._options.has_credentials:
            await self._reader.require_hedge_mode()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._session.aclose()

    @property
    def receive_window_ms(self) -> int:
        return self._options.receive_window_ms

    @property
    def clock_offset_ms(self) -> int | None:
        """How far the venue's clock was ahead of this machine's when last measured; None before that."""
        return self._session.clock.offset_ms

    def orders_obstacle(self) -> str | None:
        if not self._options.has_credentials:
            return "there is no API key"
        mode = self._reader.known_mode
        if mode is None:
            return "the account's position mode has not been read yet"
        return None if mode == HEDGE_MODE else ONE_WAY

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    # -- what everybody may read

    async def now_ms(self) -> int:
        return await self._market.now_ms()

    async def contracts(self) -> Mapping[str, Listing]:
        return await self._market.contracts()

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        return await self._market.candles(symbol, timeframe, start_ms, end_ms)

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        """An ``at_ms`` within ``present_ms`` of the venue's now is the present; there is no other."""
        return await self._market.top_of_book(symbol, at_ms)

    # -- what the account has

    async def balance(self) -> Balance:
        return await self._reader.balance()

    async def positions(self) -> Sequence[Position]:
        return await self._reader.positions()

    async def open_orders(self) -> Sequence[OpenOrder]:
        return await self._reader.open_orders()

    async def trigger_orders(self) -> Sequence[TriggerOrder]:
        return await self._reader.trigger_orders()

    async def order(self, symbol: str, client_order_id: str) -> OrderState | None:
        return await self._reader.order(symbol, client_order_id)

    async def fills(self, symbol: str, since_ms: int) -> Sequence[Fill]:
        return await self._reader.fills(symbol, since_ms)

    async def realised_pnl(self, since_ms: int) -> Decimal:
        return await self._reader.realised_pnl(since_ms)

    # -- what changes something

    async def set_leverage(self, symbol: str, leverage: int, margin_mode: MarginMode) -> Outcome:
        body: Body = {"symbol": symbol, "leverage": str(leverage), "open_type": margin_mode}
        answer = await self._send(SUBMIT_LEVERAGE, body)
        if isinstance(answer, Envelope):
            return leverage_outcome(answer, symbol, leverage, margin_mode)
        return answer

    async def submit(self, order: EntryOrder) -> Outcome:
        return await self._change(SUBMIT_ORDER, entry_body(order))

    async def close(self, order: ClosingOrder) -> Outcome:
        """Reads the position first: a closing order has to carry its margin mode. Nothing is sent without
        a position, nor (``not_sent``) where it cannot be read."""
        try:
            await self._reader.require_hedge_mode()
            held = await self._reader.position_margin_modes(order.symbol)
        except SymbolUnknown as error:
            return Refused("symbol_unavailable", str(error))
        except VenueUnavailable as error:
            return Refused("not_sent", f"the position could not be read: {error.detail}")
        for position, margin_mode in held:
            if position.side == order.side:
                return await self._change(SUBMIT_ORDER, closing_body(order, position, margin_mode))
        return Refused("no_position", f"the venue holds no {order.side} position of {order.symbol}")

    async def cancel(self, symbol: str, client_order_id: str) -> Outcome:
        return await self._change(CANCEL_ORDER, cancelling_body(symbol, client_order_id))

    async def place_trigger(self, request: TriggerRequest) -> Outcome:
        return await self._change(SUBMIT_TRIGGER, trigger_body(request))

    async def amend_trigger(
        self, trigger: TriggerOrder, trigger_price: Decimal, size: Decimal | None
    ) -> Outcome:
        """The price only: a ``size`` other than the trigger's is refused (``invalid_size``)."""
        return await self._change(MODIFY_TRIGGER, amending_body(trigger, trigger_price, size))

    async def cancel_trigger(self, trigger: TriggerOrder) -> Outcome:
        body: Body = {"symbol": trigger.symbol, "order_id": trigger.order_id}
        return await self._change(CANCEL_TRIGGER, body)

    async def _change(self, endpoint: Endpoint, body: Body | Refused) -> Outcome:
        if isinstance(body, Refused):
            return body
        answer = await self._send(endpoint, body)
        if isinstance(answer, Envelope):
            return accepted(answer)
        return of_price(answer) if isinstance(answer, Refused) and "size" not in body else answer

    async def _send(self, endpoint: Endpoint, body: Body) -> Envelope | Refused | Unknown:
        """Sends it, unless the account is not one whose orders can be understood."""
        if not self._options.has_credentials:
            return Refused("not_permitted", "there is no API key")
        try:
            await self._reader.require_hedge_mode()
        except VenueUnavailable as error:
            cause = "not_sent" if self._reader.known_mode is None else "not_permitted"
            return Refused(cause, error.detail)
        return await self._session.write(endpoint, body)

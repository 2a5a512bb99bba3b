"""Asks for what the account has: each answer of the port from as many requests as make it certain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import TypeVar

import structlog

from server.exchange.bitmart.account import (
    ONE_WAY,
    decode_balance,
    decode_fill,
    decode_flow,
    decode_open_order,
    decode_order,
    decode_position_mode,
    decode_positions,
    decode_trigger,
)
from server.exchange.bitmart.codes import NO_SUCH_CONTRACT
from server.exchange.bitmart.endpoints import (
    ASSETS_DETAIL,
    OPEN_ORDERS,
    ORDER_HISTORY,
    PLAN_ORDERS,
    POSITION_MODE,
    POSITION_V2,
    TRADES,
    TRANSACTIONS,
    Endpoint,
)
from server.exchange.bitmart.enums import FLOWS, HEDGE_MODE
from server.exchange.bitmart.market import Market
from server.exchange.bitmart.options import BitmartOptions
from server.exchange.bitmart.session import ReadRefused, Session
from server.exchange.bitmart.wire import VENUE, Row, WireError, decoding, rows
from server.exchange.errors import SymbolUnknown, VenueUnavailable
from server.exchange.port import Balance, Contract, OpenOrder, Position
from server.exchange.trading import Fill, MarginMode, OrderState, TriggerOrder

MODE_SEC = 300.0
"""How long the account's position mode is taken as known."""

LISTED_AT_MOST = 100
"""Rows of ``get-open-orders`` and ``current-plan-order``; there is no second page."""

HISTORY_AT_MOST = 200
"""Rows of ``order-history`` and ``trades``."""

FLOWS_AT_MOST = 1000
"""Rows of ``transaction-history``."""

_DAY_SEC = 86_400
LONGEST_WINDOW_SEC = 90 * _DAY_SEC
"""A history is asked for at most so long a time."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class AccountReader:
    """Reads of the account. Every one raises `VenueUnavailable` unless the whole of it is known."""

    def __init__(self, session: Session, market: Market, options: BitmartOptions) -> None:
        self._session = session
        self._market = market
        self._options = options
        self._mode: tuple[float, str] | None = None
        self._mode_turn = asyncio.Lock()

    @property
    def known_mode(self) -> str | None:
        """``hedge_mode`` or ``one_way_mode`` when last read; None before."""
        return None if self._mode is None else self._mode[1]

    async def require_hedge_mode(self) -> None:
        """Raises `VenueUnavailable` unless the account is in hedge mode; reads it every few minutes.

        Where a later reading fails, what was read before stands: the mode cannot be changed while there are
        orders or positions, and those are what must stay within reach.
        """
        async with self._mode_turn:
            now = self._options.monotonic_sec()
            if self._mode is None or now >= self._mode[0]:
                try:
                    data = await self._session.read(POSITION_MODE)
                    with decoding("position mode"):
                        mode = decode_position_mode(data)
                except VenueUnavailable as error:
                    if self._mode is None:
                        raise
                    log.warning("bitmart.position_mode_not_read", detail=str(error))
                    mode = self._mode[1]
                self._mode = now + MODE_SEC, mode
            if self._mode[1] != HEDGE_MODE:
                raise VenueUnavailable(VENUE, "the account", ONE_WAY)

    async def balance(self) -> Balance:
        data = await self._session.read(ASSETS_DETAIL)
        with decoding("balance"):
            return decode_balance(data)

    async def positions(self) -> Sequence[Position]:
        await self.require_hedge_mode()
        listed = await self._rows(POSITION_V2, {})
        with decoding("positions"):
            return [position for position, _ in decode_positions(listed)]

    async def position_margin_modes(self, symbol: str) -> Sequence[tuple[Position, MarginMode]]:
        """The positions of one symbol with their margin modes."""
        listed = await self._rows(POSITION_V2, {"symbol": symbol}, symbol)
        with decoding("positions"):
            return [held for held in decode_positions(listed) if held[0].symbol == symbol]

    async def open_orders(self) -> Sequence[OpenOrder]:
        await self.require_hedge_mode()
        listed = await self._every(OPEN_ORDERS, {})
        with decoding("open orders"):
            return [decode_open_order(item) for item in listed]

    async def trigger_orders(self) -> Sequence[TriggerOrder]:
        await self.require_hedge_mode()
        listed = await self._every(PLAN_ORDERS, {"plan_type": "profit_loss"})
        with decoding("trigger orders"):
            found = [decode_trigger(item) for item in listed]
        return [trigger for trigger in found if trigger is not None]

    async def order(self, symbol: str, client_order_id: str) -> OrderState | None:
        """Looks among the open orders, then in the history of the last 7 days (its documented reach).

        The order of looking matters: an order that closes in between is in the history. None means that it
        was in neither, each time, and that both lists were complete; an order sent less than
        ``receive_window_ms`` ago may still arrive.
        """
        found = await self._find(symbol, client_order_id)
        for wait_sec in self._options.absence_rechecks_sec:
            if found is not None:
                break
            await asyncio.sleep(wait_sec)
            found = await self._find(symbol, client_order_id)
        return found

    async def fills(self, symbol: str, since_ms: int) -> Sequence[Fill]:
        """Executions since then, oldest first; of the last 90 days at most, as far back as one request asks.

        More than the 200 rows of an answer are asked for in halves of the time.
        """

        async def within(start_sec: int, end_sec: int) -> list[tuple[str, Fill]]:
            parameters: dict[str, str | int] = {
                "symbol": symbol,
                "start_time": start_sec,
                "end_time": end_sec,
            }
            listed = await self._rows(TRADES, parameters, symbol)
            with decoding("fills"):
                return [(item.identifier("trade_id").zfill(24), decode_fill(item)) for item in listed]

        end_sec = await self._market.now_ms() // 1000 + 1
        start_sec = max(since_ms // 1000, end_sec - LONGEST_WINDOW_SEC)
        if start_sec > end_sec:
            return []
        found = await _in_halves(
            within, start_sec, end_sec, HISTORY_AT_MOST, "fills", lambda told: told[1].at_ms // 1000
        )
        if any(fill.symbol != symbol for _, fill in found):
            raise VenueUnavailable(VENUE, "fills", f"the answer has other symbols than {symbol}")
        oldest_first = sorted(found, key=lambda told: (told[1].at_ms, told[0]))
        return [fill for _, fill in oldest_first if fill.at_ms >= since_ms]

    async def realised_pnl(self, since_ms: int) -> Decimal:
        """The sum of the movements that are profit or loss: realised, funding, commission, liquidation."""
        until_ms = await self._market.now_ms()
        if since_ms > until_ms:
            return Decimal(0)
        sums = await asyncio.gather(*(self._flow(kind, since_ms, until_ms) for kind in FLOWS))
        return sum(sums, Decimal(0))

    async def _flow(self, flow_type: int, since_ms: int, until_ms: int) -> Decimal:
        async def within(start_ms: int, end_ms: int) -> list[tuple[int, Decimal]]:
            parameters: dict[str, str | int] = {
                "flow_type": flow_type,
                "start_time": start_ms,
                "end_time": end_ms,
                "page_size": FLOWS_AT_MOST,
            }
            data = await self._session.read(TRANSACTIONS, parameters)
            with decoding("realised profit"):
                return [decode_flow(item, flow_type) for item in rows(data)]

        found = await _in_halves(
            within, since_ms, until_ms, FLOWS_AT_MOST, "realised profit", lambda told: told[0]
        )
        return sum((amount for _, amount in found), Decimal(0))

    async def _find(self, symbol: str, client_order_id: str) -> OrderState | None:
        resting = await self._rows(OPEN_ORDERS, {"symbol": symbol, "limit": LISTED_AT_MOST}, symbol)
        with decoding("order"):
            for item in resting:
                if _is(item, client_order_id):
                    return decode_order(item, resting=True)
        parameters: dict[str, str | int] = {"symbol": symbol, "client_order_id": client_order_id}
        past = await self._rows(ORDER_HISTORY, parameters, symbol)
        with decoding("order"):
            found = [decode_order(item, resting=False) for item in past if _is(item, client_order_id)]
        if found:
            return max(found, key=lambda order: (order.updated_at_ms, order.order_id))
        for listed, most in ((resting, LISTED_AT_MOST), (past, HISTORY_AT_MOST)):
            if len(listed) >= most:
                detail = f"not among {len(listed)} rows of {symbol}, and there may be more"
                raise VenueUnavailable(VENUE, "order", detail)
        return None

    async def _every(self, endpoint: Endpoint, parameters: dict[str, str | int]) -> list[Row]:
        """All rows of a list without pages. A full answer may have been cut: then symbol by symbol."""
        listed = await self._rows(endpoint, {**parameters, "limit": LISTED_AT_MOST})
        if len(listed) < LISTED_AT_MOST:
            return listed
        contracts = await self._market.contracts()
        symbols = {
            s for s, item in contracts.items() if not isinstance(item, Contract) or item.status == "trading"
        }
        with decoding("a full list"):
            symbols |= {item.text("symbol") for item in listed}
        complete: list[Row] = []
        for symbol in sorted(symbols):
            own = await self._rows(endpoint, {**parameters, "symbol": symbol, "limit": LISTED_AT_MOST})
            if len(own) >= LISTED_AT_MOST:
                detail = f"{symbol} alone fills the answer's {LISTED_AT_MOST} rows"
                raise VenueUnavailable(VENUE, endpoint.path.rsplit("/", 1)[-1], detail)
            complete += own
        return complete

    async def _rows(
        self, endpoint: Endpoint, parameters: dict[str, str | int], symbol: str | None = None
    ) -> list[Row]:
        try:
            data = await self._session.read(endpoint, parameters)
        except ReadRefused as error:
            if symbol is not None and error.code == NO_SUCH_CONTRACT:
                raise SymbolUnknown(VENUE, symbol) from error
            raise
        with decoding(endpoint.path.rsplit("/", 1)[-1]):
            return rows(data)


async def _in_halves(
    within: Callable[[int, int], Awaitable[list[T]]],
    start: int,
    end: int,
    most: int,
    operation: str,
    instant: Callable[[T], int],
) -> list[T]:
    """Everything whose ``instant`` is in ``[start, end]``, each once, where an answer has at most ``most``
    rows and does not say if it was cut. A venue that rounds the bounds tells some rows in both halves."""
    found = await within(start, end)
    if len(found) < most:
        return [item for item in found if start <= instant(item) <= end]
    if start == end:
        detail = f"one unit of time at {start} fills the answer's {most} rows"
        raise VenueUnavailable(VENUE, operation, detail)
    middle = (start + end) // 2
    before = await _in_halves(within, start, middle, most, operation, instant)
    return before + await _in_halves(within, middle + 1, end, most, operation, instant)


def _is(item: Row, client_order_id: str) -> bool:
    if "client_order_id" not in item.fields:
        raise WireError(f"{item.place}.client_order_id is missing")
    return item.fields["client_order_id"] == client_order_id

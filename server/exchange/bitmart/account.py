"""Private reads as the port's values: balance, positions, orders, triggers, fills and what was realised."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from server.exchange.bitmart.enums import (
    CLOSED_SIDE,
    CLOSES,
    FLOW_NAMES,
    MARGIN_MODES,
    ORDER_SIDES,
    ORDER_STATES,
    ORDER_TYPES,
    PARTIAL,
    PLAN_CATEGORIES,
    POSITION_MODES,
    POSITION_OF,
    POSITION_SIDES,
    TRIGGER_KINDS,
)
from server.exchange.bitmart.wire import Row, WireError, row, rows
from server.exchange.port import Balance, OpenOrder, Position
from server.exchange.trading import Fill, MarginMode, OrderState, TriggerOrder

ONE_WAY = "the account is in one-way mode; set it to hedge mode, the only one that is supported"

_MARK_FACTOR = 10
"""A mark price so many times above or below the entry is taken for what the field has also been seen to
carry: the mark value of the position."""


def decode_balance(data: object) -> Balance:
    """``data`` of ``assets-detail``: the USDT row. Equity includes unrealised profit."""
    for item in rows(data):
        if item.text("currency") == "USDT":
            return Balance(item.decimal("equity"), item.decimal("available_balance"))
    raise WireError("data has no USDT row")


def decode_positions(listed: Sequence[Row]) -> Sequence[tuple[Position, MarginMode]]:
    """Rows of ``position-v2``: those that hold something, with their margin mode.

    Raises `WireError`, also for a row of one-way mode: its direction would have to be guessed.
    """
    found: list[tuple[Position, MarginMode]] = []
    for item in listed:
        side = item.one_of("position_side", POSITION_SIDES)
        if side is None:
            raise WireError(f"{item.place}.position_side is 'both': {ONE_WAY}")
        size = item.decimal("current_amount")
        if size == 0:
            continue
        if size < 0:
            raise WireError(f"{item.place}.current_amount is {size}, expected 0 or more")
        entry, mark = item.positive("entry_price"), item.positive("mark_price")
        if not entry / _MARK_FACTOR < mark < entry * _MARK_FACTOR:
            raise WireError(f"{item.place}.mark_price is {mark}, no price beside an entry at {entry}")
        liquidation = item.decimal("liquidation_price")
        position = Position(
            symbol=item.text("symbol"),
            side=side,
            size=size,
            entry_price=entry,
            mark_price=mark,
            leverage=item.whole("leverage"),
            margin_usdt=item.decimal("initial_margin"),
            unrealised_pnl_usdt=item.decimal("unrealized_pnl"),
            liquidation_price=liquidation if liquidation > 0 else None,
            opened_at_ms=item.whole("open_timestamp"),
        )
        found.append((position, item.one_of("open_type", MARGIN_MODES)))
    return found


def decode_open_order(item: Row) -> OpenOrder:
    """A row of ``get-open-orders``."""
    kind = item.one_of("type", ORDER_TYPES)
    return OpenOrder(
        symbol=item.text("symbol"),
        order_id=item.identifier("order_id"),
        client_order_id=_client_id(item),
        side=item.one_of("side", ORDER_SIDES),
        type=kind,
        price=_price(item, "price") if kind == "limit" else None,
        size=item.decimal("size"),
        filled_size=item.decimal("deal_size"),
        reduce_only=item.one_of("side", CLOSES),
        created_at_ms=item.whole("create_time"),
    )


def decode_order(item: Row, *, resting: bool) -> OrderState:
    """A row of ``get-open-orders`` (``resting``: being listed there is what says that it is open, its
    ``state`` has been seen to say otherwise), or of ``order-history`` and ``order``."""
    state = item.one_of("state", ORDER_STATES)
    return OrderState(
        symbol=item.text("symbol"),
        order_id=item.identifier("order_id"),
        client_order_id=_client_id(item),
        status="open" if resting else state,
        size=item.decimal("size"),
        filled_size=item.decimal("deal_size"),
        average_price=_price(item, "deal_avg_price"),
        price=None if item.fields.get("type") == "market" else _price(item, "price"),
        created_at_ms=item.whole("create_time"),
        updated_at_ms=item.whole("update_time"),
    )


def decode_trigger(item: Row) -> TriggerOrder | None:
    """A row of ``current-plan-order``; None for a plan order, which protects nothing.

    ``state`` is not read: the sources disagree on what it says of an order that is listed as waiting.
    """
    kind = item.one_of("type", TRIGGER_KINDS)
    if kind is None:
        return None
    partial = item.one_of("plan_category", PLAN_CATEGORIES) == PARTIAL
    return TriggerOrder(
        symbol=item.text("symbol"),
        order_id=item.identifier("order_id"),
        client_order_id=_client_id(item),
        kind=kind,
        side=item.one_of("side", CLOSED_SIDE),
        trigger_price=item.positive("trigger_price"),
        size=item.positive("size") if partial else None,
        created_at_ms=item.whole("create_time"),
    )


def decode_fill(item: Row) -> Fill:
    """A row of ``trades``, which does not say the client id. An opening one realises nothing."""
    closes = item.one_of("side", CLOSES)
    return Fill(
        symbol=item.text("symbol"),
        order_id=item.identifier("order_id"),
        client_order_id=_client_id(item),
        side=item.one_of("side", POSITION_OF),
        closes=closes,
        price=item.positive("price"),
        size=item.positive("vol"),
        fee_usdt=item.decimal("paid_fees"),
        realised_pnl_usdt=item.decimal("realised_profit") if closes else Decimal(0),
        at_ms=item.whole("create_time"),
    )


def decode_flow(item: Row, flow_type: int) -> tuple[int, Decimal]:
    """When (ms) and how much, of a row of ``transaction-history`` that was asked for by ``flow_type``.

    Raises `WireError` where the row shows that the filter was not obeyed: a sum over it would be wrong.
    """
    told = item.whole("flow_type") if item.has("flow_type") else FLOW_NAMES.get(item.text("type"), flow_type)
    if told != flow_type:
        raise WireError(f"{item.place} is of flow type {told}, asked for {flow_type}")
    if item.text("asset") != "USDT":
        raise WireError(f"{item.place}.asset is {item.text('asset')!r}, expected USDT")
    return item.whole("time"), item.decimal("amount")


def decode_position_mode(data: object) -> str:
    """``data`` of ``get-position-mode``: ``hedge_mode`` or ``one_way_mode``."""
    return row(data).one_of("position_mode", POSITION_MODES)


def _client_id(item: Row) -> str:
    return item.text("client_order_id") if item.has("client_order_id") else ""


def _price(item: Row, name: str) -> Decimal | None:
    """A price; 0 and the empty string are none."""
    if not item.has(name):
        return None
    return item.decimal(name) or None

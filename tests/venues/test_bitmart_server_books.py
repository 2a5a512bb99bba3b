"""Whatever is traded and however the market moves, the venue's books add up."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from .bitmart import DEMO_KEY, BitMart, Clock
from .bitmart.matching import would_trigger
from .bitmart.state import Account, direction, opens
from .caller import AT_MS, Caller, caller, code

SYMBOLS = ("BTCUSDT", "ETHUSDT")
START = {"BTCUSDT": Decimal("77000.0"), "ETHUSDT": Decimal("2100.00")}

steps = st.one_of(
    st.tuples(
        st.just("order"),
        st.sampled_from(SYMBOLS),
        st.sampled_from([1, 2, 3, 4]),
        st.sampled_from(["limit", "market"]),
        st.sampled_from([1, 2, 3, 4]),
        st.integers(1, 40),
        st.integers(-20, 20),
        st.booleans(),
    ),
    st.tuples(
        st.just("trigger"),
        st.sampled_from(SYMBOLS),
        st.sampled_from([2, 3]),
        st.sampled_from(["stop_loss", "take_profit"]),
        st.integers(-20, 20),
        st.sampled_from([None, 3]),
    ),
    st.tuples(st.just("move"), st.sampled_from(SYMBOLS), st.integers(-60, 60), st.sampled_from(["1", "0.3"])),
    st.tuples(st.just("cancel"), st.sampled_from(SYMBOLS)),
)


def at(symbol: str, permille: int) -> str:
    price = START[symbol] * (1000 + permille) / 1000
    return str(price.quantize(START[symbol]))


async def act(asks: Caller, number: int, step: tuple[Any, ...]) -> None:
    kind, symbol, *more = step
    if kind == "move":
        asks.server.venue.fill_share = Decimal(more[1])
        asks.server.venue.set_price(symbol, at(symbol, more[0]))
    elif kind == "cancel":
        assert code(await asks.post("cancel-orders", symbol=symbol)) == 1000
    elif kind == "trigger":
        side, name, permille, size = more
        body = {
            "symbol": symbol,
            "side": side,
            "type": name,
            "price_type": 1,
            "plan_category": 1 if size else 2,
        }
        price = {"trigger_price": at(symbol, permille), "executive_price": at(symbol, permille)}
        await asks.post("submit-tp-sl-order", **body, **price, **({"size": size} if size else {}))
    else:
        side, form, mode, size, permille, protected = more
        price = at(symbol, permille)
        changes: dict[str, Any] = {"side": side, "type": form, "mode": mode, "size": size, "price": price}
        if protected and side in (1, 4):
            changes["preset_stop_loss_price"] = at(symbol, permille + (-15 if side == 1 else 15))
        await asks.enter(f"o{number}", symbol=symbol, leverage="20", **changes)


def check(server: BitMart, account: Account) -> None:
    """The laws that hold between any two requests."""
    venue = server.venue
    assert account.wallet == 1000 + sum(flow.amount for flow in account.flows)
    money = venue.balances(account)
    assert all(money[name] >= 0 for name in ("available", "frozen", "deposit"))
    for order in account.orders.values():
        traded = sum(trade.size for trade in account.trades if trade.order_id == order.order_id)
        assert traded == order.deal_size <= order.size
        assert order.is_open == (order.order_id in account.open_orders)
        assert order.is_open or not order.frozen
    for (symbol, kind), position in account.positions.items():
        sides = {True: 0, False: 0}
        for trade in account.trades:
            if trade.symbol == symbol and direction(trade.side) == kind:
                sides[opens(trade.side)] += trade.size
        assert position.amount == sides[True] - sides[False] >= 0
        assert position.margin >= 0
    for plan in account.waiting.values():
        assert account.held(plan.symbol, direction(plan.side)) is not None
        assert not would_trigger(plan, venue.quotes[plan.symbol])


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=40))
def test_books_add_up(taken: list[tuple[Any, ...]]) -> None:
    async def run() -> None:
        asks = caller(usdt="1000", clock=Clock(AT_MS), keys=[DEMO_KEY])
        for symbol, price in START.items():
            asks.server.venue.set_price(symbol, price)
        for number, step in enumerate(taken):
            await act(asks, number, step)
            check(asks.server, asks.server.venue.account())

    asyncio.run(run())

"""Laws of the paper venue for any orders and any candles."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from paper_desk import SPECIFICATION, SPECIFICATIONS, SYMBOL, Desk

from server.exchange.paper import statement
from server.exchange.paper.account import sign
from server.exchange.paper.matching import advance
from server.exchange.paper.state import decode, encode

NEAR = Decimal("1e-6")


@st.composite
def candles(draw: st.DrawFn) -> Any:
    opened, close = draw(st.integers(60, 150)), draw(st.integers(60, 150))
    high = max(opened, close) + draw(st.integers(0, 30))
    low = min(opened, close) - draw(st.integers(0, 30))
    return opened, high, low, close, draw(st.integers(0, 2000))


sides = st.sampled_from(["long", "short"])
away = st.integers(1, 40)
steps = st.one_of(
    st.tuples(
        st.just("enter"),
        sides,
        st.one_of(st.none(), st.integers(-20, 20)),
        st.integers(1, 300),
        st.one_of(st.none(), away),
        st.one_of(st.none(), away),
    ),
    st.tuples(st.just("close"), sides, st.integers(1, 300)),
    st.tuples(
        st.just("protect"),
        sides,
        st.sampled_from(["stop_loss", "take_profit"]),
        away,
        st.one_of(st.none(), st.integers(1, 50)),
    ),
    st.tuples(st.just("play"), candles()),
)
stories = st.lists(steps, max_size=16)


def tell(desk: Desk, story: list[Any], *, each_minute: bool = True) -> None:
    """Plays a story, what a desk refuses included; candles in a row one by one or together."""
    waiting: list[Any] = []

    def settle() -> None:
        advance(desk.state, desk.now_ms, waiting, SPECIFICATIONS, desk.rules)
        waiting.clear()

    for kind, *given_ in story:
        if kind == "play":
            waiting.append(desk.bar(given_[0]))
            if each_minute:
                settle()
            continue
        settle()
        if kind == "enter":
            side, offset, size, stop, target = given_
            price = None if offset is None else int(desk.last) + offset
            entry = int(desk.last) if price is None else price
            way = sign(side)
            changes: dict[str, Any] = {}
            if stop is not None:
                changes["stop_loss"] = entry - way * stop
            if target is not None:
                changes["take_profit"] = entry + way * target
            desk.submit(desk.order(side, price, size, **changes))
        elif kind == "close":
            desk.close(*given_)
        else:
            side, trigger, distance, size = given_
            way = sign(side) * (1 if trigger == "take_profit" else -1)
            desk.protect(side, trigger, int(desk.last) + way * distance, size)
    settle()


@settings(max_examples=60, deadline=None)
@given(story=stories, seed=st.integers(0, 3))
def test_money_and_positions_are_conserved(story: list[Any], seed: int) -> None:
    desk = Desk(seed=seed)
    tell(desk, story)
    state = desk.state
    # Cash is what was realised less what was paid, and nothing else.
    paid = sum((fill.realised_pnl_usdt - fill.fee_usdt for fill in state.fills), Decimal(0))
    assert state.cash_usdt == desk.opening + paid
    assert statement.realised_pnl(desk.account, 0) == paid
    # Equity is what all purchases and sales come to at the last price.
    signed = [(sign(f.side) * (-1 if f.closes else 1) * f.size, f.price, f.fee_usdt) for f in state.fills]
    worth = sum((size * (desk.last - price) - fee for size, price, fee in signed), Decimal(0))
    balance = statement.balance(state, SPECIFICATIONS, {SYMBOL: desk.last})
    assert abs(balance.equity_usdt - desk.opening - worth) < NEAR
    for position in state.positions.values():
        filled = sum(
            (f.size * (-1 if f.closes else 1) for f in state.fills if f.side == position.side), Decimal(0)
        )
        assert position.size == filled > 0
        assert position.margin_usdt > 0


@settings(max_examples=60, deadline=None)
@given(story=stories)
def test_nothing_waits_for_a_position_that_is_gone(story: list[Any]) -> None:
    desk = Desk()
    tell(desk, story)
    state = desk.state
    assert all(state.position(t.symbol, t.side) is not None for t in state.triggers.values())
    assert all(0 < order.remaining <= order.size for order in state.open_orders.values())
    assert all(0 <= order.filled_size <= order.size for order in state.closed_orders.values())
    assert not set(state.open_orders) & set(state.closed_orders)


@settings(max_examples=60, deadline=None)
@given(story=stories)
def test_prices_lie_on_ticks_and_sizes_on_steps(story: list[Any]) -> None:
    desk = Desk()
    tell(desk, story)
    assert all(fill.price % SPECIFICATION.tick_size == 0 for fill in desk.state.fills)
    assert all(fill.size % SPECIFICATION.size_step == 0 and fill.size > 0 for fill in desk.state.fills)


@settings(max_examples=60, deadline=None)
@given(story=stories, seed=st.integers(0, 3))
def test_the_same_seed_and_story_have_the_same_end_however_often_anybody_looked(
    story: list[Any], seed: int
) -> None:
    ends: list[str] = []
    for each_minute in (True, False, True):
        desk = Desk(seed=seed)
        tell(desk, story, each_minute=each_minute)
        ends.append(encode(desk.state))
    assert len(set(ends)) == 1


@settings(max_examples=60, deadline=None)
@given(story=stories)
def test_the_document_is_the_whole_state(story: list[Any]) -> None:
    desk = Desk()
    tell(desk, story)
    again = decode(encode(desk.state))
    assert again == desk.state
    assert encode(again) == encode(desk.state)


@settings(max_examples=60, deadline=None)
@given(story=stories)
def test_time_that_has_passed_changes_nothing(story: list[Any]) -> None:
    desk = Desk()
    tell(desk, story)
    before = encode(desk.state)
    bars = [desk.bar((100, 150, 40, 100))]
    advance(desk.state, desk.now_ms - 60_000, bars, SPECIFICATIONS, desk.rules)
    assert encode(desk.state) == before


@settings(max_examples=60, deadline=None)
@given(
    side=sides,
    first=candles(),
    leverage=st.integers(2, 50),
    size=st.integers(1, 100),
)
def test_an_isolated_position_without_stop_never_loses_more_than_its_margin(
    side: Any, first: Any, leverage: int, size: int
) -> None:
    desk = Desk()
    desk.enter(side, None, size, leverage=leverage)
    (position,) = desk.state.positions.values()
    margin = position.margin_usdt
    opening_fee = desk.state.fills[0].fee_usdt
    desk.play(first)
    if not desk.state.positions:
        # The price at which the margin is used up lies within one tick.
        assert desk.opening - desk.state.cash_usdt - opening_fee <= margin + size

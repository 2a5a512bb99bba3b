"""Matching against candles: what a closed candle does to the orders, triggers and positions of one account.

Pure: a state, candles, and nothing else. Of a candle only its four prices are known, not their order, so
whatever they leave open is decided against the account:

* A resting order fills when the price trades strictly beyond its limit, at its limit, as a maker. It takes at
  most a share of the candle's volume, between half of and all of ``volume_share``, drawn from the seed.
* On the way against a position its events come in the order of their prices: entries that add to it, its
  liquidation, its stops. A stop fills at its trigger or, where the candle opens beyond it, at the open.
* What that way leaves may then take its profit, at the trigger. A position that was filled within this very
  candle has seen only its close for certain, so only a close at or beyond the trigger takes the profit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from hashlib import blake2b
from typing import Literal

from engine.models.base import Side
from server.exchange.paper.account import (
    ZERO,
    Specifications,
    liquidation_fill,
    liquidation_price,
    open_position,
    reduce_position,
    sign,
    unrealised,
)
from server.exchange.paper.specification import Specification
from server.exchange.paper.state import Held, Order, State, Trigger, trigger_order

SIDES: tuple[Side, Side] = ("long", "short")


@dataclass(frozen=True, slots=True)
class Bar:
    """A closed candle: prices on ticks, ``volume`` in contracts."""

    symbol: str
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """``volume_share``: what one order can take of a candle's volume at most. ``seed``: of the draws."""

    volume_share: Decimal
    seed: int


@dataclass(frozen=True, slots=True)
class _Event:
    """Something on the way against a position. ``reached`` is its price, times the sign of the side."""

    reached: Decimal
    kind: Literal["entry", "liquidation", "stop"]
    number: int
    order: Order | None = None
    trigger: Trigger | None = None

    @property
    def turn(self) -> tuple[Decimal, int, int]:
        """Largest first. Of what is reached at once, an entry comes first: its fill is lost with the rest."""
        rank = {"entry": 2, "liquidation": 1, "stop": 0}[self.kind]
        return self.reached, rank, -self.number


def advance(
    state: State, to_ms: int, bars: Iterable[Bar], specifications: Specifications, rules: MatchingRules
) -> None:
    """Plays every bar that closes after what has been matched and not after ``to_ms``, in order of time.

    In one go or in many steps comes to the same. An instant that has passed changes nothing.
    """
    due = [bar for bar in bars if state.matched_ms < bar.close_ms <= to_ms]
    for bar in sorted(due, key=lambda bar: (bar.close_ms, bar.symbol)):
        for side in SIDES:
            _play(state, bar, side, specifications[bar.symbol], rules)
    state.matched_ms = max(state.matched_ms, to_ms)


def _play(state: State, bar: Bar, side: Side, specification: Specification, rules: MatchingRules) -> None:
    looked_at: set[int] = set()
    filled = False
    while (event := _next_against(state, bar, side, specification, looked_at)) is not None:
        if event.order is not None:
            looked_at.add(event.number)
            filled |= _fill_resting(state, event.order, bar, specification, rules)
        elif event.trigger is not None:
            price = event.reached * sign(side)
            _fire(state, event.trigger, specification, price, bar.close_ms)
        else:
            _liquidate(state, side, bar, specification)
    best = bar.close if filled else (bar.high if side == "long" else bar.low)
    _take_profits(state, side, best, bar, specification)


def _next_against(
    state: State, bar: Bar, side: Side, specification: Specification, looked_at: set[int]
) -> _Event | None:
    """The next event on the way from the open to the price that is worst for ``side``."""
    way = sign(side)
    opening, worst = way * bar.open, way * (bar.low if side == "long" else bar.high)
    events = [
        _Event(min(way * order.price, opening), "entry", order.number, order=order)
        for order in state.open_orders.values()
        if order.symbol == bar.symbol
        and order.side == side
        and order.price is not None
        and order.number not in looked_at
        and way * order.price > worst
    ]
    position = state.position(bar.symbol, side)
    if position is not None:
        events += [
            _Event(min(way * trigger.trigger_price, opening), "stop", trigger.number, trigger=trigger)
            for trigger in state.triggers_of(bar.symbol, side)
            if trigger.kind == "stop_loss" and way * trigger.trigger_price >= worst
        ]
        liquidation = liquidation_price(position, specification)
        if liquidation is not None and way * liquidation >= worst:
            events.append(_Event(min(way * liquidation, opening), "liquidation", 0))
    return max(events, key=lambda event: event.turn, default=None)


def _fill_resting(
    state: State, order: Order, bar: Bar, specification: Specification, rules: MatchingRules
) -> bool:
    drawn = int.from_bytes(
        blake2b(f"{rules.seed} {order.number} {bar.close_ms}".encode(), digest_size=2).digest()
    )
    share = rules.volume_share * (1 + Decimal(drawn) / 65_535) / 2
    step = specification.size_step
    size = min((bar.volume * share / step).to_integral_value(ROUND_FLOOR) * step, order.remaining)
    if size <= 0 or order.price is None:
        return False
    open_position(state, specification, order, order.price, size, bar.close_ms, maker=True)
    return True


def _fire(state: State, trigger: Trigger, specification: Specification, price: Decimal, at_ms: int) -> None:
    position = state.position(trigger.symbol, trigger.side)
    if position is None:
        return
    size = position.size if trigger.size is None else trigger.size
    order = state.end_trigger(trigger, size, position.leverage, at_ms)
    reduce_position(state, specification, order, position, price, at_ms)


def _liquidate(state: State, side: Side, bar: Bar, specification: Specification) -> None:
    position = state.position(bar.symbol, side)
    if position is None:
        return
    price = liquidation_fill(position, specification, bar.open)
    left = position.margin_usdt + unrealised(position, specification, price)
    order = _liquidation(state, position, bar.close_ms)
    reduce_position(state, specification, order, position, price, bar.close_ms, fee_limit=max(left, ZERO))


def _liquidation(state: State, position: Held, at_ms: int) -> Order:
    forced = Trigger(
        number=state.number(),
        client_order_id="",
        symbol=position.symbol,
        side=position.side,
        kind="stop_loss",
        trigger_price=position.entry_price,
        size=None,
        created_at_ms=at_ms,
    )
    return trigger_order(forced, position.size, position.leverage)


def _take_profits(state: State, side: Side, best: Decimal, bar: Bar, specification: Specification) -> None:
    way = sign(side)
    reached = [
        trigger
        for trigger in state.triggers_of(bar.symbol, side)
        if trigger.kind == "take_profit" and way * trigger.trigger_price <= way * best
    ]
    for trigger in sorted(reached, key=lambda t: (way * t.trigger_price, t.number)):
        if state.position(bar.symbol, side) is None:
            break  # and with it went the other triggers
        _fire(state, trigger, specification, trigger.trigger_price, bar.close_ms)

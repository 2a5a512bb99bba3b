"""What the paper venue refuses, with the cause, and that a refused request has changed nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from paper_desk import SPECIFICATION, SYMBOL, Desk

from server.exchange.paper import desk as venue_desk
from server.exchange.paper import statement
from server.exchange.paper.state import encode
from server.exchange.trading import Accepted, Refused

REFUSED = [
    ({"time_in_force": "post_only", "price": Decimal(101)}, "would_cross", "would trade at 101 at once"),
    ({"price": Decimal(5)}, "price_limit", "further than 90 % from the mark price 100"),
    ({"price": Decimal("99.5")}, "invalid_price", "99.5 is not a price on a tick of 1"),
    ({"price": Decimal(0)}, "invalid_price", "0 is not a price"),
    ({"price": Decimal("NaN")}, "invalid_price", "NaN is not a price"),
    ({"price": None}, "invalid_price", "a limit order has a price"),
    ({"type": "market"}, "invalid_price", "a market order has no price"),
    ({"size": Decimal("1.5")}, "invalid_size", "not a multiple of 1 contracts"),
    ({"size": Decimal(0)}, "invalid_size", "not a multiple"),
    ({"size": Decimal(-1)}, "invalid_size", "not a multiple"),
    ({"size": Decimal(10**9)}, "invalid_size", "contracts are more than"),
    ({"size": Decimal(6000)}, "insufficient_margin", "it needs 119156.40 USDT, 100000.00 USDT are free"),
    ({"leverage": 0}, "leverage", "traded at 1x to 200x, not at 0x"),
    ({"leverage": 201}, "leverage", "traded at 1x to 200x, not at 201x"),
    ({"margin_mode": "cross"}, "not_permitted", "isolated margin only"),
    (
        {"stop_loss": Decimal(99)},
        "invalid_price",
        "at 99 is on the wrong side of the entry at 99",
    ),
    ({"take_profit": Decimal(98)}, "invalid_price", "a take profit at 98 is on the wrong side"),
    ({"stop_loss": Decimal("90.5")}, "invalid_price", "90.5 is not a price on a tick"),
    ({"client_order_id": ""}, "other", "not 1 to 32 letters and digits"),
    ({"client_order_id": "with-dash"}, "other", "not 1 to 32 letters and digits"),
    ({"client_order_id": "x" * 33}, "other", "not 1 to 32 letters and digits"),
]


@pytest.mark.parametrize(("changes", "cause", "words"), REFUSED)
def test_an_entry_is_refused_with_its_cause(changes: dict[str, Any], cause: str, words: str) -> None:
    desk = Desk()
    good = desk.order("long", 99)
    before = encode(desk.state)
    outcome = desk.submit(replace(good, **changes))
    assert isinstance(outcome, Refused)
    assert outcome.cause == cause
    assert words in outcome.detail
    assert encode(desk.state) == before
    assert isinstance(desk.submit(good), Accepted)


def test_the_protection_of_a_market_order_lies_around_the_touch() -> None:
    desk = Desk()
    for changes in ({"stop_loss": 101}, {"take_profit": 101}):
        outcome = desk.submit(desk.order("long", None, **changes))
        assert isinstance(outcome, Refused) and outcome.cause == "invalid_price"
    for changes in ({"stop_loss": 100}, {"take_profit": 100}):
        outcome = desk.submit(desk.order("short", None, **changes))
        assert isinstance(outcome, Refused) and outcome.cause == "invalid_price"
    desk.enter("long", None, stop_loss=99, take_profit=102)


def test_a_venue_that_attaches_nothing_says_so() -> None:
    desk = Desk()
    desk.desk_rules = replace(desk.desk_rules, attaches_protection=False)
    outcome = desk.submit(desk.order("long", 99, stop_loss=90))
    assert outcome == Refused("other", "this venue attaches no stop and no take profit to an order")
    desk.enter("long", 99)


def test_every_kind_of_request_takes_its_client_id_for_ever() -> None:
    desk = Desk()
    used = [desk.enter("long", None, 20)]  # filled
    used.append(desk.enter("long", 90))
    venue_desk.cancel(desk.state, SYMBOL, used[-1], desk.now_ms)
    used.append(desk.enter("long", 91))  # open
    desk.protect("long", "stop_loss", 95)
    used.append(f"trigger{desk.count}")  # waiting
    desk.protect("long", "take_profit", 105, 5)
    used.append(f"trigger{desk.count}")
    desk.close("long", 5)
    used.append(f"close{desk.count}")
    desk.play((100, 106, 99, 100))  # the take profit has fired
    for client_id in used:
        outcome = desk.submit(replace(desk.order("long", 99), client_order_id=client_id))
        assert isinstance(outcome, Refused)
        assert outcome.cause == "duplicate_client_order_id"
    assert isinstance(desk.submit(desk.order("long", 99)), Accepted)


def test_what_is_open_keeps_its_leverage() -> None:
    desk = Desk()

    def set_to(leverage: int) -> Any:
        return venue_desk.set_leverage(desk.state, SPECIFICATION, leverage, "isolated")

    assert isinstance(set_to(7), Accepted)
    wrong = desk.submit(desk.order("long", 99))
    assert wrong == Refused("leverage", "BTCUSDT is set to 7x, the order says 5x")
    assert isinstance(set_to(5), Accepted)
    resting = desk.enter("long", 99)
    assert set_to(7) == Refused("leverage", "an order in BTCUSDT is open at 5x, not 7x")
    venue_desk.cancel(desk.state, SYMBOL, resting, 0)
    desk.enter("long", None)
    assert set_to(7) == Refused("leverage", "a position in BTCUSDT is open at 5x, not 7x")
    assert isinstance(set_to(5), Accepted)
    desk.close("long", 10)
    assert isinstance(set_to(7), Accepted)


@pytest.mark.parametrize(
    ("time_in_force", "size", "filled", "open_after"),
    [
        ("gtc", 1000, 1000, False),  # all that stands at the touch
        ("gtc", 1500, 1000, True),  # the rest rests
        ("ioc", 1500, 1000, False),
        ("fok", 1000, 1000, False),
        ("fok", 1001, 0, False),
    ],
)
def test_a_crossing_limit_takes_what_stands_at_the_touch(
    time_in_force: str, size: int, filled: int, open_after: bool
) -> None:
    desk = Desk()
    key = desk.enter("long", 103, size, time_in_force=time_in_force)
    state = statement.order_state(desk.account, SYMBOL, key)
    assert state is not None
    assert (state.filled_size, state.status == "open") == (filled, open_after)
    assert state.average_price == (101 if filled else None)
    assert desk.held == ([f"long {filled} @ 101"] if filled else [])


def test_a_resting_order_holds_margin_and_fee_until_it_goes() -> None:
    desk = Desk()
    key = desk.enter("long", 90, 100)
    # 9000 / 5 + 9000 x 0.0006
    held = statement.balance(desk.state, {SYMBOL: SPECIFICATION}, {})
    assert held.available_usdt == 100_000 - 1800 - Decimal("5.4")
    venue_desk.cancel(desk.state, SYMBOL, key, 0)
    freed = statement.balance(desk.state, {SYMBOL: SPECIFICATION}, {})
    assert freed.available_usdt == freed.equity_usdt == 100_000


def test_triggers_reduce_and_are_found_by_their_ids() -> None:
    desk = Desk()
    desk.enter("long", None)
    desk.protect("long", "stop_loss", 90)
    waiting = statement.order_state(desk.account, SYMBOL, f"trigger{desk.count}")
    assert waiting is not None
    assert (waiting.status, waiting.size, waiting.filled_size) == ("open", 10, 0)
    desk.protect("long", "take_profit", 110, 25)
    desk.play((100, 111, 99, 100))
    fired = statement.order_state(desk.account, SYMBOL, f"trigger{desk.count}")
    assert fired is not None
    # More than there was: only what there was, and no short.
    assert (fired.status, fired.size, fired.filled_size, fired.average_price) == ("closed", 25, 10, 110)
    taken_along = statement.order_state(desk.account, SYMBOL, waiting.client_order_id)
    assert taken_along is not None
    assert (taken_along.status, taken_along.filled_size) == ("closed", 0)
    assert (desk.held, desk.waiting) == ([], [])

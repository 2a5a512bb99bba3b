"""Candles in, exact outcome out. Every row begins with the book at 100 / 101 and nothing open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from paper_desk import Candle, Desk


@dataclass(frozen=True)
class Row:
    """What is done before the first candle, the candles (open, high, low, close), and what came of it."""

    why: str
    before: Callable[[Desk], object]
    candles: list[Candle]
    fills: list[str]
    held: list[str]
    waiting: list[str]


def both(desk: Desk) -> None:
    """A long at the market between a stop and a take profit."""
    desk.enter("long", None, stop_loss=90, take_profit=110)


def short_both(desk: Desk) -> None:
    desk.enter("short", None, stop_loss=110, take_profit=90)


def two_targets(desk: Desk) -> None:
    desk.enter("long", None, stop_loss=90)
    desk.protect("long", "take_profit", 105, 4)
    desk.protect("long", "take_profit", 110, 6)


def ladder(desk: Desk) -> None:
    desk.enter("long", 97, stop_loss=96)
    desk.enter("long", 95, stop_loss=80)


def hedged(desk: Desk) -> None:
    desk.enter("long", 98)
    desk.enter("short", 103)


def far_stop(desk: Desk) -> None:
    desk.enter("long", None, stop_loss=50, leverage=10)


def near_stop(desk: Desk) -> None:
    desk.enter("long", None, stop_loss=95, leverage=10)


def two_stops(desk: Desk) -> None:
    desk.enter("long", None)
    desk.protect("long", "stop_loss", 97, 3)
    desk.protect("long", "stop_loss", 94)
    desk.protect("long", "take_profit", 105)


def stop_and_adding(desk: Desk) -> None:
    desk.enter("long", None, stop_loss=95)
    desk.enter("long", 98)


ROWS = [
    # -- resting orders
    Row("a touch is no fill", lambda d: d.enter("long", 95), [(100, 101, 95, 99)], [], [], []),
    Row(
        "one tick beyond is one, at the limit",
        lambda d: d.enter("long", 95),
        [(100, 101, 94, 99)],
        ["+10 @ 95"],
        ["long 10 @ 95"],
        [],
    ),
    Row(
        "a gap beyond the limit is no better price",
        lambda d: d.enter("long", 95),
        [(90, 91, 89, 91)],
        ["+10 @ 95"],
        ["long 10 @ 95"],
        [],
    ),
    Row(
        "a short rests above",
        lambda d: d.enter("short", 105),
        [(100, 105, 100, 104), (104, 106, 104, 104)],
        ["+10 @ 105"],
        ["short 10 @ 105"],
        [],
    ),
    Row(
        "a long and a short of one symbol are two positions",
        hedged,
        [(100, 104, 97, 100)],
        ["+10 @ 98", "+10 @ 103"],
        ["long 10 @ 98", "short 10 @ 103"],
        [],
    ),
    # -- an entry and its protection within one candle
    Row(
        "the stop of an entry counts from the fill on: both within one candle",
        lambda d: d.enter("long", 95, stop_loss=90, take_profit=110),
        [(100, 101, 89, 99)],
        ["+10 @ 95", "-10 @ 90"],
        [],
        [],
    ),
    Row(
        "opening below entry and stop: bought at the limit, sold at the open",
        lambda d: d.enter("long", 95, stop_loss=90),
        [(85, 86, 84, 86)],
        ["+10 @ 95", "-10 @ 85"],
        [],
        [],
    ),
    Row(
        "the high may have come before the fill, so it takes no profit",
        lambda d: d.enter("long", 95, stop_loss=90, take_profit=99),
        [(98, 100, 94, 97)],
        ["+10 @ 95"],
        ["long 10 @ 95"],
        ["stop_loss 90", "take_profit 99"],
    ),
    Row(
        "the close came after the fill, so it does",
        lambda d: d.enter("long", 95, stop_loss=90, take_profit=99),
        [(98, 100, 94, 99)],
        ["+10 @ 95", "-10 @ 99"],
        [],
        [],
    ),
    Row(
        "a stop that lies between two entries closes the first and not the second",
        ladder,
        [(100, 100, 94, 96)],
        ["+10 @ 97", "-10 @ 96", "+10 @ 95"],
        ["long 10 @ 95"],
        ["stop_loss 80"],
    ),
    Row(
        "what was added on the way down is lost with the rest",
        stop_and_adding,
        [(100, 101, 94, 96)],
        ["+10 @ 101", "+10 @ 98", "-20 @ 95"],
        [],
        [],
    ),
    # -- stops and take profits
    Row("a stop is touched", both, [(100, 101, 90, 95)], ["+10 @ 101", "-10 @ 90"], [], []),
    Row("a take profit is touched", both, [(100, 110, 99, 105)], ["+10 @ 101", "-10 @ 110"], [], []),
    Row("stop first when both could", both, [(100, 111, 89, 105)], ["+10 @ 101", "-10 @ 90"], [], []),
    Row("a gap costs: the open", both, [(88, 89, 85, 89)], ["+10 @ 101", "-10 @ 88"], [], []),
    Row("a gap gains nothing: the trigger", both, [(115, 116, 114, 115)], ["+10 @ 101", "-10 @ 110"], [], []),
    Row(
        "neither is reached",
        both,
        [(100, 109, 91, 100)],
        ["+10 @ 101"],
        ["long 10 @ 101"],
        ["stop_loss 90", "take_profit 110"],
    ),
    Row("a short's stop first", short_both, [(100, 111, 89, 95)], ["+10 @ 100", "-10 @ 110"], [], []),
    Row("a short's profit", short_both, [(100, 105, 90, 95)], ["+10 @ 100", "-10 @ 90"], [], []),
    Row("a short's gap", short_both, [(115, 116, 114, 115)], ["+10 @ 100", "-10 @ 115"], [], []),
    Row(
        "one target of two, then the stop of what is left",
        two_targets,
        [(100, 106, 99, 104), (104, 105, 89, 90)],
        ["+10 @ 101", "-4 @ 105", "-6 @ 90"],
        [],
        [],
    ),
    Row(
        "both targets in one candle, nearest first",
        two_targets,
        [(100, 112, 99, 111)],
        ["+10 @ 101", "-4 @ 105", "-6 @ 110"],
        [],
        [],
    ),
    Row(
        "stops in the order in which the price reaches them; the profit went with the position",
        two_stops,
        [(100, 106, 93, 100)],
        ["+10 @ 101", "-3 @ 97", "-7 @ 94"],
        [],
        [],
    ),
    # -- liquidation: 10x of 101 is a margin of 10.1 each, (101 - 10.1) / 0.99 = 91.8
    Row("liquidated on the tick below", far_stop, [(100, 101, 90, 95)], ["+10 @ 101", "-10 @ 91"], [], []),
    Row("not yet", far_stop, [(100, 101, 92, 95)], ["+10 @ 101"], ["long 10 @ 101"], ["stop_loss 50"]),
    Row(
        "a gap beyond: no further than the margin (90.9) goes",
        far_stop,
        [(60, 61, 59, 61)],
        ["+10 @ 101", "-10 @ 91"],
        [],
        [],
    ),
    Row("the stop is nearer", near_stop, [(100, 101, 80, 95)], ["+10 @ 101", "-10 @ 95"], [], []),
    Row(
        "a short is liquidated above: (100 + 10) / 1.01 = 108.9",
        lambda d: d.enter("short", None, leverage=10),
        [(100, 108, 99, 100), (100, 109, 99, 100)],
        ["+10 @ 100", "-10 @ 109"],
        [],
        [],
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.why)
def test_a_table_of_candles(row: Row) -> None:
    desk = Desk()
    row.before(desk)
    desk.play(*row.candles)
    assert (desk.fills, desk.held, desk.waiting) == (row.fills, row.held, row.waiting)


def test_an_order_takes_its_share_of_the_volume_until_it_is_filled() -> None:
    desk = Desk()
    key = desk.enter("long", 95, size=20)
    desk.play((100, 100, 94, 96, 100), (96, 97, 94, 96, 100), (96, 97, 94, 96, 5), (96, 97, 94, 96, 9999))
    # At most a tenth of each candle's volume and at least half of that; of the third less than a contract.
    assert desk.fills == ["+6 @ 95", "+9 @ 95", "+5 @ 95"]
    assert desk.state.closed_orders[key].filled_size == 20
    assert desk.held == ["long 20 @ 95"]


def test_another_seed_draws_other_shares() -> None:
    taken: set[str] = set()
    for seed in range(20):
        desk = Desk(seed=seed)
        desk.enter("long", 95, size=1000)
        desk.play((100, 100, 94, 96, 1000))
        taken.update(desk.fills)
    assert taken <= {f"+{size} @ 95" for size in range(50, 101)}
    assert len(taken) > 10


def test_what_fills_after_a_stop_is_protected_again() -> None:
    desk = Desk()
    key = desk.enter("long", 95, size=20, stop_loss=92)
    desk.play((100, 100, 91, 96, 100))
    assert desk.fills == ["+6 @ 95", "-6 @ 92"]
    assert (desk.waiting, desk.state.open_orders[key].remaining) == ([], 14)
    desk.play((96, 96, 94, 95, 100))
    assert desk.fills[2:] == ["+9 @ 95"]
    assert desk.waiting == ["stop_loss 92"]


def test_a_stop_that_was_taken_away_does_not_come_back_with_the_next_partial_fill() -> None:
    desk = Desk()
    desk.enter("long", 95, size=20, stop_loss=92)
    desk.play((100, 100, 94, 96, 100))
    assert desk.waiting == ["stop_loss 92"]
    desk.state.triggers.clear()
    desk.play((96, 96, 94, 96, 100))
    assert (desk.held, desk.waiting) == (["long 15 @ 95"], [])


def test_adding_averages_the_entry_and_adds_the_margin() -> None:
    desk = Desk()
    desk.enter("long", 99)
    desk.enter("long", 97, size=30)
    desk.play((100, 100, 96, 98))
    (position,) = desk.state.positions.values()
    assert (position.size, position.entry_price) == (40, 97.5)
    assert position.margin_usdt == (99 * 10 + 97 * 30) / 5
    desk.close("long", 10)
    assert (position.size, position.entry_price, position.margin_usdt) == (30, 97.5, 585)


def test_fees_and_profit_to_the_last_cent() -> None:
    desk = Desk()
    desk.enter("long", 99)  # maker: 99 x 10 x 0.0002 = 0.198
    desk.play((100, 100, 98, 104))
    desk.close("long", 4)  # taker at the bid: 104 x 4 x 0.0006 = 0.2496, (104 - 99) x 4 = 20
    opening, closing = desk.state.fills
    assert [str(opening.fee_usdt), str(closing.fee_usdt)] == ["0.1980", "0.2496"]
    assert (opening.realised_pnl_usdt, closing.realised_pnl_usdt) == (0, 20)
    assert str(desk.state.cash_usdt) == "100019.5524"


def test_a_liquidation_costs_no_more_than_the_margin() -> None:
    desk = Desk()
    desk.enter("long", None, leverage=10)
    desk.play((60, 61, 59, 61))
    closing = desk.state.fills[-1]
    assert closing.fee_usdt - closing.realised_pnl_usdt <= 101
    assert desk.state.cash_usdt >= desk.opening - 101 - desk.state.fills[0].fee_usdt

"""The book lies on ticks, around the last price, and is the same for the same recording and instant."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.candles import CandleSet
from server.exchange.paper.book import book_around
from server.exchange.paper.specification import Specification, read_specifications
from server.exchange.paper.venue import BUNDLED

BTC = read_specifications(BUNDLED / "contracts.json")["BTCUSDT"]
MINUTE_MS = 60_000


def candle(close: float, volume: float = 12.345) -> CandleSet:
    return CandleSet.from_columns("BTCUSDT", "1m", [0], [close], [close], [close], [close], [volume])


def with_steps(tick: str, step: str) -> Specification:
    return BTC.model_copy(update={"tick_size": Decimal(tick), "size_step": Decimal(step)})


@pytest.mark.parametrize(
    ("close", "spread_ticks", "bid", "ask"),
    [
        (106_588.4, 1, "106588.4", "106588.5"),
        (106_588.4, 2, "106588.3", "106588.5"),
        (106_588.4, 3, "106588.3", "106588.6"),
        (0.1, 5, "0.1", "0.6"),  # a bid is never below one tick
    ],
)
def test_the_spread_lies_around_the_last_price(close: float, spread_ticks: int, bid: str, ask: str) -> None:
    book = book_around(BTC, candle(close), MINUTE_MS, spread_ticks)
    assert book is not None
    assert (book.bid, book.ask) == (Decimal(bid), Decimal(ask))
    assert book.last == book.mark == Decimal(str(close))


def test_the_tick_is_a_step_and_not_a_number_of_decimals() -> None:
    book = book_around(with_steps("0.5", "1"), candle(100.3), MINUTE_MS, 1)
    assert book is not None
    assert (book.bid, book.ask, book.last) == (Decimal("100.5"), Decimal("101.0"), Decimal("100.5"))


def test_sizes_are_a_share_of_the_volume_in_whole_steps() -> None:
    book = book_around(BTC, candle(100.0, volume=1.0), MINUTE_MS, 1)
    assert book is not None
    assert book.bid_size == book.ask_size == Decimal(20)  # 2 % of 1 BTC in contracts of 0.001 BTC
    quiet = book_around(BTC, candle(100.0, volume=0.0), MINUTE_MS, 1)
    assert quiet is not None
    assert quiet.bid_size == BTC.min_size


@pytest.mark.parametrize(
    ("asked_ms", "true_at_ms"),
    [(60_000, 60_000), (90_000, 90_000), (120_000, 120_000), (600_000, 120_000)],
)
def test_a_book_ages_once_the_next_candle_is_overdue(asked_ms: int, true_at_ms: int) -> None:
    book = book_around(BTC, candle(100.0), asked_ms, 1)
    assert book is not None
    assert book.at_ms == true_at_ms


def test_a_price_below_one_tick_has_no_book() -> None:
    assert book_around(BTC, candle(0.04), MINUTE_MS, 1) is None


@given(
    close=st.floats(0.2, 1e6),
    volume=st.floats(0, 1e9),
    spread_ticks=st.integers(1, 1000),
    tick=st.sampled_from(["0.0000001", "0.01", "0.05", "0.1", "0.25", "1", "5"]),
    step=st.sampled_from(["0.001", "0.1", "1", "10"]),
)
def test_any_book(close: float, volume: float, spread_ticks: int, tick: str, step: str) -> None:
    specification = with_steps(tick, step)
    book = book_around(specification, candle(close, volume), MINUTE_MS, spread_ticks)
    if book is None:
        assert close < float(tick)
        return
    assert 0 < book.bid < book.ask
    assert book.ask - book.bid == spread_ticks * Decimal(tick)
    assert book.bid <= book.last or book.bid == Decimal(tick)
    assert all(price % Decimal(tick) == 0 for price in (book.bid, book.ask, book.last))
    assert abs(book.last - Decimal(repr(close))) <= Decimal(tick) / 2
    assert book.bid_size >= specification.min_size
    assert book == book_around(specification, candle(close, volume), MINUTE_MS, spread_ticks)

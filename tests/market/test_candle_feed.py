"""What a run is given, and what the venue is asked for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.candles import STEP_MS, CandleSet, Timeframe
from server.exchange.errors import SymbolUnknown, VenueUnavailable
from server.exchange.paper import PaperExchange, PaperOptions
from server.market import CandleFeed

MINUTE_MS = 60_000
LAST_MS = 1_748_964_720_000  # 2025-06-03T15:32:00Z, the end of the bundled candles
START_MS = LAST_MS - 600 * MINUTE_MS
STARTS: dict[Timeframe, int] = {"1m": START_MS, "5m": START_MS - START_MS % STEP_MS["5m"]}


@dataclass
class RemoteVenue(PaperExchange):
    """The paper venue with the habits of a distant one: it counts requests, is late, loses rows, fails."""

    clock_ms: int = LAST_MS
    delay_seconds: float = 0.0
    missing: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    failing: set[str] = field(default_factory=set[str])
    asked: list[tuple[str, str, int, int]] = field(default_factory=list[tuple[str, str, int, int]])
    open_requests: int = 0
    most_requests: int = 0

    def __post_init__(self) -> None:
        super().__init__(PaperOptions())

    async def now_ms(self) -> int:
        return self.clock_ms

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        self.asked.append(
            (symbol, timeframe, (start_ms - START_MS) // MINUTE_MS, (end_ms - START_MS) // MINUTE_MS)
        )
        self.open_requests += 1
        self.most_requests = max(self.most_requests, self.open_requests)
        await asyncio.sleep(self.delay_seconds)
        self.open_requests -= 1
        if symbol in self.failing:
            raise VenueUnavailable("remote", f"candles of {symbol}", "no reply within 5 s")
        # As some venues do: the candle still forming comes along, whatever the end that was asked for.
        step = STEP_MS[timeframe]
        candles = await super().candles(symbol, timeframe, start_ms, max(end_ms, self.clock_ms + 1))
        candles = candles.between(
            0, int(np.searchsorted(candles.ts, self.clock_ms - self.clock_ms % step + 1))
        )
        lost = ~np.isin(candles.ts, list(self.missing.get(symbol, ())))
        columns = (candles.ts, candles.open, candles.high, candles.low, candles.close, candles.volume)
        return CandleSet.from_columns(symbol, timeframe, *(column[lost] for column in columns))

    async def truth(self, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        """What the venue itself has."""
        return await PaperExchange(PaperOptions()).candles("BTCUSDT", timeframe, start_ms, end_ms)


def minutes(candles: CandleSet) -> list[int]:
    return ((candles.ts - START_MS) // MINUTE_MS).tolist()


async def test_every_symbol_gets_its_closed_candles_from_the_anchor_on() -> None:
    feed = CandleFeed(PaperExchange(PaperOptions()))
    answer = await feed.load(["BTCUSDT", "SUIUSDT"], STARTS, LAST_MS)
    assert not answer.failures
    assert {s: {t: len(c) for t, c in by.items()} for s, by in answer.candles.items()} == {
        "BTCUSDT": {"1m": 600, "5m": 120},
        "SUIUSDT": {"1m": 600, "5m": 120},
    }
    for by_timeframe in answer.candles.values():
        for timeframe, candles in by_timeframe.items():
            assert candles.timeframe == timeframe
            assert candles.ts[0] == STARTS[timeframe]
            assert candles.ts[-1] + STEP_MS[timeframe] <= LAST_MS < candles.ts[-1] + 2 * STEP_MS[timeframe]
            assert not candles.close.flags.writeable


async def test_the_second_run_asks_only_for_what_has_closed_since() -> None:
    venue = RemoteVenue(clock_ms=LAST_MS - 10 * MINUTE_MS)
    feed = CandleFeed(venue)
    first = await feed.load(["BTCUSDT"], STARTS, venue.clock_ms)
    again = await feed.load(["BTCUSDT"], STARTS, venue.clock_ms)
    assert again.candles["BTCUSDT"]["1m"] is first.candles["BTCUSDT"]["1m"]
    venue.clock_ms += MINUTE_MS + 30_000
    next_minute = await feed.load(["BTCUSDT"], STARTS, venue.clock_ms)
    assert venue.asked == [
        ("BTCUSDT", "1m", 0, 590),
        ("BTCUSDT", "5m", -2, 588),
        ("BTCUSDT", "1m", 590, 591),
    ]
    assert minutes(next_minute.candles["BTCUSDT"]["1m"]) == list(range(591))
    assert next_minute.candles["BTCUSDT"]["5m"] is first.candles["BTCUSDT"]["5m"]
    assert minutes(first.candles["BTCUSDT"]["1m"]) == list(range(590))  # what was handed out stays


async def test_a_forming_candle_is_never_taken_for_a_closed_one() -> None:
    venue = RemoteVenue(clock_ms=LAST_MS - 90_000)
    feed = CandleFeed(venue)
    # The run believes to be later than the venue is: the venue's clock says what has closed.
    early = await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    assert early.known_ms == LAST_MS - 90_000
    assert minutes(early.candles["BTCUSDT"]["1m"])[-1] == 597
    venue.clock_ms = LAST_MS
    late = await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    truth = await PaperExchange(PaperOptions()).candles("BTCUSDT", "1m", START_MS, LAST_MS)
    assert np.array_equal(late.candles["BTCUSDT"]["1m"].close, truth.close)


async def test_an_earlier_instant_is_answered_from_what_is_kept() -> None:
    venue = RemoteVenue()
    feed = CandleFeed(venue)
    await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    venue.asked.clear()
    earlier = await feed.load(["BTCUSDT"], {"1m": START_MS + 10 * MINUTE_MS}, LAST_MS - 100 * MINUTE_MS)
    assert minutes(earlier.candles["BTCUSDT"]["1m"]) == list(range(10, 500))
    assert venue.asked == []


async def test_an_earlier_anchor_asks_for_the_head_only() -> None:
    venue = RemoteVenue()
    feed = CandleFeed(venue)
    await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    more = await feed.load(["BTCUSDT"], {"1m": START_MS - 100 * MINUTE_MS}, LAST_MS)
    assert venue.asked[1:] == [("BTCUSDT", "1m", -100, 0)]
    assert minutes(more.candles["BTCUSDT"]["1m"]) == list(range(-100, 600))


async def test_a_range_long_ago_is_fetched_without_giving_up_what_is_kept() -> None:
    venue = RemoteVenue()
    feed = CandleFeed(venue)
    await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    long_ago = START_MS - 3000 * MINUTE_MS
    old = await feed.load(["BTCUSDT"], {"1m": long_ago}, long_ago + 50 * MINUTE_MS)
    assert minutes(old.candles["BTCUSDT"]["1m"]) == list(range(-3000, -2950))
    venue.asked.clear()
    await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    assert venue.asked == []


async def test_after_a_long_pause_the_range_starts_anew() -> None:
    venue = RemoteVenue(clock_ms=START_MS)
    feed = CandleFeed(venue)
    await feed.load(["BTCUSDT"], {"1m": START_MS - 30 * MINUTE_MS}, venue.clock_ms)
    venue.clock_ms = LAST_MS
    late = await feed.load(["BTCUSDT"], {"1m": START_MS + 400 * MINUTE_MS}, LAST_MS)
    assert venue.asked[1:] == [("BTCUSDT", "1m", 400, 600)]
    assert minutes(late.candles["BTCUSDT"]["1m"]) == list(range(400, 600))


async def test_a_late_candle_is_asked_for_until_it_is_there() -> None:
    newest = LAST_MS - MINUTE_MS
    venue = RemoteVenue(missing={"BTCUSDT": {newest}})
    feed = CandleFeed(venue)
    for _ in range(2):
        answer = await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
        assert minutes(answer.candles["BTCUSDT"]["1m"])[-1] == 598
    venue.missing.clear()
    answer = await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    assert minutes(answer.candles["BTCUSDT"]["1m"]) == list(range(600))
    assert venue.asked[1:] == [("BTCUSDT", "1m", 599, 600)] * 2


async def test_a_young_gap_is_asked_for_again_and_an_old_one_is_left() -> None:
    young, old = LAST_MS - 20 * MINUTE_MS, LAST_MS - 200 * MINUTE_MS
    venue = RemoteVenue(missing={"BTCUSDT": {young, old}})
    feed = CandleFeed(venue)
    holed = await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    assert len(holed.candles["BTCUSDT"]["1m"]) == 598
    venue.missing.clear()
    healed = await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    assert venue.asked[1:] == [("BTCUSDT", "1m", 580, 600)]
    assert minutes(healed.candles["BTCUSDT"]["1m"]) == [m for m in range(600) if m != 400]
    assert len(holed.candles["BTCUSDT"]["1m"]) == 598
    assert (await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)).candles["BTCUSDT"]["1m"] is (
        healed.candles["BTCUSDT"]["1m"]
    )


async def test_a_failing_symbol_is_an_answer_and_the_others_are_not_touched() -> None:
    venue = RemoteVenue(failing={"ETHUSDT"})
    answer = await CandleFeed(venue).load(["ETHUSDT", "BTCUSDT", "NOPEUSDT"], STARTS, LAST_MS)
    assert set(answer.candles) == {"BTCUSDT"}
    assert set(answer.failures) == {"ETHUSDT", "NOPEUSDT"}
    assert isinstance(answer.failures["ETHUSDT"].error, VenueUnavailable)
    assert isinstance(answer.failures["NOPEUSDT"].error, SymbolUnknown)
    assert answer.failures["ETHUSDT"].timeframe == "1m"


async def test_requests_run_together_but_not_more_than_allowed() -> None:
    symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"]
    venue = RemoteVenue(delay_seconds=0.01)
    await CandleFeed(venue, concurrency=3).load(symbols, STARTS, LAST_MS)
    assert venue.most_requests == 3


async def test_two_runs_at_once_ask_once() -> None:
    venue = RemoteVenue(delay_seconds=0.01)
    feed = CandleFeed(venue)
    answers = await asyncio.gather(*(feed.load(["BTCUSDT"], STARTS, LAST_MS) for _ in range(3)))
    assert len(venue.asked) == 2
    assert all(a.candles["BTCUSDT"]["1m"] is answers[0].candles["BTCUSDT"]["1m"] for a in answers)


@settings(max_examples=60, deadline=None)
@given(
    runs=st.lists(
        st.tuples(st.integers(0, 700), st.integers(0, 600), st.booleans()), min_size=1, max_size=12
    ),
    lost=st.sets(st.integers(0, 700), max_size=5),
)
def test_any_order_of_runs_gives_what_the_venue_has(
    runs: list[tuple[int, int, bool]], lost: set[int]
) -> None:
    origin = LAST_MS - 700 * MINUTE_MS
    gone = {origin + minute * MINUTE_MS for minute in lost}

    async def play() -> None:
        venue = RemoteVenue(missing={"BTCUSDT": gone})
        truth = await PaperExchange(PaperOptions()).candles("BTCUSDT", "1m", origin, LAST_MS)
        present = ~np.isin(truth.ts, list(gone))
        feed = CandleFeed(venue)
        for as_of, length, moves in runs:
            as_of_ms = origin + as_of * MINUTE_MS + 7_000
            venue.clock_ms = as_of_ms if moves else LAST_MS
            start_ms = max(origin, as_of_ms - as_of_ms % MINUTE_MS - length * MINUTE_MS)
            answer = (await feed.load(["BTCUSDT"], {"1m": start_ms}, as_of_ms)).candles["BTCUSDT"]["1m"]
            wanted = present & (truth.ts >= start_ms) & (truth.ts + MINUTE_MS <= as_of_ms)
            assert np.array_equal(answer.ts, truth.ts[wanted])
            assert np.array_equal(answer.close, truth.close[wanted])

    asyncio.run(play())


async def test_what_is_in_memory_is_handed_out_without_a_copy() -> None:
    feed = CandleFeed(PaperExchange(PaperOptions()))
    whole = await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS)
    part = await feed.load(["BTCUSDT"], {"1m": START_MS}, LAST_MS - 60 * MINUTE_MS)
    assert np.shares_memory(whole.candles["BTCUSDT"]["1m"].close, part.candles["BTCUSDT"]["1m"].close)


@pytest.mark.parametrize("symbols", [[], ["BTCUSDT", "BTCUSDT"]])
async def test_nothing_asked_and_the_same_asked_twice(symbols: list[str]) -> None:
    answer = await CandleFeed(PaperExchange(PaperOptions())).load(symbols, STARTS, LAST_MS)
    assert list(answer.candles) == list(dict.fromkeys(symbols))
    assert not answer.failures


@dataclass
class WideVenue(RemoteVenue):
    """Many contracts with the candles of one; ``wide`` is what was asked of each."""

    wide: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        self.wide.append((symbol, timeframe))
        found = await super().candles("BTCUSDT", timeframe, start_ms, end_ms)
        columns = (found.ts, found.open, found.high, found.low, found.close, found.volume)
        return CandleSet(symbol, timeframe, *columns)


WIDE = [f"S{n}USDT" for n in range(200)]
LONGER: dict[Timeframe, int] = {tf: START_MS - START_MS % STEP_MS[tf] for tf in ("1h", "1m", "15m", "5m")}


async def test_a_warm_run_over_many_symbols_asks_only_for_the_new_minute() -> None:
    hour = LAST_MS - LAST_MS % STEP_MS["1h"]
    venue = WideVenue(clock_ms=hour - MINUTE_MS)
    feed = CandleFeed(venue)
    await feed.load(WIDE, LONGER, venue.clock_ms)
    assert len(venue.wide) == len(WIDE) * len(LONGER)
    venue.wide.clear()
    await feed.load(WIDE, LONGER, venue.clock_ms)
    assert venue.wide == [], "nothing has closed since"
    venue.clock_ms = hour + 2_000
    answer = await feed.load(WIDE, LONGER, venue.clock_ms)
    assert venue.wide == [(s, "1m") for s in WIDE]
    for timeframe, start_ms in LONGER.items():
        built, truth = answer.candles["S7USDT"][timeframe], await venue.truth(timeframe, start_ms, hour)
        for column in ("ts", "open", "high", "low", "close"):
            assert np.array_equal(getattr(built, column), getattr(truth, column)), (timeframe, column)
        assert np.allclose(built.volume, truth.volume, rtol=1e-9)


async def test_a_longer_candle_of_which_a_minute_is_missing_is_the_venues_own() -> None:
    hour = LAST_MS - LAST_MS % STEP_MS["1h"]
    venue = RemoteVenue(clock_ms=hour - MINUTE_MS, missing={"BTCUSDT": {hour - 3 * MINUTE_MS}})
    feed = CandleFeed(venue)
    await feed.load(["BTCUSDT"], STARTS, venue.clock_ms)
    venue.asked.clear()
    venue.clock_ms = hour
    answer = await feed.load(["BTCUSDT"], STARTS, venue.clock_ms)
    assert [asked[1] for asked in venue.asked] == ["1m", "5m"]
    assert answer.candles["BTCUSDT"]["5m"].ts[-1] == hour - STEP_MS["5m"]


async def test_a_run_asks_no_more_than_it_may_and_the_next_one_goes_on() -> None:
    venue = WideVenue()
    feed, symbols = CandleFeed(venue), WIDE[:5]
    first = await feed.load(symbols, STARTS, LAST_MS, most_requests=4)
    assert (len(venue.asked), list(first.candles)) == (4, symbols[:2])
    assert {str(failure.error) for failure in first.failures.values()} == {
        f"no 1m candles of {symbol} from paper: this run has asked 4 times (candle_requests_per_run); "
        "a later one goes on"
        for symbol in symbols[2:]
    }
    second = await feed.load(symbols, STARTS, LAST_MS, most_requests=4)
    assert (len(venue.asked), list(second.candles)) == (8, symbols[:4])
    assert not (await feed.load(symbols, STARTS, LAST_MS, most_requests=4)).failures

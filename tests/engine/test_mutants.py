"""Engines with a known mistake, each of which another system has made: the laws must notice every one.

A law that no mistake can break proves nothing. Each mutant replaces one function of the facts room, live or
in replay, and the laws named beside it must fail; ``test_closed_bar_law`` holds that they pass unmutated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import closed_bar_laws as laws
import numpy as np
import pytest
from numpy.typing import NDArray
from shipped import market, ms, shipped_rules

from engine.candles import STEP_MS, CandleSet
from engine.candles.calendar import DAY_MS
from engine.facts import FactPlan, history, snapshot
from engine.indicators import Window, library

SYMBOL = "SUIUSDT"
SYMBOLS = (SYMBOL, "LINKUSDT")
MINUTE = laws.MINUTE

ALIGNED = ms("2025-06-02T14:20Z")
"""A 5m and a 1m candle close at this instant."""
BETWEEN = ms("2025-06-02T14:23Z")
"""A 5m candle is forming at this instant, and a 1m candle has closed."""
WITHIN = ms("2025-06-02T14:23Z") + 30_000
"""Candles of both timeframes are forming at this instant."""
AN_HOUR = [ms("2025-06-02T14:00Z") + MINUTE * k for k in range(60)]

Patch = pytest.MonkeyPatch
Tail = Callable[[FactPlan, CandleSet, int], snapshot.Tail]


def seen_at(patch: Patch, instant: Callable[[FactPlan, CandleSet, int], int]) -> None:
    """Live: the facts of a timeframe are those of another instant."""
    tail = snapshot.tail
    patch.setattr(snapshot, "tail", lambda plan, candles, at: tail(plan, candles, instant(plan, candles, at)))


def replayed_at(patch: Patch, instant: Callable[[FactPlan, CandleSet, int], int]) -> None:
    """Replay: the facts of a timeframe are those of other instants."""
    periods = history._periods

    def mutated(plan: FactPlan, candles: CandleSet, as_of: NDArray[np.int64]) -> Any:
        shifted = np.array([instant(plan, candles, int(at)) for at in as_of], dtype=np.int64)
        return periods(plan, candles, shifted)

    def unchecked(plan: FactPlan, candles: CandleSet, as_of: NDArray[np.int64]) -> Any:
        parts = [mutated(plan, candles, as_of[i : i + 1])[0] for i in range(len(as_of))]
        return [replace(part, rows=slice(i, i + 1)) for i, part in enumerate(parts)]

    patch.setattr(history, "_periods", unchecked)


# -- the mistakes --------------------------------------------------------------------------------------------


def context_one_candle_late(plan: FactPlan, candles: CandleSet, at: int) -> int:
    """A whole 5m candle behind."""
    return at - STEP_MS["5m"] if plan.timeframe == "5m" else at


def context_one_minute_late(plan: FactPlan, candles: CandleSet, at: int) -> int:
    """The 1m candle arrives first, and the 5m candle of the same instant has not been seen yet."""
    return at - MINUTE if plan.timeframe == "5m" else at


def forming_candle_included(plan: FactPlan, candles: CandleSet, at: int) -> int:
    """The newest candle there is counts as closed, whether or not it is."""
    newest = candles.ts[candles.ts <= at]
    return max(at, int(newest[-1]) + STEP_MS[plan.timeframe]) if len(newest) else at


def longer_candle_leaked(plan: FactPlan, candles: CandleSet, at: int) -> int:
    """The 5m candle that holds this minute is read as soon as the minute is over."""
    step = STEP_MS["5m"]
    return -(-at // step) * step if plan.timeframe == "5m" else at


SHIFTS = {
    context_one_candle_late: (ALIGNED, BETWEEN),
    context_one_minute_late: (ALIGNED,),
    forming_candle_included: (BETWEEN, WITHIN),
    longer_candle_leaked: (BETWEEN,),
}
NOTICES = {
    context_one_candle_late: ("facts_are_of_the_candles_that_closed_last",),
    context_one_minute_late: ("facts_are_of_the_candles_that_closed_last",),
    forming_candle_included: (
        "facts_are_of_the_candles_that_closed_last",
        "the_open_candle_does_not_matter",
        "later_candles_do_not_matter",
    ),
    longer_candle_leaked: ("facts_are_of_the_candles_that_closed_last", "later_candles_do_not_matter"),
}
CASES = [
    pytest.param(mistake, law, at, id=f"{mistake.__name__}-{law}-{at // 1000 % 3600}s")
    for mistake, instants in SHIFTS.items()
    for law in NOTICES[mistake]
    for at in instants
]


@pytest.mark.parametrize("where", [seen_at, replayed_at])
@pytest.mark.parametrize(("mistake", "law", "at"), CASES)
def test_a_law_notices_candles_of_another_instant(
    mistake: Any, law: str, at: int, where: Any, monkeypatch: Patch
) -> None:
    check = laws.AT_ONE_INSTANT[law]
    check(shipped_rules(), SYMBOL, market((SYMBOL,)), at)
    where(monkeypatch, mistake)
    with pytest.raises(AssertionError):
        check(shipped_rules(), SYMBOL, market((SYMBOL,)), at)


@pytest.mark.parametrize("where", [seen_at, replayed_at])
@pytest.mark.parametrize("mistake", SHIFTS)
def test_replay_and_live_part_when_one_of_them_is_mistaken(
    mistake: Any, where: Any, monkeypatch: Patch
) -> None:
    arguments = (shipped_rules(), SYMBOLS, market(SYMBOLS), AN_HOUR)
    laws.one_pass_equals_minute_by_minute(*arguments)
    where(monkeypatch, mistake)
    with pytest.raises(AssertionError):
        laws.one_pass_equals_minute_by_minute(*arguments)


# -- sessions and windows ------------------------------------------------------------------------------------

NOTICED_LATE = ms("2025-06-02T14:23Z")
"""863 minutes after midnight: more than the 500 candles that the mutants keep."""


def keep_500_in_the_sum(patch: Patch) -> None:
    """Each bar's session VWAP sums no more than the last 500 candles."""

    def cut_short(window: Window) -> NDArray[np.float64]:
        whole = honest(window)
        candles = window.candles
        typical = (candles.high + candles.low + candles.close) / 3
        for bar in range(window.first_needed, len(window)):
            midnight = int(candles.ts[bar]) // DAY_MS * DAY_MS
            first = max(int(np.searchsorted(candles.ts, midnight)), bar - 499)
            part = slice(first, bar + 1)
            whole[bar] = (typical[part] * candles.volume[part]).sum() / candles.volume[part].sum()
        return whole

    honest = library._session_vwap
    patch.setattr(library, "_session_vwap", cut_short)


def keep_500_in_the_window(patch: Patch) -> None:
    """Live keeps only the last 500 candles, and takes the first of them for the start of the session."""

    class Cut(Window):
        def __init__(self, candles: CandleSet, first_needed: int = 0) -> None:
            size = len(candles)
            super().__init__(candles, first_needed)
            self.lost = max(0, size - 500)

    def cut_short(window: Window) -> NDArray[np.float64]:
        lost = window.lost if isinstance(window, Cut) else 0
        candles = window.candles.between(lost, len(window))
        column = window.unknown()
        day = candles.ts // DAY_MS == candles.ts[-1] // DAY_MS
        typical = (candles.high + candles.low + candles.close)[day] / 3
        total, volume = np.cumsum(typical * candles.volume[day]), np.cumsum(candles.volume[day])
        column[lost:][day] = total / volume
        return column

    patch.setattr(snapshot, "Window", Cut)
    patch.setattr(library, "_session_vwap", cut_short)


@pytest.mark.parametrize("mutate", [keep_500_in_the_sum, keep_500_in_the_window])
def test_a_law_notices_a_session_that_is_cut_short(mutate: Any, monkeypatch: Patch) -> None:
    check = laws.the_session_is_summed_from_midnight
    check(shipped_rules(), SYMBOL, market((SYMBOL,)), NOTICED_LATE)
    mutate(monkeypatch)
    with pytest.raises(AssertionError, match="vwap of 1m"):
        check(shipped_rules(), SYMBOL, market((SYMBOL,)), NOTICED_LATE)


def test_replay_and_live_part_when_live_keeps_too_few_candles(monkeypatch: Patch) -> None:
    keep_500_in_the_window(monkeypatch)
    with pytest.raises(AssertionError):
        laws.one_pass_equals_minute_by_minute(shipped_rules(), SYMBOLS, market(SYMBOLS), AN_HOUR)


def test_a_law_notices_candles_from_before_the_anchor(monkeypatch: Patch) -> None:
    """Recursive averages that start wherever the venue's history starts."""
    check = laws.candles_before_the_anchor_do_not_matter
    check(shipped_rules(), SYMBOL, market((SYMBOL,)), BETWEEN)
    for room in (snapshot, history):
        monkeypatch.setattr(room, "anchor_of", lambda anchor, at: 0)
    with pytest.raises(AssertionError):
        check(shipped_rules(), SYMBOL, market((SYMBOL,)), BETWEEN)

"""What must hold of every verdict at an instant, as checks that property tests and mutants share.

Each law raises ``AssertionError`` when it is broken. "The same" means the same verdict, outcomes and candles
behind it, and facts that are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import plain_indicators as plain
from shipped import Candles, columns, rebuilt, without

from engine.candles import STEP_MS, CandleSet
from engine.facts import History, Snapshot, TailCache
from engine.indicators import Window, evaluate
from engine.verdict import ProfileRules, VerdictBatch, decide

MINUTE = 60_000
HEALTH = ("candles", "in_row", "missing", "newest", "window_start", "close")


def live(
    rules: ProfileRules,
    symbols: Sequence[str],
    candles: Candles,
    at: int,
    cache: TailCache | None = None,
    off: Sequence[str] = (),
) -> VerdictBatch:
    """What a run at ``at`` decides; ``off``: timeframes that are switched off for every symbol."""
    switched_off = {timeframe: np.ones(len(symbols), dtype=np.bool_) for timeframe in off}
    source = Snapshot.of(rules.plans, symbols, candles, at, cache)
    return decide(rules, source, switched_off=switched_off)


def replay(rules: ProfileRules, symbol: str, candles: Candles, instants: Sequence[int]) -> VerdictBatch:
    """The same for one symbol at many instants, in one pass."""
    own = {timeframe: candles[symbol, timeframe] for timeframe in rules.plans}
    return decide(rules, History(rules.plans, symbol, own, np.array(instants, dtype=np.int64)))


def assert_same(left: VerdictBatch, i: int, right: VerdictBatch, j: int) -> None:
    """Row ``i`` of one batch is row ``j`` of another."""
    where = f"{left.symbols[i]} at {datetime.fromtimestamp(int(left.as_of[i]) / 1000, UTC)}"
    for timeframe, program in left.rules.timeframes.items():
        ours, theirs = left.columns[timeframe][:, i], right.columns[timeframe][:, j]
        for ref, x, y in zip(program.program.refs, ours, theirs, strict=True):
            assert x == y or (np.isnan(x) and np.isnan(y)), f"{where}: {ref} is {x!r} and {y!r}"
        assert np.array_equal(left.codes[timeframe][:, i], right.codes[timeframe][:, j]), where
    for timeframe in left.rules.plans:
        for name in HEALTH:
            ours, theirs = getattr(left.health[timeframe], name)[i], getattr(right.health[timeframe], name)[j]
            assert np.array_equal(ours, theirs, equal_nan=True), f"{where}: {timeframe} {name}"
    assert left.verdict(i) == right.verdict(j), where


# -- the laws ------------------------------------------------------------------------------------------------


def later_candles_do_not_matter(rules: ProfileRules, symbol: str, candles: Candles, at: int) -> None:
    """Neither their absence nor their prices: those that open later, and the one that is still open."""
    expected = live(rules, [symbol], candles, at)
    for change in (_cut, _tripled, _thinned):
        changed = {key: change(part, at - STEP_MS[part.timeframe]) for key, part in candles.items()}
        assert_same(live(rules, [symbol], changed, at), 0, expected, 0)
        assert_same(replay(rules, symbol, changed, [at]), 0, expected, 0)


def the_open_candle_does_not_matter(rules: ProfileRules, symbol: str, candles: Candles, at: int) -> None:
    """Venues give the candle that is still forming, as it stands."""
    closed = {key: part.closed(at) for key, part in candles.items()}
    forming = {key: _with_forming(part, candles[key[0], "1m"], at) for key, part in closed.items()}
    expected = live(rules, [symbol], closed, at)
    assert_same(live(rules, [symbol], forming, at), 0, expected, 0)
    assert_same(replay(rules, symbol, forming, [at]), 0, expected, 0)


def candles_before_the_anchor_do_not_matter(
    rules: ProfileRules, symbol: str, candles: Candles, at: int
) -> None:
    """Neither their absence nor their prices nor their gaps."""
    expected = live(rules, [symbol], candles, at)
    starts = {tf: _anchor(plan.anchor, at) for tf, plan in rules.plans.items()}
    for change in (_head_cut, _head_tripled, _head_thinned, _head_added):
        changed = {key: change(part, starts[part.timeframe]) for key, part in candles.items()}
        assert_same(live(rules, [symbol], changed, at), 0, expected, 0)
        assert_same(replay(rules, symbol, changed, [at]), 0, expected, 0)


def facts_are_of_the_candles_that_closed_last(
    rules: ProfileRules, symbol: str, candles: Candles, at: int
) -> None:
    """Every fact is that of the newest closed candle, over the candles that plain arithmetic selects."""
    by_mode = {"live": live(rules, [symbol], candles, at), "replay": replay(rules, symbol, candles, [at])}
    for mode, batch in by_mode.items():
        for timeframe, plan in rules.plans.items():
            visible = _visible(candles[symbol, timeframe], _anchor(plan.anchor, at), at)
            newest = (at // STEP_MS[plan.timeframe] - 1) * STEP_MS[plan.timeframe]
            wanted = int(visible.ts[-1]) if len(visible) else -1
            assert batch.health[timeframe].newest[0] == wanted, f"{mode} {timeframe}"
            assert batch.health[timeframe].candles[0] == len(visible)
            if wanted >= 0:
                assert batch.health[timeframe].missing[0] == (newest - wanted) // STEP_MS[plan.timeframe]
            window = Window(visible)
            for program in rules.timeframes.values():
                for row, ref in enumerate(program.program.refs):
                    if ref.timeframe != timeframe:
                        continue
                    at_bar = np.flatnonzero(visible.ts == newest - ref.lag * STEP_MS[plan.timeframe])
                    column = evaluate(plan.definitions[ref.name], window)
                    expected = column[at_bar[0]] if len(at_bar) else np.nan
                    found = batch.columns[program.timeframe][row, 0]
                    assert np.array_equal(found, expected, equal_nan=True), f"{mode}: {ref}"


def one_pass_equals_minute_by_minute(
    rules: ProfileRules, symbols: Sequence[str], candles: Candles, instants: Sequence[int]
) -> None:
    """Replay is live."""
    passes = [replay(rules, symbol, candles, instants) for symbol in symbols]
    for j, at in enumerate(instants):
        batch = live(rules, symbols, candles, at)
        for i, whole in enumerate(passes):
            assert_same(batch, i, whole, j)


def the_session_is_summed_from_midnight(rules: ProfileRules, symbol: str, candles: Candles, at: int) -> None:
    """VWAP over the whole UTC day of the candle that closed last, by plain sums."""
    batch = live(rules, [symbol], candles, at)
    for timeframe, program in rules.timeframes.items():
        row = next(
            (k for k, ref in enumerate(program.program.refs) if ref.name == "vwap" and not ref.lag), None
        )
        if row is None:
            continue
        closed = candles[symbol, timeframe].closed(at)
        part = closed.since(int(closed.ts[-1]) // 86_400_000 * 86_400_000)
        parts: dict[str, Any] = {name: column.tolist() for name, column in columns(part).items()}
        expected = plain.session_vwap(
            [0] * len(part), parts["high"], parts["low"], parts["close"], parts["volume"]
        )[-1]
        assert expected is not None
        assert abs(batch.columns[timeframe][row, 0] / expected - 1) < 1e-12, f"vwap of {timeframe}"


AT_ONE_INSTANT: Mapping[str, Callable[[ProfileRules, str, Candles, int], None]] = {
    law.__name__: law
    for law in (
        later_candles_do_not_matter,
        the_open_candle_does_not_matter,
        candles_before_the_anchor_do_not_matter,
        facts_are_of_the_candles_that_closed_last,
        the_session_is_summed_from_midnight,
    )
}


# -- other candles -------------------------------------------------------------------------------------------


def _cut(candles: CandleSet, last_open: int) -> CandleSet:
    return without(candles, candles.ts > last_open)


def _tripled(candles: CandleSet, last_open: int) -> CandleSet:
    return _scaled(candles, candles.ts > last_open)


def _thinned(candles: CandleSet, last_open: int) -> CandleSet:
    return without(candles, (candles.ts > last_open) & (candles.ts // MINUTE % 3 != 0))


def _head_cut(candles: CandleSet, anchor: int) -> CandleSet:
    return without(candles, candles.ts < anchor)


def _head_tripled(candles: CandleSet, anchor: int) -> CandleSet:
    return _scaled(candles, candles.ts < anchor)


def _head_thinned(candles: CandleSet, anchor: int) -> CandleSet:
    return without(candles, (candles.ts < anchor) & (candles.ts // STEP_MS[candles.timeframe] % 3 == 0))


def _head_added(candles: CandleSet, anchor: int) -> CandleSet:
    """A second past in front of the first candle, or of the anchor if that comes before it."""
    head = candles.between(0, min(len(candles), 3000))
    end = min(anchor, int(candles.ts[0]))
    shift = int(head.ts[-1]) + STEP_MS[candles.timeframe] - end
    earlier = columns(head) | {"ts": head.ts - shift}
    own = columns(candles)
    return rebuilt(candles, {name: np.concatenate((earlier[name], own[name])) for name in own})


def _scaled(candles: CandleSet, where: Any) -> CandleSet:
    factor = np.where(where, 3.0, 1.0)
    return rebuilt(candles, {n: c * factor for n, c in columns(candles).items() if n != "ts"})


def _with_forming(closed: CandleSet, minutes: CandleSet, at: int) -> CandleSet:
    """Plus the candle that is open at ``at``, as far as its closed minutes tell."""
    opened = at - at % STEP_MS[closed.timeframe]
    first = int(np.searchsorted(minutes.ts, opened))
    seen = minutes.between(first, max(first + 1, int(np.searchsorted(minutes.ts, at - MINUTE, side="right"))))
    if not len(seen):
        return closed
    forming = {
        "ts": opened,
        "open": seen.open[0],
        "high": seen.high.max(),
        "low": seen.low.min(),
        "close": seen.close[-1],
        "volume": seen.volume.sum(),
    }
    return rebuilt(
        closed, {n: np.append(c, np.array(forming[n], c.dtype)) for n, c in columns(closed).items()}
    )


def _anchor(anchor: str, at: int) -> int:
    """Start of the previous day or week, by ``datetime``."""
    day = datetime.fromtimestamp(at // 1000, UTC).replace(hour=0, minute=0, second=0)
    back = {"previous_day": 1, "previous_week": 7 + day.weekday()}[anchor]
    return int((day - timedelta(days=back)).timestamp() * 1000)


def _visible(candles: CandleSet, start: int, at: int) -> CandleSet:
    step = STEP_MS[candles.timeframe]
    keep = [start <= opened and opened + step <= at for opened in candles.ts.tolist()]
    return without(candles, ~np.array(keep, dtype=np.bool_))

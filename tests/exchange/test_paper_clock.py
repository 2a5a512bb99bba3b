"""A clock is fixed, or runs from its start to the end of the recording and no further."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import START_MS

from server.exchange.paper.clock import FixedClock, RunningClock

HOUR_MS = 3_600_000


def test_a_fixed_clock_stands() -> None:
    clock = FixedClock(START_MS)
    assert [clock.now_ms(), clock.now_ms()] == [START_MS, START_MS]


@pytest.mark.parametrize(
    ("real_seconds", "speed", "recorded_ms"),
    [
        (0.0, 1.0, 0),
        (1.5, 1.0, 1_500),
        (1.0, 60.0, 60_000),
        (10.0, 0.5, 5_000),
        (3_600.0, 1.0, HOUR_MS),  # the end
        (1.0, 1e300, HOUR_MS),  # far beyond it
    ],
)
def test_a_running_clock(real_seconds: float, speed: float, recorded_ms: int) -> None:
    seconds = [100.0]  # a monotonic clock may start anywhere
    clock = RunningClock(START_MS, START_MS + HOUR_MS, speed, lambda: seconds[0])
    assert clock.now_ms() == START_MS
    seconds[0] += real_seconds
    assert clock.now_ms() == START_MS + recorded_ms


@given(
    speed=st.floats(0.001, 1e6),
    waits=st.lists(st.floats(0, 1e5), max_size=20),
    length_ms=st.integers(1, 10**10),
)
def test_a_clock_never_goes_back_and_never_passes_the_end(
    speed: float, waits: list[float], length_ms: int
) -> None:
    seconds = [0.0]
    clock = RunningClock(START_MS, START_MS + length_ms, speed, lambda: seconds[0])
    seen = [clock.now_ms()]
    for wait in waits:
        seconds[0] += wait
        seen.append(clock.now_ms())
    assert seen == sorted(seen)
    assert START_MS <= seen[0] <= seen[-1] <= START_MS + length_ms

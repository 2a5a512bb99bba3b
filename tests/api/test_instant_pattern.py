"""What a pattern of instants describes is accepted, and lies before the clock."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.api.instant_pattern import any_instant, instants_until
from server.instants import at, iso

CLOCKS = ("2025-06-03T15:32:00Z", "2025-01-01T00:00:00Z", "2024-03-01T00:07:59.999Z", "2026-12-31T23:00:00Z")


@pytest.mark.parametrize("clock", CLOCKS)
def test_described_instants_are_before_the_clock(clock: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.from_regex(instants_until(at(clock)), fullmatch=True))
    def before(text: str) -> None:
        assert at(text.rstrip()) <= at(clock)

    before()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CLOCKS), st.integers(60_000, 700 * 86_400_000))
def test_instants_before_the_clock_are_described(clock: str, earlier_ms: int) -> None:
    text = iso(at(clock) - earlier_ms)
    assert "02-29" in text or re.fullmatch(instants_until(at(clock)), text)


@settings(max_examples=40, deadline=None)
@given(st.from_regex(any_instant(), fullmatch=True))
def test_any_instant_is_read(text: str) -> None:
    at(text.rstrip())

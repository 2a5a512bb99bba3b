"""The name that was meant."""

from __future__ import annotations

import pytest

from engine.documents import nearest
from engine.documents.nearest import edit_distance

NAMES = ("close_above_vwap", "close_below_vwap", "near_vwap", "rsi_lt_70", "minimum", "maximum", "n", "not")

MEANT = [
    ("close_abov_vwap", "close_above_vwap"),
    ("close_abvoe_vwap", "close_above_vwap"),
    ("Near_VWAP", "near_vwap"),
    ("rsi_lt_07", "rsi_lt_70"),
    ("nn", "n"),
    ("nto", "not"),
    ("min", "minimum"),
    ("zzz", None),
    ("ema_20_lt_50", None),
    ("", None),
]


@pytest.mark.parametrize(("written", "meant"), MEANT)
def test_nearest_name(written: str, meant: str | None) -> None:
    assert nearest(written, NAMES) == meant


def test_a_name_is_never_its_own_correction() -> None:
    assert nearest("near_vwap", ["near_vwap"]) is None


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "abbc", 1), ("abc", "xyz", 3)],
)
def test_edit_distance(left: str, right: str, distance: int) -> None:
    assert edit_distance(left, right, 9) == distance
    assert edit_distance(left, right, distance) == distance
    assert edit_distance(right, left, 9) == distance
    if distance:
        assert edit_distance(left, right, distance - 1) == distance

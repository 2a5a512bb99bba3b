"""Settings of a second or two are kept: what is to be seen within them is looked for twice in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journeys import FLAT, NO_CONVERSION, RISES, course, told

OUT = ((0, 400, 400), (400, 400, 400))


def event(made: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(one for one in made["entries"][0]["journey"] if one["event"] == kind)


@pytest.mark.parametrize("poll_sec", [1, 5])
@pytest.mark.parametrize("threshold_sec", [1, 2, 4])
def test_a_short_end_of_the_zone_is_not_overslept(folder: Path, threshold_sec: int, poll_sec: int) -> None:
    rules = {
        "end_of_zone": {"enabled": True, "ttl_threshold_sec": threshold_sec},
        "execution": {"order_ttl_sec": 23},
    }
    made = told(course(FLAT, RISES, changes=rules, poll_sec=poll_sec), folder)
    cancelling = event(made, "cancelling")
    assert cancelling["cause"] == "converted"
    assert 23 - threshold_sec - 1 <= cancelling["after_sec"] <= 23


def test_a_price_that_is_outside_for_a_second_is_seen_in_the_next(folder: Path) -> None:
    """The price leaves with the minute, 30 s after the verdict."""
    rules = {"execution": {"out_of_zone_sec": 1}} | NO_CONVERSION
    made = told(course(*OUT, changes=rules, poll_sec=5), folder)
    cancelling = event(made, "cancelling")
    assert cancelling["cause"] == "cancelled_out_of_zone"
    assert 31 <= cancelling["after_sec"] <= 33

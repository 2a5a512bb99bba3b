"""Verdicts of every bundled symbol at chosen instants of the recording, under the shipped rules."""

from __future__ import annotations

import pytest
import told
from closed_bar_laws import live
from shipped import SYMBOLS, market, ms, shipped_rules
from syrupy.assertion import SnapshotAssertion

from engine.verdict import VerdictBatch

INSTANTS = {
    "a-long-and-a-short": "2025-06-01T07:46Z",
    "a-quiet-hour": "2025-05-28T19:30Z",
    "first-hours": "2025-05-26T06:00Z",
    "midnight": "2025-06-03T00:00Z",
    "last-minute": "2025-06-03T15:31Z",
}


def at(name: str) -> VerdictBatch:
    return live(shipped_rules(), SYMBOLS, market(), ms(INSTANTS[name]))


@pytest.mark.parametrize("instant", INSTANTS)
def test_market(instant: str, golden: SnapshotAssertion) -> None:
    batch = at(instant)
    assert {
        "as_of": INSTANTS[instant],
        "verdicts": {symbol: told.in_brief(batch, row) for row, symbol in enumerate(SYMBOLS)},
    } == golden


@pytest.mark.parametrize("symbol", ["LINKUSDT", "SUIUSDT"])
def test_ready(symbol: str, golden: SnapshotAssertion) -> None:
    """One long and one short at the same minute, in full."""
    batch = at("a-long-and-a-short")
    row = SYMBOLS.index(symbol)
    assert batch.verdict(row).status == "READY"
    assert batch.verdict(row).side == {"LINKUSDT": "long", "SUIUSDT": "short"}[symbol]
    assert told.verdict(batch, row) == golden


def test_there_is_an_hour_in_which_nothing_is_ready() -> None:
    hour = ms("2025-05-28T19:00Z")
    for minute in range(60):
        assert not live(shipped_rules(), SYMBOLS, market(), hour + minute * 60_000).ready.any()

"""Runs of every shipped profile over a recorded market, at minutes at which some symbol is READY."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from run_answers import as_sent
from syrupy.assertion import SnapshotAssertion

from server.instants import at
from server.run import RunRequest
from server.service import Service, service
from server.settings import Settings

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
INSTANTS = {
    "regular": ("2025-05-26T16:00:00Z", "2025-05-31T00:10:00Z"),
    "scalper": ("2025-05-26T07:20:00Z", "2025-05-28T14:11:00Z"),
    "crash": ("2025-05-30T01:00:00Z", "2025-05-30T09:40:00Z"),
}


@pytest.fixture
async def recorded(settings: Settings, market_data: Path) -> AsyncIterator[Service]:
    """The service on a month of candles up to 4h."""
    folder = market_data / "klines" / "2025-05"
    async with service(settings.model_copy(update={"market_data": folder})) as running:
        yield running


def in_brief(symbol: dict[str, Any]) -> dict[str, Any]:
    """What is claimed of a symbol: its verdict, and what trade entry made of it."""
    names = ("status", "execution_tf", "signal_side", "reason", "blocking_tf", "candle_time", "current_price")
    brief = {name: symbol[name] for name in names}
    entry = symbol["trading_decision"]
    if entry is not None:
        brief["entry"] = {name: entry[name] for name in ("status", "reason")} | {
            "plan": entry["raw"].get("plan"),
        }
    return brief


@pytest.mark.parametrize("profile", INSTANTS)
async def test_runs(recorded: Service, golden: SnapshotAssertion, profile: str) -> None:
    told: dict[str, Any] = {}
    for instant in INSTANTS[profile]:
        request = RunRequest(actor="test", symbols=SYMBOLS, profile=profile, as_of_ms=at(instant))
        answer = as_sent((await recorded.runner.run(request)).to_json())
        told[instant] = {name: in_brief(symbol) for name, symbol in answer["data"]["symbols"].items()}
        assert any(one["status"] == "READY" for one in told[instant].values())
    assert told == golden

"""Instants of the bundled candles worth a test, and answers without what differs from run to run."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec

from server.instants import at

SHORTS = at("2025-06-01T00:07:00Z")
"""ETHUSDT, SOLUSDT and BNBUSDT are READY short."""

READY = at("2025-06-01T07:46:00Z")
"""SUIUSDT is READY short and LINKUSDT long."""

LONG = at("2025-06-02T07:09:00Z")
"""LINKUSDT is READY long."""

QUIET = at("2025-06-03T15:32:00Z")
"""The end of the recording; nothing is READY."""

BUNDLED = ["AVAXUSDT", "BNBUSDT", "BTCUSDT", "ETHUSDT", "LINKUSDT", "SOLUSDT", "SUIUSDT", "XRPUSDT"]


def as_sent(answer: Any) -> Any:
    """The answer as a client reads it."""
    return msgspec.json.decode(msgspec.json.encode(answer))


def edit_service(folder: Path, *edits: tuple[str, str]) -> None:
    """Changes ``service.yaml`` of a rules folder."""
    file = folder / "service.yaml"
    text = file.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


def lasting(answer: Any) -> Any:
    """What two runs of the same question have in common."""
    kept = deepcopy(as_sent(answer))
    for name in ("run_id", "started_at", "finished_at", "execution_time_seconds", "workers"):
        assert kept["data"]["run"].pop(name) is not None
    assert kept["data"].pop("workers") >= 1
    assert kept["data"].pop("performance")["metrics"]
    return kept

"""Entries that nobody takes are told by doctor and by ``/ready``."""

from __future__ import annotations

from server.durable import UnfinishedWorkflow
from server.instants import machine_ms
from server.overview import waiting


def entry(age_sec: float, *, taken: bool = False) -> UnfinishedWorkflow:
    return UnfinishedWorkflow("key", "trade_entry", machine_ms() - int(age_sec * 1000), taken)


def test_only_what_waits_too_long_is_told() -> None:
    assert waiting.told([]) is None
    assert waiting.told([entry(5), entry(600, taken=True)]) is None
    assert waiting.told([entry(60), entry(5)]) == (
        "1 entry waits, the oldest for 60 s, and no process takes them"
    )
    assert waiting.told([entry(60), entry(90)]) == (
        "2 entries wait, the oldest for 90 s, and no process takes them"
    )

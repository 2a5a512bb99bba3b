"""Entries that were left to any process and that nobody takes."""

from __future__ import annotations

from collections.abc import Sequence

from server.durable import UnfinishedWorkflow
from server.instants import machine_ms

TAKEN_WITHIN_SEC = 10
"""Whoever takes work takes it within a second; what has waited longer waits for somebody to be started."""


def told(unfinished: Sequence[UnfinishedWorkflow]) -> str | None:
    """A sentence about those that wait too long; None where there are none."""
    now_ms = machine_ms()
    since = [one.created_at for one in unfinished if not one.taken]
    late = [at for at in since if now_ms - at > TAKEN_WITHIN_SEC * 1000]
    if not late:
        return None
    entries = "1 entry waits" if len(late) == 1 else f"{len(late)} entries wait"
    return f"{entries}, the oldest for {(now_ms - min(late)) / 1000:.0f} s, and no process takes them"

"""The schedule as it is shown: what became of each slot."""

from __future__ import annotations

from typing import TypedDict

from server.instants import iso
from server.schedule.slots import Slot, SlotStatus


class SlotEntry(TypedDict):
    """A slot that a process took, or that nobody took in time. ``slot`` and ``begun_at`` are by the clock of
    the venue, and ``late_sec`` is between them. ``process`` is who took it, and ``run_id`` the run it made.
    """

    slot: str
    exchange: str
    profile: str
    status: SlotStatus
    reason: str | None
    run_id: str | None
    dry_run: bool
    every_sec: int
    begun_at: str
    late_sec: float
    process: str
    recorded_at: str
    ended_at: str | None


class SlotPage(TypedDict):
    """Newest first; ``total`` counts all pages."""

    items: list[SlotEntry]
    page: int
    page_size: int
    total: int


def slot_json(slot: Slot) -> SlotEntry:
    """One slot."""
    return {
        "slot": iso(slot.slot_ms),
        "exchange": slot.exchange,
        "profile": slot.profile,
        "status": slot.status,
        "reason": slot.reason,
        "run_id": slot.run_id,
        "dry_run": slot.dry_run,
        "every_sec": slot.every_ms // 1000,
        "begun_at": iso(slot.begun_at),
        "late_sec": (slot.begun_at - slot.slot_ms) / 1000,
        "process": slot.process,
        "recorded_at": iso(slot.recorded_at),
        "ended_at": None if slot.ended_at is None else iso(slot.ended_at),
    }

"""Instants as people read them: ISO 8601, UTC, with Z. Inside everything they are ms since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at_ms: int) -> str:
    """``2025-06-03T15:32:00Z``; milliseconds only where there are any."""
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(
        timespec="milliseconds" if at_ms % 1000 else "seconds"
    )
    return text.replace("+00:00", "Z")

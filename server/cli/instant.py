"""Instants as they are typed."""

from __future__ import annotations

from server.cli.errors import wrong_use
from server.instants import at


def instant(text: str | None, option: str) -> int | None:
    """Milliseconds UTC of an option's value. Raises ``CommandError`` where it names no instant."""
    if text is None:
        return None
    try:
        return at(text.strip())
    except ValueError as error:
        raise wrong_use(f"{option} '{text}': {error}") from error

"""What keeps symbols out as it is shown, for the API and for ``--json``; instants by this machine's clock."""

from __future__ import annotations

from typing import Literal, TypedDict

from sqlalchemy import select

from engine.documents.nearest import nearest
from server.database import Database
from server.database.answering import failing_as
from server.database.tables import symbol as seen_symbols
from server.instants import iso
from server.switches.errors import SwitchesUnavailable
from server.switches.run_locks import RunLock
from server.switches.switch import Entry, Queued, Switch, SwitchCause, SwitchScope, Turned

SwitchStateName = Literal["on", "off"]


class SwitchEntry(TypedDict):
    """A switch that was ever turned, and how it stands now. ``until`` is when an off ends by itself; null:
    not by itself, or it is on. ``cause`` is who turned it: an operator, or a run that found the symbol taken.
    """

    key: str
    scope: SwitchScope
    symbol: str | None
    timeframe: str | None
    state: SwitchStateName
    until: str | None
    cause: SwitchCause
    reason: str
    actor: str
    changed_at: str


class SwitchPage(TypedDict):
    """By scope, symbol and timeframe; ``total`` counts all pages. A switch that is not listed is on."""

    items: list[SwitchEntry]
    page: int
    page_size: int
    total: int


class TurnedSwitch(SwitchEntry):
    """A switch as it was turned. ``queued``: the symbol cooled down, and the next run looks at it."""

    queued: bool
    warnings: list[str]


class QueuedEntry(TypedDict):
    """A symbol that the next run looks at, once."""

    symbol: str
    reason: str
    actor: str
    queued_at: str


class QueuedSymbol(QueuedEntry):
    """A symbol as it was queued."""

    warnings: list[str]


class QueuePage(TypedDict):
    """Longest waiting first; ``total`` counts all pages."""

    items: list[QueuedEntry]
    page: int
    page_size: int
    total: int


class BlacklistEntry(TypedDict):
    """A symbol that no run looks at; ``until`` null is for ever."""

    symbol: str
    until: str | None
    reason: str
    actor: str
    added_at: str


class BlacklistedSymbol(BlacklistEntry):
    """A symbol as it was put on the blacklist."""

    warnings: list[str]


class BlacklistPage(TypedDict):
    """By symbol; ``total`` counts all pages."""

    items: list[BlacklistEntry]
    page: int
    page_size: int
    total: int


class LockEntry(TypedDict):
    """A lock that a run holds: ``until`` is when it ends without being renewed."""

    key: str
    run_id: str
    holder: str
    since: str
    until: str


class LockPage(TypedDict):
    """By key; ``total`` counts all pages."""

    items: list[LockEntry]
    page: int
    page_size: int
    total: int


def switch_json(switch: Switch, now_ms: int) -> SwitchEntry:
    """One switch as it stands at ``now_ms``."""
    off, key = switch.off(now_ms), switch.key
    return {
        "key": str(key),
        "scope": key.scope,
        "symbol": key.symbol or None,
        "timeframe": key.timeframe or None,
        "state": "off" if off else "on",
        "until": _iso(switch.until) if off else None,
        "cause": switch.cause,
        "reason": switch.reason,
        "actor": switch.actor,
        "changed_at": iso(switch.changed_at),
    }


def turned_json(turned: Turned, now_ms: int, warnings: list[str]) -> TurnedSwitch:
    """One switch that was just turned."""
    return {**switch_json(turned.switch, now_ms), "queued": turned.queued, "warnings": warnings}


def queued_json(queued: Queued) -> QueuedEntry:
    """One queued symbol."""
    return {
        "symbol": queued.symbol,
        "reason": queued.reason,
        "actor": queued.actor,
        "queued_at": iso(queued.queued_at),
    }


def entry_json(entry: Entry) -> BlacklistEntry:
    """One entry of the blacklist."""
    return {
        "symbol": entry.symbol,
        "until": _iso(entry.until),
        "reason": entry.reason,
        "actor": entry.actor,
        "added_at": iso(entry.added_at),
    }


def lock_json(lock: RunLock) -> LockEntry:
    """One lock."""
    return {
        "key": lock.key,
        "run_id": lock.run_id,
        "holder": lock.holder,
        "since": iso(lock.since),
        "until": iso(lock.until),
    }


async def spelling(database: Database, symbol: str) -> list[str]:
    """A warning about a symbol that no run has ever looked at; none where nothing was ever run.

    It is no refusal: what is not listed yet can be kept out beforehand. Raises `SwitchesUnavailable`.
    """
    if not symbol:
        return []
    with failing_as(SwitchesUnavailable, "the symbols of past runs cannot be read"):
        async with database.read() as connection:
            names = set(await connection.scalars(select(seen_symbols.c.name)))
    if not names or symbol in names:
        return []
    meant = nearest(symbol, names)
    return [f"no run has ever looked at {symbol}" + (f"; did you mean {meant}?" if meant else "")]


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)

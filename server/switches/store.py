"""The store of switches, the queue and the blacklist: one transaction per method, on either database.

Every instant is ms UTC by the clock of this machine, not the venue's: an operator's quarter of an hour is one
also while a recorded clock runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.models.service import ExclusionRules
from server.database import Database
from server.database.answering import failing_as
from server.instants import iso
from server.journal.answers import Page, offset_of
from server.orders.operator import store_action
from server.switches import reading, writing
from server.switches.errors import NotBlacklisted, SwitchesUnavailable
from server.switches.reading import SwitchFilter
from server.switches.switch import Entry, Exclusion, Queued, Switch, SwitchKey, SwitchState, Turned


class Switches:
    """Keeps switches in one database, whose tables are there (``server.database.upgrade``).

    Every method raises `SwitchesUnavailable` where the database does not answer: then nobody knows what is
    off, which is no permission to go on. What operators change needs an actor and a reason, which are
    recorded with it; ``ValueError`` without one of them.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    async def state(self, now_ms: int) -> SwitchState:
        """What is off, blacklisted and queued at ``now_ms``."""
        async with self._read() as connection:
            return await reading.state(connection, now_ms)

    async def page(
        self, wanted: SwitchFilter | None = None, *, now_ms: int, page: int = 1, page_size: int = 50
    ) -> Page[Switch]:
        """Switches that were ever turned and pass the filter, by scope, symbol and timeframe."""
        async with self._read() as connection:
            found, total = await reading.switches(
                connection, wanted or SwitchFilter(), now_ms, offset_of(page, page_size), page_size
            )
        return Page(found, page, page_size, total)

    async def turn(
        self,
        key: SwitchKey,
        *,
        on: bool,
        reason: str,
        actor: str,
        now_ms: int,
        for_ms: int | None = None,
    ) -> Turned:
        """Turns a switch. ``for_ms`` is how long it stays off, from now; without it, until it is turned on.

        What was stored before is replaced, its end included. Turning a symbol on that would have come on by
        itself later ends that wait and queues it for the next run; turning one off takes it out of the
        queue. No order is recorded against the switch once this has returned. Raises ``ValueError`` for a
        length of time with ``on``.
        """
        if on and for_ms is not None:
            raise ValueError("only what is switched off can be so for a time")
        turned = Switch(
            key=key,
            on=on,
            cause="operator",
            reason=reason,
            actor=actor,
            changed_at=now_ms,
            until=None if for_ms is None else now_ms + for_ms,
        )
        async with self._write() as connection:
            await writing.alone(connection)
            known = await reading.one(connection, key)
            cooled = known is not None and known.off(now_ms) and known.until is not None
            queued = on and cooled and key.scope == "symbol"
            await writing.put(connection, turned)
            if queued:
                await writing.enqueue(connection, _queued(key.symbol, reason, actor, now_ms))
            elif key.scope == "symbol" and not on:
                await writing.unqueue(connection, key.symbol)
            details = {"queued": queued} if on else {"until": _iso(turned.until)}
            action = "switch_on" if on else "switch_off"
            await store_action(connection, action, str(key), actor, reason, details)
        return Turned(turned, queued)

    async def exclude(
        self, symbols: Iterable[str], now_ms: int, rules: ExclusionRules
    ) -> tuple[Exclusion, ...]:
        """Switches off symbols that have an open position or order; in the order given, each once.

        One that is on goes off for ``off_sec``. One that is off stays so for at least ``extend_sec``, never
        for less than it would have been; what an operator switched off, or has no end, is left alone.
        """
        async with self._write() as connection:
            return await writing.exclude(connection, symbols, now_ms, rules)

    async def reactivate(self, active_symbols: Collection[str], now_ms: int) -> tuple[str, ...]:
        """Switches on what `exclude` switched off and is not active any more; the symbols that came on.

        Only after positions and orders were both fetched: what could not be fetched is not known to be gone.
        """
        async with self._write() as connection:
            return await writing.reactivate(connection, frozenset(active_symbols), now_ms)

    # The queue.

    async def queue(self, symbol: str, *, reason: str, actor: str, now_ms: int) -> Queued:
        """Has the next run look at a symbol once; a second time before then changes nothing."""
        queued = _queued(symbol, reason, actor, now_ms)
        async with self._write() as connection:
            await writing.enqueue(connection, queued)
            await store_action(connection, "queue", str(SwitchKey.of_symbol(symbol)), actor, reason, {})
        return queued

    async def take_queue(self) -> tuple[Queued, ...]:
        """Every queued symbol, longest waiting first; whoever takes one has it alone."""
        async with self._write() as connection:
            return await writing.take_queue(connection)

    @asynccontextmanager
    async def _read(self) -> AsyncGenerator[AsyncConnection]:
        with failing_as(SwitchesUnavailable, "switches cannot be read"):
            async with self.database.read() as connection:
                yield connection

    @asynccontextmanager
    async def _write(self) -> AsyncGenerator[AsyncConnection]:
        with failing_as(SwitchesUnavailable, "switches cannot be written"):
            async with self.database.write() as connection:
                yield connection


class Blacklist:
    """Symbols that no run looks at, beside those of a profile's ``contracts.yaml``.

    Errors as in `Switches`; what is in force of it is part of `Switches.state`.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    async def page(
        self, symbol: str | None = None, *, now_ms: int, page: int = 1, page_size: int = 50
    ) -> Page[Entry]:
        """Entries in force, by symbol."""
        with failing_as(SwitchesUnavailable, "the blacklist cannot be read"):
            async with self.database.read() as connection:
                found, total = await reading.entries(
                    connection, symbol, now_ms, offset_of(page, page_size), page_size
                )
        return Page(found, page, page_size, total)

    async def add(
        self, symbol: str, *, reason: str, actor: str, now_ms: int, for_ms: int | None = None
    ) -> Entry:
        """Puts a symbol on the list, for ``for_ms`` from now or for ever, in place of an entry it has."""
        until = None if for_ms is None else now_ms + for_ms
        entry = Entry(symbol=symbol, reason=reason, actor=actor, added_at=now_ms, until=until)
        with failing_as(SwitchesUnavailable, "the blacklist cannot be written"):
            async with self.database.write() as connection:
                await writing.alone(connection)
                await writing.list_symbol(connection, entry)
                details = {"until": _iso(until)}
                await store_action(connection, "blacklist_add", symbol, actor, reason, details)
        return entry

    async def remove(self, symbol: str, *, reason: str, actor: str) -> Entry:
        """Takes a symbol off the list; the entry it had. Raises `NotBlacklisted`."""
        with failing_as(SwitchesUnavailable, "the blacklist cannot be written"):
            async with self.database.write() as connection:
                await writing.alone(connection)
                gone = await writing.unlist_symbol(connection, symbol)
                if gone is None:
                    raise NotBlacklisted(symbol)
                details = {"was": gone.reason, "until": _iso(gone.until)}
                await store_action(connection, "blacklist_remove", symbol, actor, reason, details)
        return gone


def _queued(symbol: str, reason: str, actor: str, now_ms: int) -> Queued:
    return Queued(symbol=symbol, reason=reason, actor=actor, queued_at=now_ms)


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)

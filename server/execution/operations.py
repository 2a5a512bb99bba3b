"""What an operator does to orders and to trading; each with an actor and a reason, each recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from server.durable import Done, Durable, DurableError, Failed, Missing
from server.exchange.looked_at import OBSTACLE
from server.exchange.port import Position
from server.execution.desk import Change, Desk, event, progress_of
from server.execution.guardian import Guardian
from server.execution.progress import Request
from server.execution.realigning import Realigned
from server.orders.errors import ChangedMeanwhile
from server.orders.holds import Halt
from server.orders.intent import FINAL, Intent
from server.orders.store import Orders

TRIES = 5


class NotPossible(Exception):
    """The order does not stand so that this could be done; the text says how it stands."""


class Operations:
    """``desks`` and ``guardians`` are by the name of their venue."""

    def __init__(
        self, orders: Orders, desks: Mapping[str, Desk], guardians: Mapping[str, Guardian], durable: Durable
    ) -> None:
        self.orders, self.desks, self.guardians, self._durable = orders, desks, guardians, durable

    async def halt(self, reason: str, actor: str) -> Halt:
        """Nothing new leaves any more; whoever watches a resting entry cancels it. Protection stays.

        Raises ``ValueError`` without a reason or an actor, ``OrdersUnavailable``.
        """
        return await self.orders.halt(reason, actor)

    async def resume(self, reason: str, actor: str) -> Halt:
        """Lets new entries leave again. Raises as `halt`."""
        return await self.orders.resume(reason, actor)

    async def cancel(self, client_order_id: str, reason: str, actor: str) -> Intent:
        """Asks for the entry to be cancelled; what has filled stays, protected.

        The order's watcher does it at its next look. Raises ``NoSuchOrder``, `NotPossible` for an entry that
        is done, ``ValueError`` without a reason or an actor, ``OrdersUnavailable``.
        """
        for _ in range(TRIES):
            intent = await self.orders.by_name(client_order_id)
            desk = self._desk(intent.exchange)
            if intent.state in FINAL or intent.state in ("open", "closing"):
                raise NotPossible(f"its entry is done: the order is {intent.state}")
            if intent.state == "deciding":
                raise NotPossible("it is still being decided; trading can be halted")
            progress = progress_of(intent).with_(cancel_requested=Request(actor=actor, reason=reason))
            told = event("operator", await desk.now(), action="cancel", actor=actor, reason=reason)
            try:
                changed = await desk.write(intent, Change(progress=progress, events=(told,)))
            except ChangedMeanwhile:
                continue
            await self.orders.act("cancel", intent.decision_key, actor=actor, reason=reason)
            return changed
        raise NotPossible("it changes too quickly; try again")

    async def retry(self, client_order_id: str, reason: str, actor: str) -> Intent:
        """Has an entry that broke, or that was turned away because something did not answer, decided again.

        A signal that is too old by then comes to nothing. Raises ``NoSuchOrder``, `NotPossible` for any other
        entry, ``ValueError`` without a reason or an actor, ``OrdersUnavailable``.
        """
        intent = await self.orders.by_name(client_order_id)
        desk, key = self._desk(intent.exchange), intent.decision_key
        try:
            outcome = await self._durable.status(key)
        except DurableError as error:
            raise NotPossible(str(error)) from error
        turned_away = intent.state == "rejected" and intent.status == "error"
        if not (isinstance(outcome, Failed) or (isinstance(outcome, Done) and turned_away)):
            forgotten = intent.state in ("failed", "rejected") and isinstance(outcome, Missing)
            cause = "nothing of its workflow is kept" if forgotten else "it has not failed"
            raise NotPossible(f"{cause}: the order is {intent.state}")
        await self.orders.act("retry", key, actor=actor, reason=reason)
        if intent.state in ("failed", "rejected"):
            told = event("retried", await desk.now(), actor=actor, reason=reason)
            intent = await self.orders.reopen(intent, told)
        try:
            await self._durable.retry(key)
        except DurableError as error:
            raise NotPossible(str(error)) from error
        return intent

    async def positions(self, exchange: str) -> Sequence[Position]:
        """What the venue has open. Raises ``VenueUnavailable``."""
        return await self.desks[exchange].sightings.positions()

    async def align(self, exchange: str) -> Realigned:
        """Moves stops and targets of open positions to their real entries, in place.

        Raises `NotPossible`, ``VenueUnavailable``, ``OrdersUnavailable``.
        """
        self._desk(exchange)
        return await self.guardians[exchange].realign()

    def _desk(self, exchange: str) -> Desk:
        """That of a venue at which something may be done. Raises `NotPossible`."""
        desk = self.desks.get(exchange)
        if desk is None:
            raise NotPossible(f"this process knows no venue {exchange}")
        if not desk.may_change:
            raise NotPossible(f"{exchange} is {OBSTACLE}")
        return desk

"""The store of intents, holds, halts and daily losses: one transaction per method, on either database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, Unpack

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.models.base import Side
from server.database import Database
from server.database.answering import failing_as
from server.instants import iso, machine_ms
from server.journal.answers import Page, offset_of
from server.orders import accounts, given_up, leases, open_state, operator, permission, reading, writing
from server.orders.errors import NoSuchOrder, OrdersUnavailable
from server.orders.holds import DailyLoss, Halt, Hold, Release, utc_day
from server.orders.intent import Event, Intent, IntentState, Name, NewEvent
from server.orders.open_state import OpenState
from server.orders.operator import Action, ActionFilter, ActionName
from server.orders.permission import FreeBalance
from server.orders.reading import OrderFilter, Standing, Tally, UnderWay
from server.orders.writing import Change, Denied
from server.switches.reading import state as switch_state
from server.switches.switch import SwitchState
from server.trade_entry.ticket import Ticket

LEFT: tuple[IntentState, ...] = ("submitting", "resting", "open", "closing")
"""States of an intent whose submission may have left."""


class Orders:
    """Keeps orders in one database, whose tables are there (``server.database.upgrade``).

    Every method raises `OrdersUnavailable` where the database does not answer; a method that writes has then
    written nothing, unless the answer to its commit was lost.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    # Intents, written.

    async def begin(self, intent: Intent, event: NewEvent) -> tuple[Intent, bool]:
        """Stores a new intent (``deciding``, ``pending``) with its first event, and True; or answers with
        the one that this decision key already has, whoever made it, and False.

        Raises ``ValueError`` for an intent that is not at its beginning.
        """
        if (intent.state, intent.status, intent.version, intent.ticket) != ("deciding", "pending", 0, None):
            raise ValueError(f"{intent.decision_key} is not at its beginning")
        async with self._write() as connection:
            if await writing.insert_new(connection, intent, event):
                return intent, True
            known = await reading.by_key(connection, intent.decision_key)
        if known is None:
            raise OrdersUnavailable(f"{intent.decision_key} was neither stored nor found")
        return known, False

    async def record(
        self,
        intent: Intent,
        *,
        ticket: Ticket,
        decision: Mapping[str, Any],
        names: Sequence[tuple[str, str, int]],
        events: Sequence[NewEvent],
        now_ms: int,
        free: FreeBalance,
        positions: Collection[tuple[str, Side]] = (),
    ) -> Intent | Denied:
        """Moves a ``deciding`` intent to ``recorded`` with its ticket, its client order ids
        (id, purpose, number) and a hold of its symbol (``under_way``), if nothing forbids it at this moment.

        Everything that forbids is read again in the same transaction, and records of one account follow one
        another, so that two workers never take the last place. ``positions`` are the symbols and sides the
        venue has open, each counted once with the intents that are under way; ``free`` is what the ticket was
        planned with. After `halt` has returned no intent is recorded, nor one of what is switched off or
        blacklisted. Raises `ChangedMeanwhile`, and ``ValueError`` for an intent that is not deciding.
        """
        if intent.state != "deciding":
            raise ValueError(f"{intent.decision_key} is {intent.state}; only a deciding intent is recorded")
        if (ticket.decision_key, ticket.symbol) != (intent.decision_key, intent.symbol):
            raise ValueError(f"the ticket of {ticket.decision_key} is not {intent.decision_key}'s")
        recorded = replace(intent, state="recorded", ticket=ticket, decision=decision, updated_at=now_ms)
        hold = Hold(intent.symbol, intent.decision_key, "under_way", None)
        async with self._write() as connection:
            most = ticket.max_concurrent_positions
            denied = await permission.denial(connection, intent, most, now_ms, positions, ticket, free)
            if denied is not None:
                return denied
            return await writing.update_intent(
                connection, intent, recorded, events=events, names=names, hold=hold
            )

    async def change(
        self,
        intent: Intent,
        *,
        events: Sequence[NewEvent] = (),
        names: Sequence[tuple[str, str, int]] = (),
        hold: Hold | Release | None = None,
        at: int | None = None,
        leaves: bool = False,
        **fields: Unpack[Change],
    ) -> Intent:
        """Sets fields, appends events, stores client order ids (id, purpose, number) and places or releases
        the symbol's hold, in one transaction.

        ``updated_at`` becomes ``at``, else the last event's instant. Names that this intent already has are
        left as they are. A hold of another intent that is still needed is left in place. ``leaves``: an entry
        order is sent as soon as this is stored; after `halt` has returned that is not stored any more. Raises
        `ChangedMeanwhile` when ``intent`` is not the stored version, `OrderIsDone` when a final intent's
        state, status, reason, decision or attempt would change, `TradingHalted`, ``ValueError`` for a client
        order id that is another's.
        """
        writing.check_change(intent, fields)
        changed = replace(intent, **fields, updated_at=writing.latest(intent, events, at))
        async with self._write() as connection:
            if leaves:
                await permission.may_leave(connection)
            return await writing.update_intent(
                connection, intent, changed, events=events, names=names, hold=hold
            )

    async def reopen(self, intent: Intent, event: NewEvent, state: IntentState | None = None) -> Intent:
        """An operator's retry of a ``failed`` intent, or of a ``rejected`` one.

        One of which nothing can have left (no event ``submitting``) goes back to ``deciding`` without a
        ticket; any other to ``state``, one of those that are under way from ``submitting`` on, which is also
        the default. Status becomes ``pending``. Raises `ChangedMeanwhile`, and ``ValueError`` for
        an intent or a state that this does not apply to.
        """
        if intent.state not in ("failed", "rejected"):
            raise ValueError(f"{intent.decision_key} is {intent.state}; there is nothing to try again")
        again = replace(intent, status="pending", reason=None, updated_at=event.at)
        async with self._write() as connection:
            if await writing.may_have_left(connection, intent.decision_key):
                again = replace(again, state=state or "submitting")
                allowed = LEFT
            else:
                again = replace(again, state=state or "deciding", ticket=None)
                allowed = ("deciding",)
            if again.state not in allowed:
                said = " or ".join(allowed)
                raise ValueError(f"{intent.decision_key} can go back to {said}, not to {again.state}")
            return await writing.update_intent(connection, intent, again, events=[event])

    # Intents, read.

    async def intent(self, decision_key: str) -> Intent:
        """Raises `NoSuchOrder`."""
        async with self._read() as connection:
            return _found(await reading.by_key(connection, decision_key), decision_key)

    async def by_name(self, client_order_id: str) -> Intent:
        """The intent that gave out this client order id, for whatever purpose. Raises `NoSuchOrder`."""
        async with self._read() as connection:
            return _found(await reading.by_name(connection, client_order_id), client_order_id)

    async def many(self, decision_keys: Collection[str]) -> Mapping[str, Intent]:
        """Those that exist, by decision key."""
        async with self._read() as connection:
            return await reading.by_keys(connection, decision_keys)

    async def names(self, decision_key: str) -> Sequence[Name]:
        """Every client order id the intent gave out, by purpose and number."""
        async with self._read() as connection:
            return await reading.names(connection, decision_key)

    async def journey(self, decision_key: str) -> Sequence[Event]:
        """Every event in order. Raises `NoSuchOrder`."""
        async with self._read() as connection:
            found = await reading.events(connection, decision_key)
        if not found:
            raise NoSuchOrder(decision_key)
        return found

    async def under_way(self, exchange: str, account: str) -> Sequence[Intent]:
        """Those that hold, or may come to hold, a position; oldest first."""
        async with self._read() as connection:
            return await reading.under_way(connection, exchange, account)

    async def undecided(self, exchange: str, account: str) -> Sequence[Intent]:
        """Those that were begun and have no plan yet; oldest first."""
        async with self._read() as connection:
            return await reading.undecided(connection, exchange, account)

    async def all_under_way(self, exchange: str, account: str) -> UnderWay:
        """As `under_way`, with those that cannot be read told apart instead of raised."""
        async with self._read() as connection:
            return await reading.all_under_way(connection, exchange, account)

    async def page(
        self, wanted: OrderFilter | None = None, *, page: int = 1, page_size: int = 50
    ) -> Page[Intent]:
        """Those that pass the filter, newest first."""
        offset = offset_of(page, page_size)
        async with self._read() as connection:
            found, total = await reading.filtered(connection, wanted or OrderFilter(), offset, page_size)
        return Page(found, page, page_size, total)

    async def tally(self) -> Tally:
        """How many there are by state, status and reason, and how many are unsettled."""
        async with self._read() as connection:
            return await reading.tally(connection)

    async def standings(self) -> dict[str, Standing]:
        """What is under way, by the name of its venue."""
        async with self._read() as connection:
            return await reading.standings(connection)

    # What the venue showed to be open.

    async def keep_open_state(self, exchange: str, account: str, state: OpenState) -> None:
        """Stores what both lists of the venue showed, in place of what they showed before."""
        async with self._write() as connection:
            await open_state.keep(connection, exchange, account, state)

    async def open_state(self, exchange: str, account: str) -> OpenState | None:
        """What was stored last; None where nothing ever was."""
        async with self._read() as connection:
            return await open_state.kept(connection, exchange, account)

    async def give_up(
        self, exchange: str, account: str, before_ms: int, now_ms: int, *, account_is_new: bool
    ) -> Sequence[Intent]:
        """Ends everything of an account that has had no event since ``before_ms`` (ms UTC of this machine),
        with the reason ``session_given_up`` at ``now_ms`` (by the venue), and releases its holds; what it
        ended.
        ``account_is_new``: losses and open state of before are not its own.
        """
        async with self._write() as connection:
            if account_is_new:
                await given_up.forget_day(connection, exchange, account)
            return await given_up.give_up(connection, exchange, account, before_ms, now_ms)

    # Holds.

    async def holds(self, exchange: str, account: str, now_ms: int) -> Sequence[Hold]:
        """Those in force at ``now_ms``, by symbol."""
        async with self._read() as connection:
            return await accounts.holds(connection, exchange, account, now_ms)

    async def expire_holds(self, now_ms: int) -> int:
        """Forgets holds that are over, of every account; how many there were."""
        async with self._write() as connection:
            return await accounts.expire_holds(connection, now_ms)

    # The kill switch, and what operators did.

    async def halt(self, reason: str, actor: str) -> Halt:
        """Stops new entries of every account; no intent is recorded and none leaves once this has returned.

        Raises ``ValueError`` without a reason or an actor.
        """
        async with self._write() as connection:
            return await operator.turn(connection, halted=True, actor=actor, reason=reason)

    async def resume(self, reason: str, actor: str) -> Halt:
        """Lets entries through again. Raises ``ValueError`` without a reason or an actor."""
        async with self._write() as connection:
            return await operator.turn(connection, halted=False, actor=actor, reason=reason)

    async def halted(self) -> Halt:
        """The switch as it stands; not halted, with empty texts, where it was never used."""
        async with self._read() as connection:
            return await operator.halt_in_force(connection)

    async def act(
        self,
        action: ActionName,
        subject: str,
        *,
        actor: str,
        reason: str,
        details: Mapping[str, Any] | None = None,
    ) -> Action:
        """Records what an operator does. `halt`, `resume` and `reset_daily_loss` record themselves.

        Raises ``ValueError`` without a reason or an actor.
        """
        async with self._write() as connection:
            return await operator.store_action(connection, action, subject, actor, reason, details or {})

    async def actions(
        self, wanted: ActionFilter | None = None, *, page: int = 1, page_size: int = 50
    ) -> Page[Action]:
        """What operators did, newest first."""
        offset = offset_of(page, page_size)
        async with self._read() as connection:
            found, total = await operator.actions(connection, wanted or ActionFilter(), offset, page_size)
        return Page(found, page, page_size, total)

    async def switches(self) -> SwitchState:
        """What is switched off and blacklisted, by this machine's clock."""
        async with self._read() as connection:
            return await switch_state(connection, machine_ms())

    # The daily loss.

    async def daily_loss(self, exchange: str, account: str, day: int) -> DailyLoss | None:
        """What is stored of the UTC day that begins at ``day`` (`utc_day`); None where nothing is."""
        async with self._read() as connection:
            return await accounts.daily_loss(connection, exchange, account, day)

    async def observe_loss(
        self, exchange: str, account: str, now_ms: int, loss_usdt: Decimal, limit_usdt: Decimal
    ) -> DailyLoss:
        """Stores the loss of the whole UTC day of ``now_ms`` (nothing forgiven taken off), and locks the day
        when what counts of it reaches the limit; 0 is no limit. A locked day stays locked.
        """
        day = utc_day(now_ms)
        seen = DailyLoss(day, False, loss_usdt, limit_usdt, Decimal(0), now_ms)
        async with self._write() as connection:
            return await accounts.observe_loss(connection, exchange, account, seen)

    async def reset_daily_loss(
        self, exchange: str, account: str, now_ms: int, *, reason: str, actor: str
    ) -> DailyLoss:
        """Forgives the day's loss as it was last observed, and unlocks the day.

        Raises ``ValueError`` without a reason or an actor.
        """
        subject = f"{exchange}:{account}"
        async with self._write() as connection:
            reset = await accounts.forgive(connection, exchange, account, now_ms)
            details = {"day": iso(reset.day), "forgiven_usdt": str(reset.forgiven_usdt)}
            await operator.store_action(connection, "reset_daily_loss", subject, actor, reason, details)
        return reset

    # Leases.

    async def lease(self, name: str, holder: str, ttl_ms: int, now_ms: int) -> bool:
        """Takes or renews a lease until ``now_ms + ttl_ms``; False while another holder has it."""
        async with self._write() as connection:
            return await leases.take(connection, name, holder, ttl_ms, now_ms)

    async def leased_until(self, name: str) -> int | None:
        """When a lease ends unless it is renewed; None where nobody has it, or gave it back."""
        async with self._read() as connection:
            return await leases.until(connection, name)

    async def release(self, name: str, holder: str) -> None:
        """Gives a lease back, if ``holder`` has it."""
        async with self._write() as connection:
            await leases.give_back(connection, name, holder)

    @asynccontextmanager
    async def _read(self) -> AsyncGenerator[AsyncConnection]:
        with failing_as(OrdersUnavailable, "orders cannot be read"):
            async with self.database.read() as connection:
                yield connection

    @asynccontextmanager
    async def _write(self) -> AsyncGenerator[AsyncConnection]:
        with failing_as(OrdersUnavailable, "orders cannot be written"):
            async with self.database.write() as connection:
                yield connection


def _found(intent: Intent | None, name: str) -> Intent:
    if intent is None:
        raise NoSuchOrder(name)
    return intent

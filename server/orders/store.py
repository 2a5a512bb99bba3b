"""The store of intents, holds, halts and daily losses: one transaction per method, on either database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Unpack

from engine.models.base import Side
from server.database import Database
from server.journal.answers import Page
from server.orders.holds import DailyLoss, Halt, Hold, Release
from server.orders.intent import Event, Intent, IntentState, Name, NewEvent
from server.orders.operator import Action, ActionName
from server.orders.reading import OrderFilter, Tally
from server.orders.writing import Change, Denied
from server.trade_entry.ticket import Ticket


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
        raise NotImplementedError

    async def record(
        self,
        intent: Intent,
        *,
        ticket: Ticket,
        decision: Mapping[str, Any],
        names: Sequence[tuple[str, str, int]],
        events: Sequence[NewEvent],
        now_ms: int,
        positions: Collection[tuple[str, Side]] = (),
    ) -> Intent | Denied:
        """Moves a ``deciding`` intent to ``recorded`` with its ticket, its client order ids
        (id, purpose, number) and a hold of its symbol (``under_way``), if nothing forbids it at this moment.

        Everything that forbids is read again in the same transaction, and records of one account follow one
        another, so that two workers never take the last place. ``positions`` are the symbols and sides the
        venue has open, each counted once with the intents that are under way. After `halt` has returned no
        intent is recorded. Raises `ChangedMeanwhile`, and ``ValueError`` for an intent that is not deciding.
        """
        raise NotImplementedError

    async def change(
        self,
        intent: Intent,
        *,
        events: Sequence[NewEvent] = (),
        names: Sequence[tuple[str, str, int]] = (),
        hold: Hold | Release | None = None,
        at: int | None = None,
        **fields: Unpack[Change],
    ) -> Intent:
        """Sets fields, appends events, stores client order ids (id, purpose, number) and places or releases
        the symbol's hold, in one transaction.

        ``updated_at`` becomes ``at``, else the last event's instant. Names that this intent already has are
        left as they are. A hold of another intent that is still needed is left in place. Raises
        `ChangedMeanwhile` when ``intent`` is not the stored version, `OrderIsDone` when a final intent's
        state, status, reason, decision or attempt would change, ``ValueError`` for a client order id that is
        another's.
        """
        raise NotImplementedError

    async def reopen(self, intent: Intent, event: NewEvent, state: IntentState | None = None) -> Intent:
        """An operator's retry of a ``failed`` intent, or of a ``rejected`` one.

        One of which nothing can have left (no event ``submitting``) goes back to ``deciding`` without a
        ticket; any other to ``state``, one of those that are under way from ``submitting`` on, which is also
        the default. Status becomes ``pending``. Raises `ChangedMeanwhile`, and ``ValueError`` for
        an intent or a state that this does not apply to.
        """
        raise NotImplementedError

    # Intents, read.

    async def intent(self, decision_key: str) -> Intent:
        """Raises `NoSuchOrder`."""
        raise NotImplementedError

    async def by_name(self, client_order_id: str) -> Intent:
        """The intent that gave out this client order id, for whatever purpose. Raises `NoSuchOrder`."""
        raise NotImplementedError

    async def many(self, decision_keys: Collection[str]) -> Mapping[str, Intent]:
        """Those that exist, by decision key."""
        raise NotImplementedError

    async def names(self, decision_key: str) -> Sequence[Name]:
        """Every client order id the intent gave out, by purpose and number."""
        raise NotImplementedError

    async def journey(self, decision_key: str) -> Sequence[Event]:
        """Every event in order. Raises `NoSuchOrder`."""
        raise NotImplementedError

    async def under_way(self, exchange: str, account: str) -> Sequence[Intent]:
        """Those that hold, or may come to hold, a position; oldest first."""
        raise NotImplementedError

    async def page(
        self, wanted: OrderFilter | None = None, *, page: int = 1, page_size: int = 50
    ) -> Page[Intent]:
        """Those that pass the filter, newest first."""
        raise NotImplementedError

    async def tally(self) -> Tally:
        """How many there are by state, status and reason, and how many are unsettled."""
        raise NotImplementedError

    # Holds.

    async def holds(self, exchange: str, account: str, now_ms: int) -> Sequence[Hold]:
        """Those in force at ``now_ms``, by symbol."""
        raise NotImplementedError

    async def expire_holds(self, now_ms: int) -> int:
        """Forgets holds that are over, of every account; how many there were."""
        raise NotImplementedError

    # The kill switch, and what operators did.

    async def halt(self, reason: str, actor: str) -> Halt:
        """Stops new entries of every account; no intent is recorded once this has returned.

        Raises ``ValueError`` without a reason or an actor.
        """
        raise NotImplementedError

    async def resume(self, reason: str, actor: str) -> Halt:
        """Lets entries through again. Raises ``ValueError`` without a reason or an actor."""
        raise NotImplementedError

    async def halted(self) -> Halt:
        """The switch as it stands; not halted, with empty texts, where it was never used."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def actions(self, *, page: int = 1, page_size: int = 50) -> Page[Action]:
        """What operators did, newest first."""
        raise NotImplementedError

    # The daily loss.

    async def daily_loss(self, exchange: str, account: str, day: int) -> DailyLoss | None:
        """What is stored of the UTC day that begins at ``day`` (`utc_day`); None where nothing is."""
        raise NotImplementedError

    async def observe_loss(
        self, exchange: str, account: str, now_ms: int, loss_usdt: Decimal, limit_usdt: Decimal
    ) -> DailyLoss:
        """Stores the loss of the whole UTC day of ``now_ms`` (nothing forgiven taken off), and locks the day
        when what counts of it reaches the limit; 0 is no limit. A locked day stays locked.
        """
        raise NotImplementedError

    async def reset_daily_loss(
        self, exchange: str, account: str, now_ms: int, *, reason: str, actor: str
    ) -> DailyLoss:
        """Forgives the day's loss as it was last observed, and unlocks the day.

        Raises ``ValueError`` without a reason or an actor.
        """
        raise NotImplementedError

    # Leases.

    async def lease(self, name: str, holder: str, ttl_ms: int, now_ms: int) -> bool:
        """Takes or renews a lease until ``now_ms + ttl_ms``; False while another holder has it."""
        raise NotImplementedError

    async def release(self, name: str, holder: str) -> None:
        """Gives a lease back, if ``holder`` has it."""
        raise NotImplementedError

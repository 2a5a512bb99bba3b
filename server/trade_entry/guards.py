"""What forbids an entry whatever the signal says: facts of the account for the gate ``guards``.

The account is looked at once for all signals of a run. Whatever neither the venue nor the database says is
unknown, never zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from engine.gates.gate import GateValue
from engine.models.base import Side, Timeframe
from engine.models.execution import GuardRules
from server.exchange.errors import ExchangeError
from server.exchange.port import Exchange, OpenOrder, Position
from server.orders.errors import OrdersUnavailable
from server.orders.holds import DailyLoss, Halt, Hold, utc_day
from server.switches.switch import KeptOut, SwitchState, keeping_out, switch_facts
from server.trade_entry.plan import OrderPlan
from server.trade_entry.signal import Signal

if TYPE_CHECKING:
    from server.orders.intent import Intent
    from server.orders.store import Orders

MS_PER_SEC = 1000
NOTHING = Decimal(0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the database has of the account. ``known`` are those of the decision keys in ``asked`` that have
    an intent; ``daily`` is the stored loss of the day, None where nothing is stored of it.
    """

    halt: Halt
    switches: SwitchState
    holds: Mapping[str, Hold]
    under_way: Sequence[Intent]
    daily: DailyLoss | None
    asked: frozenset[str]
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class Simulated:
    """An entry that a dry run has placed before, and what the venue would hold for it."""

    symbol: str
    side: Side
    held_usdt: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One account as it stood at ``now_ms`` (the venue's clock); None is what was not answered, and
    ``failures`` say why. ``realised_usdt`` is the result since the day began: positive is a gain.
    ``simulated`` are entries that are only thought of, and count like those under way.
    """

    exchange: str
    account: str
    now_ms: int
    stored: Stored | None
    positions: Sequence[Position] | None
    open_orders: Sequence[OpenOrder] | None
    realised_usdt: Decimal | None
    simulated: tuple[Simulated, ...] = ()
    failures: tuple[str, ...] = ()

    def beside(self, plan: OrderPlan) -> AccountView:
        """The account as it would be with this plan's entry under way."""
        request = plan.request
        made = Simulated(request.symbol, request.side, plan.held_usdt)
        return replace(self, simulated=(*self.simulated, made))

    def reserved_usdt(self, decision_key: str) -> Decimal:
        """What of the free balance other entries will take: those that the venue had not accepted, so that
        its balance cannot count them. A stored one may have been accepted since, and counts twice then.
        """
        stored = () if self.stored is None else self.stored.under_way
        waiting = [
            intent.ticket.held_usdt
            for intent in stored
            if intent.ticket is not None and not intent.counted and intent.decision_key != decision_key
        ]
        return sum((*waiting, *(made.held_usdt for made in self.simulated)), NOTHING)

    @property
    def counted(self) -> frozenset[tuple[str, int]]:
        """Entries under way, as (decision key, attempt), that a balance asked for from now on counts."""
        stored = () if self.stored is None else self.stored.under_way
        return frozenset((intent.decision_key, intent.attempt) for intent in stored if intent.counted)

    def loss_usdt(self, rules: GuardRules) -> Decimal | None:
        """The loss of the whole UTC day, nothing forgiven taken off; None where a part of it is unknown."""
        if self.realised_usdt is None:
            return None
        if not rules.daily_loss_count_unrealized:
            return -self.realised_usdt
        if self.positions is None:
            return None
        return -self.realised_usdt - sum((p.unrealised_pnl_usdt for p in self.positions), NOTHING)


async def fetch_account(
    venue: Exchange, orders: Orders, account: str, now_ms: int, decision_keys: Collection[str]
) -> AccountView:
    """Asks the venue and the database for everything at once; ``decision_keys`` are all that will be asked
    about. What does not answer is unknown, not an exception.
    """
    failures: list[str] = []

    async def asked(question: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await question()
        except (ExchangeError, OrdersUnavailable) as error:
            failures.append(str(error))
            return None

    async def database() -> Stored:
        holds = await orders.holds(venue.name, account, now_ms)
        return Stored(
            halt=await orders.halted(),
            switches=await orders.switches(),
            holds={hold.symbol: hold for hold in holds},
            under_way=await orders.under_way(venue.name, account),
            daily=await orders.daily_loss(venue.name, account, utc_day(now_ms)),
            asked=frozenset(decision_keys),
            known=frozenset(await orders.many(decision_keys)),
        )

    stored, positions, open_orders, realised = await asyncio.gather(
        asked(database),
        asked(venue.positions),
        asked(venue.open_orders),
        asked(lambda: venue.realised_pnl(utc_day(now_ms))),
    )
    return AccountView(
        exchange=venue.name,
        account=account,
        now_ms=now_ms,
        stored=stored,
        positions=positions,
        open_orders=open_orders,
        realised_usdt=realised,
        failures=tuple(failures),
    )


async def observe_daily_loss(view: AccountView, orders: Orders, rules: GuardRules) -> AccountView:
    """Stores the day's loss, which locks the day when it reaches the limit; for entries that may leave.

    Answers with the view as it is then. Nothing is stored without a limit, or of a loss that is unknown.
    """
    loss = view.loss_usdt(rules)
    if rules.daily_max_loss_usdt <= 0 or loss is None or view.stored is None:
        return view
    try:
        seen = await orders.observe_loss(
            view.exchange, view.account, view.now_ms, loss, rules.daily_max_loss_usdt
        )
    except OrdersUnavailable as error:
        return replace(view, stored=None, failures=(*view.failures, str(error)))
    return replace(view, stored=replace(view.stored, daily=seen))


def guard_facts(
    view: AccountView,
    signal: Signal,
    decision_key: str,
    rules: GuardRules,
    *,
    context_timeframes: Collection[Timeframe],
    own: bool = False,
) -> dict[str, GateValue]:
    """The account as the gate reads it for one signal, whose verdict stands on ``context_timeframes`` and
    its execution timeframe.

    ``own``: the caller itself has stored the intent of this decision key, so it is no duplicate. A position
    counts once per symbol and side, be it the venue's, an intent's or both. Raises ``ValueError`` for a
    decision key that the account was not fetched with.
    """
    return (
        _stored(view.stored, signal.symbol, decision_key, view.now_ms, own)
        | _switched(view.stored, signal, context_timeframes)
        | _loss(view, rules)
        | _positions(view, signal.symbol, decision_key)
        | {"max_concurrent_positions": rules.max_concurrent_positions}
    )


def _stored(
    stored: Stored | None, symbol: str, decision_key: str, now_ms: int, own: bool
) -> dict[str, GateValue]:
    if stored is None:
        return dict.fromkeys(("halted", "duplicate", "hold_cause", "hold_remaining_sec"))
    if decision_key not in stored.asked:
        raise ValueError(f"the account was fetched without asking for {decision_key}")
    hold = stored.holds.get(symbol)
    if hold is not None and hold.decision_key == decision_key and own:
        hold = None
    until = None if hold is None else hold.until
    return {
        "halted": stored.halt.halted,
        "duplicate": decision_key in stored.known and not own,
        "hold_cause": "none" if hold is None else hold.cause,
        "hold_remaining_sec": None if until is None else Decimal(until - now_ms) / MS_PER_SEC,
    }


def kept_out(view: AccountView, signal: Signal, context_timeframes: Collection[Timeframe]) -> KeptOut | None:
    """Which switch or entry of the blacklist forbids the signal, and in whose words; for the answer."""
    if view.stored is None:
        return None
    return keeping_out(view.stored.switches, signal.symbol, _timeframes(signal, context_timeframes))


def _timeframes(signal: Signal, context_timeframes: Collection[Timeframe]) -> list[Timeframe]:
    execution = signal.execution_timeframe
    return [*context_timeframes, *(() if execution is None else (execution,))]


def _switched(
    stored: Stored | None, signal: Signal, context_timeframes: Collection[Timeframe]
) -> dict[str, GateValue]:
    if stored is None:
        return dict.fromkeys(
            ("global_off", "blacklisted", "symbol_off", "off_by_open_state", "timeframe_off")
        )
    return {**switch_facts(stored.switches, signal.symbol, _timeframes(signal, context_timeframes))}


def _loss(view: AccountView, rules: GuardRules) -> dict[str, GateValue]:
    loss, stored = view.loss_usdt(rules), view.stored
    if stored is None:
        loss = None
    elif loss is not None and stored.daily is not None:
        loss -= stored.daily.forgiven_usdt
    return {
        "daily_limit_usdt": rules.daily_max_loss_usdt,
        "daily_loss_usdt": loss,
        "daily_locked": None if stored is None else stored.daily is not None and stored.daily.locked,
    }


def _positions(view: AccountView, symbol: str, decision_key: str) -> dict[str, GateValue]:
    orders = view.open_orders
    resting = None if orders is None else sum(order.symbol == symbol for order in orders)
    if view.positions is None or view.stored is None:
        return {"symbol_positions": None, "symbol_orders": resting, "positions": None}
    others = [intent for intent in view.stored.under_way if intent.decision_key != decision_key]
    places = {(one.symbol, one.side) for one in (*view.positions, *others, *view.simulated)}
    return {
        "symbol_positions": sum(taken == symbol for taken, _ in places),
        "symbol_orders": resting,
        "positions": len(places),
    }

"""The shapes of what an operator sees, for the API and for ``--json``.

Prices, sizes and money are decimal texts. Instants are ISO 8601: by the venue's clock, but for
``recorded_at``, which is by the clock of the machine that wrote it down.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from server.orders.intent import EventKind, IntentState, IntentStatus
from server.orders.operator import ActionName
from server.run.shapes import TradingDecision

SideName = Literal["long", "short"]


class OrderEntry(TypedDict):
    """One order, known by the client order id of its first attempt.

    ``price`` is its limit and ``size`` what was wanted; ``filled_size`` and ``average_price`` what came.
    Before it is planned these are null.
    """

    client_order_id: str
    decision_key: str
    trade_id: str
    exchange: str
    account: str
    symbol: str
    side: SideName
    profile: str
    fingerprint: str
    run_id: str
    actor: str
    state: IntentState
    status: IntentStatus
    reason: str | None
    exchange_order_id: str | None
    price: str | None
    size: str | None
    leverage: int | None
    stop: str | None
    filled_size: str
    average_price: str | None
    created_at: str
    updated_at: str


class OrderPage(TypedDict):
    """Newest first; ``total`` counts all pages."""

    items: list[OrderEntry]
    page: int
    page_size: int
    total: int


class TargetNumbers(TypedDict):
    """``share``: of the position, as a ratio."""

    price: str
    share: str


class PlanNumbers(TypedDict):
    """What the order was meant to be. ``max_loss_usdt``: at the stop, with the fees of both legs."""

    order_type: str
    time_in_force: str
    execution_timeframe: str
    entry: str
    price: str
    size: str
    contract_size: str
    leverage: int
    stop: str
    targets: list[TargetNumbers]
    zone_low: str
    zone_high: str
    zone_expires_at: str
    signal_expires_at: str
    decided_at: str
    max_loss_usdt: str


class NameEntry(TypedDict):
    """A client order id that was given out: for what, and the how-manieth of that purpose."""

    client_order_id: str
    purpose: str
    number: int


class EventEntry(TypedDict):
    """One step of the journey; ``sentence`` says it for people, ``details`` for programs."""

    number: int
    kind: EventKind
    at: str
    recorded_at: str
    sentence: str
    details: dict[str, Any]


class OrderJourney(OrderEntry):
    """An order from its verdict to its close. ``plan`` is null where it came to none."""

    trading_decision: TradingDecision
    plan: PlanNumbers | None
    names: list[NameEntry]
    events: list[EventEntry]


class PositionEntry(TypedDict):
    """A position as the venue shows it, and what is known of it here.

    ``client_order_id`` names the order that opened it; null: nobody here did. ``unprotected``: stops do not
    stand for all of it.
    """

    symbol: str
    side: SideName
    size: str
    entry_price: str
    mark_price: str
    leverage: int
    margin_usdt: str
    unrealised_pnl_usdt: str
    liquidation_price: str | None
    opened_at: str
    unprotected: bool
    stops: list[str]
    take_profits: list[str]
    client_order_id: str | None
    state: IntentState | None


class Positions(TypedDict):
    """Every open position of the account at one instant of the venue."""

    exchange: str
    account: str
    at: str
    positions: list[PositionEntry]


class HaltState(TypedDict):
    """The kill switch. Reason, actor and time are null where it was never used."""

    halted: bool
    reason: str | None
    actor: str | None
    recorded_at: str | None


class ActionEntry(TypedDict):
    """What an operator did, or the guardian to what no decision has. ``subject``: a decision key, an account,
    a switch, a symbol, a run's lock, ``trading``, a client order id or a position.
    """

    number: int
    action: ActionName
    subject: str
    actor: str
    reason: str
    details: dict[str, Any]
    recorded_at: str


class ActionPage(TypedDict):
    """Newest first; ``total`` counts all pages."""

    items: list[ActionEntry]
    page: int
    page_size: int
    total: int


class DailyLossState(TypedDict):
    """The account's loss of a UTC day, by the venue's clock; positive is a loss.

    ``loss_usdt`` is that of the whole day and ``counted_usdt`` what of it counts against the limit; null
    before anybody has looked. A ``limit_usdt`` of 0 is none.
    """

    exchange: str
    account: str
    day: str
    locked: bool
    loss_usdt: str | None
    counted_usdt: str | None
    forgiven_usdt: str | None
    limit_usdt: str | None
    at: str | None


class ParameterEntry(TypedDict):
    """One parameter of a condition; ``by_timeframe`` are other defaults."""

    name: str
    default: float | bool
    unit: str
    minimum: float | None
    maximum: float | None
    by_timeframe: dict[str, float | bool]


class ConditionUse(TypedDict):
    """Where a profile uses a condition: directly, or ``through`` conditions that are made of it."""

    profile: str
    places: list[str]
    through: list[str]


class ConditionEntry(TypedDict):
    """One condition; ``formula`` is its expression, or the tree of others that it is composed of.

    ``file`` is relative to the folder of rules.
    """

    name: str
    summary: str | None
    formula: str
    composed: bool
    requires: str | None
    parameters: list[ParameterEntry]
    facts: list[str]
    used_by: list[ConditionUse]
    file: str
    line: int


class ConditionPage(TypedDict):
    """Conditions in the order of their files."""

    items: list[ConditionEntry]
    page: int
    page_size: int
    total: int

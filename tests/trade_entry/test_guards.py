"""The gate ``guards``: every reason, both sides of every threshold, and every answer that may be missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from trade_entry_bench import (
    AS_OF_MS,
    BTC_MARKET,
    CONTEXT,
    ETH_MARKET,
    D,
    TableVenue,
    btc_facts,
    calm_account,
    conditions_of,
    fact_values,
    gates,
    issued,
    planned,
    read,
    signal,
    venue,
)
from trade_entry_bench import settings as shipped

from engine.models.base import Side
from engine.models.execution import GuardRules
from server.database import Database, DatabaseAddress, upgrade
from server.exchange.errors import VenueUnavailable
from server.exchange.port import OpenOrder, Position
from server.orders.holds import DailyLoss, Halt, Hold, HoldCause, utc_day
from server.orders.intent import Intent, IntentState, NewEvent
from server.orders.store import Orders
from server.switches.switch import Entry, Switch, SwitchCause, SwitchKey
from server.trade_entry import Signal, TradeDecision, decide
from server.trade_entry.decide import MAIN_ACCOUNT
from server.trade_entry.guards import (
    NOTHING,
    AccountView,
    Stored,
    fetch_account,
    guard_facts,
    observe_daily_loss,
)
from server.trade_entry.identity import client_order_id, decision_key, trade_id

SIGNAL = signal()
KEY = decision_key(SIGNAL, "table", MAIN_ACCOUNT)
RULES = GuardRules(daily_max_loss_usdt=D(25), max_concurrent_positions=3)
CALM = calm_account(SIGNAL, "table")
ETH_FACTS = fact_values("1m", {"1m": 3.0, "5m": 6.0, "15m": 9.0}, 3421.5, None)
DOWN = ("table is unavailable for positions: no answer",)


def position(symbol: str, side: Side = "long", unrealised: str = "0") -> Position:
    return Position(symbol, side, D(5), D(100), D(100), 3, D(10), D(unrealised), None, AS_OF_MS)


def resting(symbol: str) -> OpenOrder:
    return OpenOrder(symbol, "1", "theirs", "buy", "limit", D(100), D(5), D(0), False, AS_OF_MS)


def intent(symbol: str, side: Side = "long") -> Intent:
    key = decision_key(replace(SIGNAL, symbol=symbol, side=side), "table", MAIN_ACCOUNT)
    return Intent(
        decision_key=key,
        client_order_id=client_order_id(key, "EG"),
        trade_id=trade_id(key, symbol),
        decision_sha256=bytes(32),
        exchange="table",
        account=MAIN_ACCOUNT,
        symbol=symbol,
        side=side,
        profile="scalper_micro",
        fingerprint="f" * 64,
        run_id="00000000-0000-4000-8000-000000000001",
        actor="test",
        status="pending",
        reason=None,
        decision={},
        state="deciding",
        ticket=None,
        created_at=AS_OF_MS,
        updated_at=AS_OF_MS,
    )


def view(stored: dict[str, Any] | None = None, **change: Any) -> AccountView:
    """The calm account with some answers changed."""
    assert CALM.stored is not None
    return replace(CALM, **{"stored": replace(CALM.stored, **(stored or {}))} | change)


def held(cause: HoldCause, until: int | None) -> AccountView:
    return view({"holds": {"BTCUSDT": Hold("BTCUSDT", "another", cause, until)}})


def lost(usdt: str, *, forgiven: str = "0", locked: bool = False, **change: Any) -> AccountView:
    """An account that has realised this loss today."""
    day = DailyLoss(AS_OF_MS, locked, D(usdt), D(25), D(forgiven), AS_OF_MS)
    return view({"daily": day}, realised_usdt=-D(usdt), **change)


def switched(text: str, cause: SwitchCause = "operator") -> AccountView:
    """An account that one switch is off for."""
    key = SwitchKey.parse(text)
    off = Switch(key=key, on=False, cause=cause, reason="news", actor="ada", changed_at=AS_OF_MS, until=None)
    return switches(
        global_off=off if key.scope == "global" else None,
        symbols={key.symbol: off} if key.scope == "symbol" else {},
        timeframes={(key.symbol, key.timeframe): off} if key.scope == "timeframe" else {},
    )


def blacklisted(symbol: str) -> AccountView:
    """An account that one symbol is on the blacklist for."""
    entry = Entry(symbol=symbol, reason="illiquid", actor="ada", added_at=AS_OF_MS, until=None)
    return switches(blacklist={symbol: entry})


def switches(**change: Any) -> AccountView:
    assert CALM.stored is not None
    return view({"switches": replace(CALM.stored.switches, **change)})


HALTED = Halt(halted=True, reason="odd fills", actor="ada", recorded_at=AS_OF_MS)
OTHERS = (position("ETHUSDT"), position("SOLUSDT", "short"))


@dataclass(frozen=True)
class Case:
    """An account, and the reason it gives (None: it lets the signal pass)."""

    name: str
    reason: str | None
    account: AccountView
    rules: GuardRules = RULES
    details: dict[str, Any] = field(default_factory=dict[str, Any])


def rules(**change: Any) -> GuardRules:
    return RULES.model_copy(update=change)


CASES: list[Case] = [
    Case("calm", None, CALM),
    # What the database did not say.
    Case(
        "no database",
        "orders_state_unavailable",
        replace(CALM, stored=None, failures=("orders cannot be read: gone",)),
        details={
            "failures": ["orders cannot be read: gone"],
            "unknown": [
                "halted",
                "duplicate",
                "daily_locked",
                "hold_cause",
                "global_off",
                "blacklisted",
                "symbol_off",
                "timeframe_off",
            ],
        },
    ),
    Case("halted", "trading_halted", view({"halt": HALTED}), details={"halted": True}),
    # Switches and the blacklist: what is off of another symbol, or of a timeframe nothing stands on, is not.
    Case(
        "everything off",
        "global_switch_off",
        switched("GLOBAL"),
        details={"global_off": True, "switch": "GLOBAL", "switched_by": "ada", "switch_until": None},
    ),
    Case(
        "blacklisted",
        "blacklisted",
        blacklisted("BTCUSDT"),
        details={"blacklist_reason": "illiquid", "blacklisted_by": "ada"},
    ),
    Case("another symbol blacklisted", None, blacklisted("ETHUSDT")),
    Case(
        "the symbol off",
        "symbol_switch_off",
        switched("SYMBOL:BTCUSDT"),
        details={"symbol_off": True, "switch": "SYMBOL:BTCUSDT", "switch_reason": "news"},
    ),
    Case("another symbol off", None, switched("SYMBOL:ETHUSDT")),
    Case(
        "off because something was open, which is no more",
        None,
        switched("SYMBOL:BTCUSDT", "has_open_orders_or_positions"),
    ),
    Case("the execution timeframe off", "timeframe_switch_off", switched("SYMBOL_TF:BTCUSDT:1m")),
    Case("a context timeframe off", "timeframe_switch_off", switched("SYMBOL_TF:BTCUSDT:5m")),
    Case("another timeframe off", None, switched("SYMBOL_TF:BTCUSDT:15m")),
    Case("the timeframe of another symbol off", None, switched("SYMBOL_TF:ETHUSDT:1m")),
    Case("duplicate", "duplicate_decision_key", view({"known": frozenset({KEY})})),
    # The loss of the day: exactly the limit is too much, a day that was locked stays so.
    Case("one cent of loss is left", None, lost("24.99")),
    Case("the limit", "daily_loss_limit_reached", lost("25"), details={"daily_loss_usdt": "25"}),
    Case("locked before", "daily_loss_limit_reached", lost("24.40", locked=True)),
    Case(
        "locked before, loss unknown",
        "daily_loss_limit_reached",
        replace(lost("3", locked=True), realised_usdt=None),
    ),
    Case("forgiven", None, lost("49.99", forgiven="25")),
    Case("forgiven and lost again", "daily_loss_limit_reached", lost("50", forgiven="25")),
    Case("no limit", None, lost("9999"), rules(daily_max_loss_usdt=D(0))),
    Case(
        "open loss counts",
        "daily_loss_limit_reached",
        lost("20", positions=(position("ETHUSDT", unrealised="-5"),)),
    ),
    Case("open gain counts", None, lost("26", positions=(position("ETHUSDT", unrealised="1.01"),))),
    Case(
        "open loss is not counted",
        None,
        lost("20", positions=(position("ETHUSDT", unrealised="-50"),)),
        rules(daily_loss_count_unrealized=False),
    ),
    Case(
        "realised result unknown",
        "daily_loss_guard_unavailable",
        replace(CALM, realised_usdt=None, failures=("table is unavailable for realised_pnl: no answer",)),
    ),
    Case("loss unknown for want of positions", "daily_loss_guard_unavailable", replace(CALM, positions=None)),
    Case("unknown without a limit", None, replace(CALM, realised_usdt=None), rules(daily_max_loss_usdt=D(0))),
    # Holds: the instant of the end is free.
    Case("under way", "symbol_under_way", held("under_way", None), details={"hold_cause": "under_way"}),
    Case("unsettled", "symbol_under_way", held("unsettled", AS_OF_MS + 500)),
    Case(
        "cooling down",
        "symbol_cooling_down",
        held("stopped_out", AS_OF_MS + 1_500),
        details={"hold_cause": "stopped_out", "hold_remaining_sec": "1.5"},
    ),
    Case("cooling down after an entry", "symbol_cooling_down", held("submitted", AS_OF_MS + 1)),
    Case("cooling down after a cancel", "symbol_cooling_down", held("cancelled", AS_OF_MS + 1)),
    Case("another symbol is held", None, view({"holds": {"X": Hold("X", "k", "under_way", None)}})),
    # Positions and orders.
    Case(
        "positions unknown",
        "positions_unavailable",
        replace(CALM, positions=None, failures=DOWN),
        rules(daily_loss_count_unrealized=False),
        {"failures": list(DOWN), "positions": None},
    ),
    Case("orders unknown", "positions_unavailable", replace(CALM, open_orders=None)),
    Case(
        "own position",
        "has_open_orders_or_positions",
        replace(CALM, positions=(position("BTCUSDT", "short"),)),
    ),
    Case("own order", "has_open_orders_or_positions", replace(CALM, open_orders=(resting("BTCUSDT"),))),
    Case(
        "own entry under way whose cool-down is over",
        "has_open_orders_or_positions",
        view({"under_way": (intent("BTCUSDT", "short"),)}),
    ),
    Case("order of another symbol", None, replace(CALM, open_orders=(resting("ETHUSDT"),))),
    Case("one place is left", None, replace(CALM, positions=OTHERS), details={"positions": 2}),
    Case(
        "no place is left",
        "max_concurrent_positions_reached",
        view({"under_way": (intent("XRPUSDT"),)}, positions=OTHERS),
        details={"positions": 3, "max_concurrent_positions": 3},
    ),
    Case("an own position counts once", None, view({"under_way": (intent("ETHUSDT"),)}, positions=OTHERS)),
    Case(
        "no positions are allowed",
        "max_concurrent_positions_reached",
        CALM,
        rules(max_concurrent_positions=0),
    ),
]
REASONS = sorted({case.reason for case in CASES if case.reason})
UNAVAILABLE = {"orders_state_unavailable", "daily_loss_guard_unavailable", "positions_unavailable"}


async def outcome(case: Case, at: TableVenue) -> TradeDecision:
    document = shipped().model_copy(update={"guards": case.rules})
    none = conditions_of(document, gates()["plan"])
    return await decide(
        SIGNAL,
        btc_facts(),
        document,
        gates(),
        at,
        case.account,
        context_timeframes=CONTEXT,
        conditions=none,
        dry_run=True,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_guard(case: Case) -> None:
    table = venue(BTC_MARKET)
    decision = await outcome(case, table)
    if case.reason is None:
        assert decision.status == "simulated"
        return
    status = "error" if case.reason in UNAVAILABLE else "skipped"
    assert (decision.status, decision.reason, decision.stage) == (status, case.reason, "guards")
    assert {name: decision.details.get(name) for name in case.details} == case.details
    assert table.asked == [], "a book is not asked for in vain"


@pytest.mark.parametrize("reason", REASONS)
async def test_guard_decision(reason: str, golden: SnapshotAssertion) -> None:
    first = next(case for case in CASES if case.reason == reason)
    assert (await outcome(first, venue())).to_json() == golden


def test_every_registered_reason_of_the_guards_is_reached() -> None:
    registry = read("reasons.yaml")["reasons"]
    given = {code for code, reason in registry.items() if "guards" in stages(reason)}
    # What is asked of the balance when an order is recorded: tests/orders/test_permission.py.
    assert sorted(given) == sorted([*REASONS, "balance_taken"])


def stages(reason: dict[str, Any]) -> set[str]:
    return {reason["stage"], *(elsewhere["stage"] for elsewhere in reason.get("also", ()))}


def test_an_intent_of_the_caller_is_no_duplicate_and_takes_no_place() -> None:
    mine = replace(intent("BTCUSDT"), decision_key=KEY)
    account = view(
        {
            "known": frozenset({KEY}),
            "under_way": (mine,),
            "holds": {"BTCUSDT": Hold("BTCUSDT", KEY, "under_way", None)},
        }
    )
    facts = guard_facts(account, SIGNAL, KEY, RULES, context_timeframes=CONTEXT, own=True)
    assert facts["duplicate"] is False
    assert (facts["hold_cause"], facts["symbol_positions"], facts["positions"]) == ("none", 0, 0)
    assert gates()["guards"].decide(facts).passed
    assert guard_facts(account, SIGNAL, KEY, RULES, context_timeframes=CONTEXT)["duplicate"] is True


def waiting(symbol: str, state: IntentState) -> Intent:
    """An entry under way that holds 62.5 of margin and 0.3375 for its fee."""
    plan = planned(ETH_MARKET, replace(SIGNAL, symbol="ETHUSDT"), ETH_FACTS, shipped())
    ticket = issued(plan).model_copy(
        update={"size": D(25), "price": D("2250"), "entry": D("2250"), "leverage": 9, "side": "long"}
    )
    return replace(intent(symbol), state=state, ticket=ticket)


@pytest.mark.parametrize(
    ("state", "reserved"),
    [("recorded", "62.8375"), ("submitting", "62.8375"), ("resting", "0"), ("open", "0")],
)
async def test_what_entries_are_about_to_take_is_not_planned_with(state: Any, reserved: str) -> None:
    """500 are free, and 62.8375 of them promised to an entry that the venue does not count yet."""
    account = view({"under_way": (waiting("ETHUSDT", state),)})
    mine = replace(waiting("BTCUSDT", "recorded"), decision_key=KEY)
    assert account.reserved_usdt(KEY) == D(reserved)
    assert view({"under_way": (mine,)}).reserved_usdt(KEY) == 0
    tight = replace(BTC_MARKET, balance=replace(BTC_MARKET.balance, available_usdt=D("80")))
    made = await decide(
        SIGNAL,
        btc_facts(),
        shipped(),
        gates(),
        venue(tight),
        replace(account, positions=()),
        context_timeframes=CONTEXT,
        conditions=conditions_of(shipped(), gates()["plan"]),
        dry_run=True,
    )
    assert made.plan is not None
    assert made.plan.market.reserved_usdt == D(reserved)
    assert made.plan.held_usdt <= D(80) - D(reserved)
    assert made.plan.size == (11 if reserved == "0" else 2)
    none = replace(BTC_MARKET, balance=replace(BTC_MARKET.balance, available_usdt=D("62.8375")))
    made = await decide(
        SIGNAL,
        btc_facts(),
        shipped(),
        gates(),
        venue(none),
        account,
        context_timeframes=CONTEXT,
        conditions=conditions_of(shipped(), gates()["plan"]),
        dry_run=True,
    )
    assert made.reason == ("insufficient_balance" if reserved != "0" else None)


def test_a_simulated_entry_takes_its_place_and_its_margin() -> None:
    plan = planned(ETH_MARKET, replace(SIGNAL, symbol="ETHUSDT"), ETH_FACTS, shipped())
    beside = CALM.beside(plan)
    assert beside.reserved_usdt(KEY) == plan.held_usdt == issued(plan).held_usdt > plan.margin_usdt
    facts = guard_facts(beside, SIGNAL, KEY, RULES, context_timeframes=CONTEXT)
    assert (facts["positions"], facts["symbol_positions"]) == (1, 0)
    eth = replace(SIGNAL, symbol="ETHUSDT")
    assert _symbol_positions(beside, eth) == 1


def _symbol_positions(account: AccountView, ready: Signal) -> Any:
    assert account.stored is not None
    key = decision_key(ready, "table", MAIN_ACCOUNT)
    asked = replace(account, stored=replace(account.stored, asked=frozenset({key})))
    return guard_facts(asked, ready, key, RULES, context_timeframes=CONTEXT)["symbol_positions"]


def test_a_hold_whose_cause_is_not_known_to_the_gate_holds() -> None:
    facts = guard_facts(CALM, SIGNAL, KEY, RULES, context_timeframes=CONTEXT)
    assert gates()["guards"].decide(facts).passed
    assert gates()["guards"].decide(facts | {"hold_cause": "of_tomorrow"}).reason == "symbol_cooling_down"


def test_a_decision_that_was_not_asked_about_is_never_called_new() -> None:
    with pytest.raises(ValueError, match="without asking for"):
        guard_facts(CALM, SIGNAL, "another", RULES, context_timeframes=CONTEXT)


# From the venue and the database.


@dataclass
class Account(TableVenue):
    """The table venue with an account: positions, orders and what was realised, or what fails."""

    held: Sequence[Position] | Exception = ()
    orders: Sequence[OpenOrder] | Exception = ()
    realised: Any = NOTHING
    since: list[int] = field(default_factory=list[int])

    async def positions(self) -> Sequence[Position]:
        return self._answer(self.held)

    async def open_orders(self) -> Sequence[OpenOrder]:
        return self._answer(self.orders)

    async def realised_pnl(self, since_ms: int) -> Any:
        self.since.append(since_ms)
        return self._answer(self.realised)


def account(**change: Any) -> Account:
    return Account({"BTCUSDT": BTC_MARKET.contract}, BTC_MARKET.book, BTC_MARKET.balance, **change)


@pytest.fixture
async def orders(tmp_path: Path) -> AsyncIterator[Orders]:
    address = DatabaseAddress.of_file(tmp_path / "orders.db")
    upgrade(address)
    database = Database.open(address)
    yield Orders(database)
    await database.close()


async def test_the_account_is_what_venue_and_database_say(orders: Orders) -> None:
    await orders.begin(intent("BTCUSDT"), NewEvent(kind="decided", at=AS_OF_MS))
    await orders.halt("odd fills", "ada")
    await orders.observe_loss("table", MAIN_ACCOUNT, AS_OF_MS, D(30), D(25))
    table = account(held=OTHERS, orders=(resting("ETHUSDT"),), realised=D("-1.5"))
    now = AS_OF_MS + 3_600_000
    seen = await fetch_account(table, orders, MAIN_ACCOUNT, now, [KEY, "another"])  # type: ignore[arg-type]
    assert table.since == [utc_day(now)] == [AS_OF_MS]
    assert isinstance(seen.stored, Stored)
    assert seen.stored.known == {KEY}
    assert seen.stored.daily is not None
    assert (seen.stored.halt.halted, seen.stored.daily.locked) == (True, True)
    assert (seen.positions, seen.realised_usdt, seen.failures) == (OTHERS, D("-1.5"), ())


@pytest.mark.parametrize("missing", ["held", "orders", "realised"])
async def test_what_the_venue_does_not_say_is_unknown(orders: Orders, missing: str) -> None:
    down = VenueUnavailable("table", missing, "no answer")
    table = account(**{missing: down})
    seen = await fetch_account(table, orders, MAIN_ACCOUNT, AS_OF_MS, [KEY])  # type: ignore[arg-type]
    answers = {"held": seen.positions, "orders": seen.open_orders, "realised": seen.realised_usdt}
    assert [name for name, answer in answers.items() if answer is None] == [missing]
    assert seen.failures == (str(down),)


async def test_what_the_database_does_not_say_is_unknown(orders: Orders) -> None:
    async with orders.database.write() as connection:
        await connection.exec_driver_sql("DROP TABLE trading_halt")
    seen = await fetch_account(account(), orders, MAIN_ACCOUNT, AS_OF_MS, [KEY])  # type: ignore[arg-type]
    assert seen.stored is None
    assert "trading_halt" in seen.failures[0]


CHANGES: list[tuple[Callable[[AccountView], AccountView], GuardRules]] = [
    (lambda seen: seen, rules(daily_max_loss_usdt=D(0))),
    (lambda seen: replace(seen, realised_usdt=None), RULES),
    (lambda seen: replace(seen, stored=None), RULES),
]


async def test_only_an_entry_that_may_leave_locks_the_day(orders: Orders) -> None:
    table = account(realised=D("-25"))
    seen = await fetch_account(table, orders, MAIN_ACCOUNT, AS_OF_MS, [KEY])  # type: ignore[arg-type]
    assert (
        not gates()["guards"].decide(guard_facts(seen, SIGNAL, KEY, RULES, context_timeframes=CONTEXT)).passed
    )
    for change, limits in CHANGES:
        changed = change(seen)
        assert await observe_daily_loss(changed, orders, limits) == changed
    assert await orders.daily_loss("table", MAIN_ACCOUNT, AS_OF_MS) is None, "looking stores nothing"
    locked = await observe_daily_loss(seen, orders, RULES)
    assert locked.stored is not None
    assert locked.stored.daily == await orders.daily_loss("table", MAIN_ACCOUNT, AS_OF_MS)
    won_back = replace(locked, realised_usdt=D(5))
    answer = gates()["guards"].decide(guard_facts(won_back, SIGNAL, KEY, RULES, context_timeframes=CONTEXT))
    assert answer.reason == "daily_loss_limit_reached"


async def test_a_lock_that_cannot_be_stored_is_not_taken_for_granted(orders: Orders) -> None:
    seen = await fetch_account(account(), orders, MAIN_ACCOUNT, AS_OF_MS, [KEY])  # type: ignore[arg-type]
    async with orders.database.write() as connection:
        await connection.exec_driver_sql("DROP TABLE daily_loss")
    unsure = await observe_daily_loss(seen, orders, RULES)
    answer = gates()["guards"].decide(guard_facts(unsure, SIGNAL, KEY, RULES, context_timeframes=CONTEXT))
    assert answer.reason == "orders_state_unavailable"

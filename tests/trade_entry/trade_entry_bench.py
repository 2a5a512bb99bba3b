"""Markets, facts and settings that the trade-entry tests are built from; the rules are the shipped ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from engine.candles import CandleSet, Timeframe
from engine.gates import Gate, GateDecision
from engine.models.conditions import ConditionDefinition
from engine.models.gate import GateDocument
from engine.models.trade_entry import TradeEntryDocument
from engine.ruleset import load
from engine.ruleset.plan_conditions import PlanConditions
from server.exchange.errors import CandlesUnavailable, SymbolUnknown
from server.exchange.port import Balance, Book, Contract, Listing, OpenOrder, Position
from server.exchange.trading import TriggerOrder
from server.fixed_code import FIXED_CODE
from server.orders.holds import Halt
from server.switches.switch import SwitchState
from server.trade_entry import FactKey, OrderPlan, Signal, TradeDecision, build_plan, decide
from server.trade_entry.build import Draft
from server.trade_entry.conditions import judge_plan
from server.trade_entry.decide import GATES, MAIN_ACCOUNT
from server.trade_entry.guards import AccountView, Stored
from server.trade_entry.identity import decision_key, trade_id
from server.trade_entry.preflight import Market
from server.trade_entry.request import build_request, request_atr
from server.trade_entry.signal import Facts
from server.trade_entry.ticket import Ticket

RULES = Path(__file__).resolve().parents[2] / "rules"
AS_OF_MS = 1_748_563_200_000  # 2025-05-30T00:00:00Z
MINUTE_MS = 60_000
D = Decimal


@cache
def read(path: str) -> dict[str, Any]:
    """A shipped document as plain data."""
    return YAML(typ="safe", pure=True).load(RULES / path)


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``change`` laid over ``base``: maps merge, everything else is replaced."""
    out = dict(base)
    for key, value in change.items():
        inner = out.get(key)
        out[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return out


def settings(**change: Any) -> TradeEntryDocument:
    """The shipped scalper_micro document with some values changed."""
    shipped = read("profiles/scalper_micro/trade_entry.yaml")
    return TradeEntryDocument.model_validate(merged(shipped, change))


@cache
def gates() -> Mapping[str, Gate]:
    """The shipped gates of trade entry."""
    return {name: Gate.link(GateDocument.model_validate(read(f"gates/{name}.yaml"))) for name in GATES}


@cache
def submission_gate() -> Gate:
    """The shipped gate before every order that leaves."""
    return Gate.link(GateDocument.model_validate(read("gates/submission.yaml")))


@cache
def catalogue() -> Mapping[str, ConditionDefinition]:
    """The shipped conditions."""
    return load(RULES, FIXED_CODE).conditions


def contract(symbol: str, tick: str, contract_size: str, max_leverage: int, **change: Any) -> Contract:
    """A contract with whole sizes from 1 and BitMart's taker fee of 0.06 %."""
    made = Contract(
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        status="trading",
        tick_size=D(tick),
        size_step=D(1),
        contract_size=D(contract_size),
        min_size=D(1),
        max_size=D(500_000),
        market_max_size=None,
        min_leverage=1,
        max_leverage=max_leverage,
        maker_fee_ratio=D("0.0002"),
        taker_fee_ratio=D("0.0006"),
        maintenance_margin_ratio=D("0.005"),
        turnover_24h_usdt=D(1_000_000_000),
        listed_at_ms=0,
    )
    return replace(made, **change)


BTC = contract("BTCUSDT", "0.1", "0.001", 100)
ETH = contract("ETHUSDT", "0.01", "0.01", 100)
SOL = contract("SOLUSDT", "0.001", "0.1", 50)
DOGE = contract("DOGEUSDT", "0.00001", "10", 20)


def book(symbol: str, bid: str, ask: str, mark: str, at_ms: int = AS_OF_MS) -> Book:
    return Book(symbol, D(bid), D(ask), D(10), D(10), D(mark), D(mark), at_ms)


def balance(usdt: str) -> Balance:
    """An account whose equity is all free."""
    return Balance(D(usdt), D(usdt))


BTC_MARKET = Market(BTC, book("BTCUSDT", "67000.0", "67000.4", "67003.0"), balance("500"))
ETH_MARKET = Market(ETH, book("ETHUSDT", "3421.20", "3421.26", "3421.35"), balance("350"))
SOL_MARKET = Market(SOL, book("SOLUSDT", "148.261", "148.269", "148.270"), balance("120"))
DOGE_MARKET = Market(DOGE, book("DOGEUSDT", "0.40198", "0.40201", "0.40200"), balance("260"))

TAKES = {"entry": {"order_type": "market", "order_mode": "ioc"}}
"""What makes the shipped profile enter with market orders."""

SPLITS = read("profiles/scalper_micro/trade_entry.yaml")["take_profit"]["split"]["strategies"]
"""The shipped strategies: momentum by the ADX of 1h, late and early by the place in the zone."""


def signal(
    symbol: str = "BTCUSDT", side: str | None = "long", timeframe: str | None = "1m", **change: Any
) -> Signal:
    made = Signal(
        symbol=symbol,
        side=side,  # pyright: ignore[reportArgumentType]
        execution_timeframe=timeframe,  # pyright: ignore[reportArgumentType]
        candle_open_ms=AS_OF_MS - MINUTE_MS,
        as_of_ms=AS_OF_MS,
        profile="scalper_micro",
        price=D("67003.0"),
    )
    return replace(made, **change)


def fact_values(
    timeframe: Timeframe,
    atr: Mapping[str, float | None],
    sma_21: float | None,
    vwap: float | None,
    pivots: Mapping[str, float] | None = None,
) -> dict[FactKey, float | None]:
    """Facts under the keys a run hands over: ATR by timeframe, zone pivots on 5m, daily pivots."""
    values: dict[FactKey, float | None] = {("atr", tf): value for tf, value in atr.items()}  # type: ignore[misc]
    values |= {("sma_21", "5m"): sma_21, ("vwap", "5m"): vwap}
    return values | {(f"pivot_{level}", timeframe): price for level, price in (pivots or {}).items()}


BTC_PIVOTS = {"pp": 66800, "r1": 67600, "r2": 68400, "r3": 69200, "s1": 66000, "s2": 65200, "s3": 64400}


def btc_facts(**change: Any) -> dict[FactKey, float | None]:
    """Example 1 of the domain: SMA(21) 67 005.2, VWAP 67 010.5, ATR 60 / 120 / 210."""
    given: dict[str, Any] = {
        "timeframe": "1m",
        "atr": {"1m": 60.0, "5m": 120.0, "15m": 210.0},
        "sma_21": 67005.2,
        "vwap": 67010.5,
        "pivots": BTC_PIVOTS,
    }
    return fact_values(**(given | change))


def draft(
    market: Market, ready: Signal, values: Mapping[FactKey, float | None], rules: TradeEntryDocument
) -> Draft:
    """The plan of one signal without the gates in front of it."""
    facts = Facts.of(values)
    request = build_request(ready, request_atr(facts, ready.execution_timeframe), facts, rules)
    return build_plan(request, facts, rules, market)


def planned(
    market: Market, ready: Signal, values: Mapping[FactKey, float | None], rules: TradeEntryDocument
) -> OrderPlan:
    """The plan of a signal that the plan gate lets pass."""
    made = draft(market, ready, values, rules)
    answer = judged(made, rules)
    assert answer.passed, answer
    assert made.plan is not None
    return made.plan


CONTEXT: tuple[Timeframe, ...] = ("5m",)
"""The context timeframes of the signals here."""


def issued(plan: OrderPlan) -> Ticket:
    """The plan's ticket, under names of a test."""
    ready = signal(plan.request.symbol, plan.request.side, plan.request.execution_timeframe)
    key = decision_key(ready, "table", MAIN_ACCOUNT)
    return plan.ticket(
        decision_key=key,
        trade_id=trade_id(key, ready.symbol),
        run_id="run",
        actor="test",
        exchange="table",
        account=MAIN_ACCOUNT,
        profile=ready.profile,
        fingerprint="f" * 64,
        context_timeframes=CONTEXT,
        decided_at_ms=AS_OF_MS + 250,
    )


@dataclass
class TableVenue:
    """A venue that answers from a table, or raises what the table holds instead of an answer."""

    listings: Mapping[str, Listing] | Exception
    top: Book | Exception
    account: Balance | Exception
    name: str = "table"
    present_ms: int = AS_OF_MS
    asked: list[str] = field(default_factory=list[str])

    async def now_ms(self) -> int:
        return self.present_ms

    async def contracts(self) -> Mapping[str, Listing]:
        self.asked.append("contracts")
        return self._answer(self.listings)

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        raise CandlesUnavailable(self.name, symbol, timeframe, "the table has none")

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        self.asked.append("book")
        top = self._answer(self.top)
        if top.symbol != symbol:
            raise SymbolUnknown(self.name, symbol)
        return top

    async def balance(self) -> Balance:
        self.asked.append("balance")
        return self._answer(self.account)

    async def positions(self) -> Sequence[Position]:
        return ()

    async def open_orders(self) -> Sequence[OpenOrder]:
        return ()

    async def trigger_orders(self) -> Sequence[TriggerOrder]:
        return ()

    @staticmethod
    def _answer(value: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value


def venue(market: Market = BTC_MARKET, **change: Any) -> TableVenue:
    made = TableVenue({market.contract.symbol: market.contract}, market.book, market.balance)
    return replace(made, **change)


def conditions_of(rules: TradeEntryDocument, plan: Gate) -> PlanConditions:
    """The conditions of a document on its plans, by the shipped catalogue."""
    return PlanConditions.link(rules.plan_conditions, catalogue(), plan.facts)


def judged(made: Draft, rules: TradeEntryDocument) -> GateDecision:
    """What the plan gate says of a draft."""
    gate = gates()["plan"]
    of_profile = judge_plan(conditions_of(rules, gate), made.facts)
    return gate.decide({**made.facts, **of_profile.facts(gate)})


def calm_account(ready: Signal, exchange: str) -> AccountView:
    """An account that nothing is held against: no order, no position, no loss."""
    stored = Stored(
        halt=Halt(halted=False, reason="", actor="", recorded_at=0),
        switches=SwitchState(
            now_ms=ready.as_of_ms, global_off=None, symbols={}, timeframes={}, blacklist={}, queued=()
        ),
        holds={},
        under_way=(),
        daily=None,
        asked=frozenset({decision_key(ready, exchange, MAIN_ACCOUNT)}),
        known=frozenset(),
    )
    return AccountView(
        exchange=exchange,
        account=MAIN_ACCOUNT,
        now_ms=ready.as_of_ms,
        stored=stored,
        positions=(),
        open_orders=(),
        realised_usdt=D(0),
    )


async def decided(
    ready: Signal,
    values: Mapping[FactKey, float | None],
    rules: TradeEntryDocument,
    at: Any,
    *,
    asked: Mapping[str, Gate] | None = None,
    dry_run: bool = True,
) -> TradeDecision:
    """What becomes of a signal at the venue ``at`` while nothing but the signal can forbid it."""
    account = calm_account(ready, at.name)
    found = asked or gates()
    conditions = conditions_of(rules, found["plan"])
    return await decide(
        ready,
        values,
        rules,
        found,
        at,
        account,
        context_timeframes=CONTEXT,
        conditions=conditions,
        dry_run=dry_run,
    )

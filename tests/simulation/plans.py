"""What the world wants to enter: signals with their facts, or tickets that were made directly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from course import BEGIN_MS, MINUTE_MS, PAST_MINUTES, PRICE, Course
from trade_entry_bench import (
    CONTEXT,
    conditions_of,
    fact_values,
    gates,
    merged,
    settings,
    signal,
    submission_gate,
)

from engine.models.trade_entry import TradeEntryDocument
from server.execution.names import order_name
from server.execution.submission import Submission
from server.execution.workflow import begin
from server.orders.intent import NewEvent
from server.orders.permission import FreeBalance
from server.orders.store import Orders
from server.trade_entry.build import build_plan
from server.trade_entry.preflight import Market
from server.trade_entry.request import build_request, request_atr
from server.trade_entry.signal import Facts

FINGERPRINT = "f" * 64


class Plans:
    """Signals of one symbol, numbered by their candle; the rules they are decided by.

    Stands in for `server.journal.rulesets.Rulesets`: the rules are a value here, and nothing is compressed.
    """

    def __init__(self, course: Course, exchange: str, account: str) -> None:
        self._course, self._exchange, self._account = course, exchange, account
        self.rules = self._rules()
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.keys = [self.submission(number, course.begins_ms).decision_key for number in (0, 1)]
        self._names = {key: frozenset(order_name(key, "entry", n) for n in range(8)) for key in self.keys}

    @property
    def first_name(self) -> str:
        """The client order id by which people call the first order."""
        return order_name(self.keys[0], "entry", 0)

    def names_of(self, key: str) -> frozenset[str]:
        """Client order ids that entry orders of a decision may have."""
        return self._names[key]

    def _rules(self) -> TradeEntryDocument:
        """The shipped profile with this world's numbers."""
        course = self._course
        changes: dict[str, Any] = {
            "entry_zone": {
                "w_min": course.zone_ratio,
                "w_max": 0.02,
                "ttl_sec": course.zone_ttl_sec,
            },
            "execution": {
                "order_ttl_sec": course.order_ttl_sec,
                "out_of_zone_sec": 12,
                "poll_sec": course.poll_sec,
                "signal_ttl_sec": 45,
            },
            "end_of_zone": {"enabled": course.converts, "ttl_threshold_sec": 6},
            "cooldown": {"submitted_sec": 300, "cancelled_sec": 20, "stopped_out_sec": 600},
        }
        if course.market:
            changes["entry"] = {"order_type": "market", "order_mode": "ioc"}
        if course.two_targets:
            changes["take_profit"] = {
                "targets": "two",
                "split": {"default_share": 0.5},
            }
        return settings(**merged(changes, course.changes))

    async def profile(self, fingerprint: str) -> Any:
        """Satisfies `Rulesets.profile` as far as the workflow reads it."""
        validation = SimpleNamespace(context_timeframes=CONTEXT)
        asked = {**gates(), "submission": submission_gate()}
        return SimpleNamespace(
            trade_entry=self.rules,
            gates=asked,
            validation=validation,
            plan_conditions=conditions_of(self.rules, asked["plan"]),
        )

    def submission(self, number: int, now_ms: int) -> Submission:
        """The verdict on the ``number``-th candle, delivered at ``now_ms``."""
        candle = BEGIN_MS + (PAST_MINUTES - 1 + number) * MINUTE_MS
        atr = {"1m": PRICE * 0.001, "5m": PRICE * 0.002, "15m": PRICE * 0.003}
        return Submission(
            signal=replace(
                signal("BTCUSDT", self._course.side),
                candle_open_ms=candle,
                as_of_ms=self._course.begins_ms,
                price=Decimal(str(PRICE)),
            ),
            facts=fact_values("1m", atr, PRICE, None),
            fingerprint=FINGERPRINT,
            run_id=f"00000000-0000-4000-8000-{number:012d}",
            actor="simulation",
            exchange=self._exchange,
            account=self._account,
            at_ms=now_ms,
        )

    async def record(self, orders: Orders, number: int, now_ms: int, market: Market) -> None:
        """Stores the intent with a ticket that no gate has seen."""
        submission = self.submission(number, now_ms)
        intent, _ = await begin(orders, submission)
        if intent.state != "deciding":
            return
        facts = Facts.of(submission.facts)
        request = build_request(
            submission.signal, request_atr(facts, submission.signal.execution_timeframe), facts, self.rules
        )
        plan = build_plan(request, facts, self.rules, market).plan
        if plan is None:
            return
        ticket = plan.ticket(
            decision_key=intent.decision_key,
            trade_id=intent.trade_id,
            run_id=intent.run_id,
            actor=intent.actor,
            exchange=intent.exchange,
            account=intent.account,
            profile=intent.profile,
            fingerprint=intent.fingerprint,
            context_timeframes=CONTEXT,
            decided_at_ms=now_ms,
        )
        await orders.record(
            intent,
            ticket=ticket,
            decision={**intent.decision, "direct": True},
            names=(),
            events=(NewEvent(kind="recorded", at=now_ms, details={"direct": True}),),
            now_ms=now_ms,
            free=FreeBalance(market.balance.available_usdt),
        )

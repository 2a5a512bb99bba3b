"""The outcome of trade entry for one READY symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from server.trade_entry.plan import OrderPlan

DecisionStatus = Literal["simulated", "pending", "skipped", "error"]
"""``pending``: planned, and to be placed; what becomes of it is kept with the order."""

Stage = Literal["preconditions", "request", "guards", "preflight", "plan", "trade_entry"]


@dataclass(frozen=True, slots=True)
class TradeDecision:
    """What became of a signal.

    ``reason`` is the outward code, None when a plan was made; ``blocked_by`` the exact cause where several
    share one outward code; ``stage`` where it was decided. ``details`` holds the facts the deciding gate had,
    numbers as texts. ``plan`` and ``client_order_id`` exist where nothing rejected it.
    """

    status: DecisionStatus
    symbol: str
    decision_key: str
    trade_id: str
    stage: Stage
    reason: str | None = None
    blocked_by: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    plan: OrderPlan | None = None
    client_order_id: str | None = None

    def denied(self, reason: str, details: Mapping[str, Any]) -> TradeDecision:
        """A plan that came too late: what the guards let pass a moment ago forbids it now."""
        return replace(
            self,
            status="skipped",
            stage="guards",
            reason=reason,
            details=details,
            plan=None,
            client_order_id=None,
        )

    def telling(self, more: Mapping[str, Any]) -> TradeDecision:
        """With more details."""
        return replace(self, details={**self.details, **more})

    def to_json(self) -> dict[str, Any]:
        """The ``trading_decision`` of the run's answer."""
        answer: dict[str, Any] = {"status": self.status, "reason": self.reason}
        if self.blocked_by is not None:
            answer["blocked_by"] = self.blocked_by
        raw: dict[str, Any] = {}
        if self.plan is not None:
            raw = {"preflight": self.plan.preflight_json(), "plan": self.plan.to_json()}
        elif self.reason is not None:
            raw = {"reason": self.reason, "stage": self.stage, "context": dict(self.details)}
        return answer | {
            "client_order_id": self.client_order_id,
            "exchange_order_id": None,
            "decision_key": self.decision_key,
            "trade_id": self.trade_id,
            "raw": raw,
        }

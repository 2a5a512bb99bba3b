"""From a READY verdict to the plan of one order: preconditions, request, preflight, zone, plan.

Fixed code computes facts; the gates ``preconditions``, ``request``, ``preflight`` and ``plan`` decide.
"""

from server.trade_entry.build import Draft, build_plan
from server.trade_entry.decide import GATES, decide
from server.trade_entry.decision import TradeDecision
from server.trade_entry.plan import OrderPlan
from server.trade_entry.signal import FactKey, FactValues, Signal, facts_needed

__all__ = [
    "GATES",
    "Draft",
    "FactKey",
    "FactValues",
    "OrderPlan",
    "Signal",
    "TradeDecision",
    "build_plan",
    "decide",
    "facts_needed",
]

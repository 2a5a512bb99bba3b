"""The profile's own conditions on a plan, as facts of the gate ``plan``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.explain import TreeExplanation, TreeReader
from engine.expression import FactRef
from engine.expression.trace import Value
from engine.gates import Gate
from engine.gates.gate import GateValue
from engine.ruleset.plan_conditions import PlanConditions


@dataclass(frozen=True, slots=True)
class ConditionsOfPlan:
    """How many do not hold, or are not known to; the first of them by name; and each with its numbers."""

    failed: tuple[TreeExplanation, ...]

    def facts(self, gate: Gate) -> dict[str, GateValue]:
        """For the gate. One of rules that were stored before there were such conditions knows none."""
        facts: dict[str, GateValue] = {
            "failed_conditions": len(self.failed),
            "failed_condition": self.failed[0].label if self.failed else None,
        }
        return {name: value for name, value in facts.items() if name in gate.facts}

    def details(self) -> list[dict[str, Any]]:
        """Those that do not hold, as trees with values and margins."""
        return [dict(tree.to_json()) for tree in self.failed]


def judge_plan(conditions: PlanConditions, facts: Mapping[str, GateValue]) -> ConditionsOfPlan:
    """The conditions over the facts of one plan; a fact that is not there is unknown."""

    def read(ref: FactRef) -> Value:
        value = facts.get(ref.name)
        return float(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value

    reader = TreeReader(conditions.instances, conditions.labels, None, read)
    explained = [reader.explain(tree) for tree in conditions.trees]
    return ConditionsOfPlan(tuple(tree for tree in explained if tree.outcome is not True))

"""What a profile asks of a plan beside the gate's own checks: its ``plan_conditions``, linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.models.conditions import ConditionDefinition, Tree
from engine.rules import Catalogue, Instance, LinkedTree, labels_of


@dataclass(frozen=True, slots=True, eq=False)
class PlanConditions:
    """Trees over the facts of the gate ``plan``; all of them must hold."""

    trees: tuple[LinkedTree, ...]
    instances: tuple[Instance, ...]
    labels: tuple[str, ...]

    @staticmethod
    def link(
        trees: Sequence[Tree] | None,
        conditions: Mapping[str, ConditionDefinition],
        facts: Mapping[str, str],
    ) -> PlanConditions:
        """``facts``: names of the gate to units. Expects names that a ruleset has found to be sound."""
        linker = Catalogue(conditions, facts, frozenset()).linker(None)
        linked = tuple(linker.link(tree) for tree in trees or ())
        return PlanConditions(linked, tuple(linker.instances), labels_of(linker.instances))

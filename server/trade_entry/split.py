"""How much of a position leaves at the first of two targets: the profile's strategies over named facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from engine.expression import Expression, Scope
from engine.gates import Gate
from engine.gates.gate import GateValue
from engine.models.gate import Check, GateDocument, GateFact
from engine.models.protection import SPLIT_FACTS, SplitRules, TakeProfitRules


@dataclass(frozen=True, slots=True)
class Split:
    """``strategy`` is None where none held; ``facts`` are those it was chosen by, None where unknown."""

    first_share: Decimal
    strategy: str | None
    facts: Mapping[str, GateValue]


def choose_split(rules: SplitRules, facts: Mapping[str, GateValue]) -> Split:
    """The first strategy whose condition holds; ``facts`` has all of ``SPLIT_FACTS``."""
    strategies = tuple((strategy.name, strategy.when) for strategy in rules.strategies)
    answer = _linked(strategies).decide(facts) if strategies else None
    for strategy in rules.strategies:
        if answer is not None and strategy.name == answer.reason:
            return Split(strategy.first_share, strategy.name, facts)
    return Split(rules.default_share, None, facts)


def reads(rules: TakeProfitRules, fact: str) -> bool:
    """Whether a plan asks a strategy that reads ``fact``."""
    scope = Scope(SPLIT_FACTS, history=False)
    return rules.targets == "two" and any(
        ref.name == fact
        for strategy in rules.split.strategies
        for ref in Expression.read(strategy.when, scope).bind({}).facts()
    )


@lru_cache(maxsize=64)
def _linked(strategies: tuple[tuple[str, str], ...]) -> Gate:
    """The strategies as checks of a gate: an ordered list in which the first that is true decides."""
    facts = {
        name: GateFact.model_validate({"unit": unit, "summary": name}) for name, unit in SPLIT_FACTS.items()
    }
    checks = [Check(reason=name, when=when, if_unknown="ignore") for name, when in strategies]
    return Gate.link(
        GateDocument(kind="gate", gate="split", version=1, rejects_as="skipped", facts=facts, checks=checks)
    )

"""One profile, effective and linked, with everything its verdicts depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter

from engine import __version__
from engine.gates import Gate
from engine.models.conditions import ConditionDefinition, ConditionsDocument
from engine.models.contracts import ContractsDocument
from engine.models.facts import FactsDocument
from engine.models.gate import GateDocument
from engine.models.trade_entry import TradeEntryDocument
from engine.models.validation import ValidationDocument
from engine.ruleset.effective import EffectiveValue
from engine.ruleset.plan_conditions import PlanConditions
from engine.ruleset.program import ProfileRules

Canonical = dict[str, Any]
"""A profile in the types of JSON."""


@dataclass(frozen=True, eq=False)
class Profile:
    """``conditions`` and ``facts`` hold what this profile uses of the folder, and no more; metrics too.

    ``values`` is the effective configuration with the origin of each value; a profile that was restored from
    its canonical form has no files, and none of these.
    """

    name: str
    validation: ValidationDocument
    trade_entry: TradeEntryDocument
    contracts: ContractsDocument
    facts: FactsDocument
    conditions: ConditionsDocument
    gates: Mapping[str, Gate]
    engine_version: str = __version__
    values: tuple[EffectiveValue, ...] = ()

    def canonical(self) -> Canonical:
        """Everything this profile's verdicts and entries depend on: enough to build it again.

        Left out are facts and conditions it does not use, other profiles, the registry of reasons and the
        service document; and comments, the order of keys, and how a number is written.
        """
        return self._canonical

    @cached_property
    def _canonical(self) -> Canonical:
        metrics = {name: plain_form(metric) for name, metric in self.facts.metrics.items()}
        history = {str(timeframe): plain_form(rule) for timeframe, rule in self.facts.history.items()}
        return {
            "engine": self.engine_version,
            "history": history,
            "facts": {name: plain_form(fact) for name, fact in self.facts.facts.items()},
            **({"metrics": metrics} if metrics else {}),
            "conditions": {name: plain_form(item) for name, item in self.conditions.conditions.items()},
            "gates": {name: plain_form(gate.document) for name, gate in self.gates.items()},
            "validation": plain_form(self.validation),
            "trade_entry": plain_form(self.trade_entry),
            "contracts": plain_form(self.contracts),
        }

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical form's JSON with sorted keys."""
        return hashlib.sha256(canonical_json(self._canonical).encode()).hexdigest()

    @cached_property
    def rules(self) -> ProfileRules:
        """The linked rules, ready to run."""
        return ProfileRules.compile(
            self.validation, self.conditions, self.facts, self.trade_entry, self.gates, self.fingerprint
        )

    @cached_property
    def plan_conditions(self) -> PlanConditions:
        """What the profile asks of a plan, over the facts of its gate."""
        trees = self.trade_entry.plan_conditions
        if trees is None:
            return PlanConditions((), (), ())
        conditions = {**self.conditions.conditions, **self.validation.rules}
        return PlanConditions.link(trees, conditions, self.gates["plan"].facts)

    @staticmethod
    def from_canonical(canonical: Mapping[str, Any]) -> Profile:
        """The profile that ``canonical`` was made of; its fingerprint is the same again.

        Raises ``KeyError`` or ``ValueError`` when it is not the form of a profile.
        """
        parts = {name: canonical[name] for name in ("history", "facts", "metrics") if name in canonical}
        facts = {"kind": "facts", "version": 1, **parts}
        validation = ValidationDocument.model_validate(canonical["validation"])
        return Profile(
            name=validation.profile,
            validation=validation,
            trade_entry=TradeEntryDocument.model_validate(canonical["trade_entry"]),
            contracts=ContractsDocument.model_validate(canonical["contracts"]),
            facts=FactsDocument.model_validate(facts),
            conditions=conditions_document(_DEFINITIONS.validate_python(canonical["conditions"])),
            gates={
                name: Gate.link(GateDocument.model_validate(document))
                for name, document in canonical["gates"].items()
            },
            engine_version=str(canonical["engine"]),
        )


_DEFINITIONS = TypeAdapter(dict[str, ConditionDefinition])


def conditions_document(conditions: Mapping[str, ConditionDefinition]) -> ConditionsDocument:
    """A part of the catalogue, which may be empty as the whole may not."""
    return ConditionsDocument.model_construct(kind="conditions", version=1, conditions=dict(conditions))


def plain_form(model: BaseModel) -> Canonical:
    """A model in the types of JSON, defaults included; ``2.0`` and ``2`` are the same number."""
    return cast(Canonical, _numbers(model.model_dump(mode="json", by_alias=True, exclude_none=True)))


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _numbers(value: Any) -> Any:
    match value:
        case dict():
            return {key: _numbers(inner) for key, inner in cast("dict[str, Any]", value).items()}
        case list():
            return [_numbers(inner) for inner in cast("list[Any]", value)]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value

"""A folder of rules as one value: linked, fingerprinted, immutable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from engine.documents import MapNode, Problem
from engine.gates import Gate
from engine.models.conditions import ConditionDefinition, ConditionsDocument, Expressed
from engine.models.contracts import ContractsDocument
from engine.models.facts import FactsDocument, Metric
from engine.models.gate import GateDocument
from engine.models.reasons import ReasonDefinition, ReasonsDocument
from engine.models.service import ServiceDocument
from engine.models.trade_entry import TradeEntryDocument
from engine.models.validation import ValidationDocument, Walk
from engine.rules import conditions_in
from engine.ruleset.effective import EffectiveValue, effective_values
from engine.ruleset.fixed_code import FixedCode
from engine.ruleset.folder import PROFILE_KINDS, DocumentCache, Folder, read_contents, read_folder
from engine.ruleset.link import LinkedProfile, link
from engine.ruleset.names import section
from engine.ruleset.profile import Profile, conditions_document, plain_form
from engine.ruleset.report import Report
from engine.ruleset.walk import trees_of_walk


class RulesetError(Exception):
    """A folder that cannot be used; ``problems`` are all of its problems, by file, line and column."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something is written; ``file`` is relative to the folder."""

    file: str
    line: int


@dataclass(frozen=True, eq=False)
class Ruleset:
    """Everything a folder decides. ``default_profile`` is the first enabled one of the service's list.

    ``origins`` says where each condition of the catalogue is written, ``own_origins`` where those that a
    profile has for itself are.
    """

    service: ServiceDocument
    facts: FactsDocument
    conditions: Mapping[str, ConditionDefinition]
    origins: Mapping[str, Origin]
    own_origins: Mapping[str, Mapping[str, Origin]]
    reasons: Mapping[str, ReasonDefinition]
    gates: Mapping[str, Gate]
    profiles: Mapping[str, Profile]
    default_profile: str

    def effective(self, profile: str) -> tuple[EffectiveValue, ...]:
        """Every value of a profile with its file (relative to the folder) and line.

        Raises ``KeyError`` for a profile there is none of.
        """
        return self.profiles[profile].values


def load(folder: Path, fixed: FixedCode, cache: DocumentCache | None = None) -> Ruleset:
    """The ruleset of a folder. ``fixed`` is the code that will use it.

    Raises ``RulesetError`` with every problem of the folder, and ``OSError`` when it cannot be read.
    """
    return build(folder.as_posix(), read_contents(folder), fixed, cache or DocumentCache())


def build(shown_as: str, contents: Mapping[str, bytes], fixed: FixedCode, cache: DocumentCache) -> Ruleset:
    """The ruleset of files by relative path; ``shown_as`` stands before the paths in problems."""
    read = read_folder(shown_as, contents, cache)
    report = Report()
    report.causes(read.problems)
    for document in read.documents():
        report.causes(document.problems)
    profiles = link(read, fixed, report)
    if report:
        raise RulesetError(report.sorted())
    return _assemble(read, profiles, fixed)


def _assemble(folder: Folder, linked: Mapping[str, LinkedProfile], fixed: FixedCode) -> Ruleset:
    service = cast(ServiceDocument, folder.singles["service"].model)
    facts = cast(FactsDocument, folder.singles["facts"].model)
    conditions = {
        name: definition
        for document in folder.conditions.values()
        for name, definition in cast(ConditionsDocument, document.model).conditions.items()
    }
    origins = {
        name: Origin(folder.path_of(document.file), entry.key.line)
        for document in folder.conditions.values()
        for name, entry in (section(document, "conditions") or {}).items()
    }
    reasons = cast(ReasonsDocument, folder.singles["reasons"].model)
    gates = {name: Gate.link(cast(GateDocument, document.model)) for name, document in folder.gates.items()}
    profiles = {
        entry.name: _profile(entry.name, linked[entry.name], folder, facts, conditions, gates, fixed)
        for entry in service.profiles
    }
    for profile in profiles.values():
        _ = profile.rules, profile.plan_conditions
    default = next(entry.name for entry in service.profiles if entry.enabled)
    own = {name: _own_origins(linked[name].roots["validation"], folder) for name in profiles}
    return Ruleset(service, facts, conditions, origins, own, reasons.reasons, gates, profiles, default)


def _own_origins(validation: MapNode, folder: Folder) -> dict[str, Origin]:
    rules = validation.get("rules")
    keys = [entry.key for entry in rules.entries.values()] if isinstance(rules, MapNode) else []
    return {str(key.value): Origin(folder.path_of(key.position.file), key.line) for key in keys}


def _profile(
    name: str,
    linked: LinkedProfile,
    folder: Folder,
    facts: FactsDocument,
    conditions: Mapping[str, ConditionDefinition],
    gates: Mapping[str, Gate],
    fixed: FixedCode,
) -> Profile:
    validation = cast(ValidationDocument, linked.models["validation"])
    used = {key: value for key, value in conditions.items() if key in linked.conditions}
    metrics = _metrics_read(validation, {**used, **validation.rules}, facts)
    read = _facts_read(used) | _facts_read(validation.rules) | fixed.facts
    read |= frozenset(name for metric in metrics.values() if metric.value for name in _names_in(metric.value))
    kept = {name: fact for name, fact in facts.facts.items() if name in read}
    values = [
        value
        for kind in PROFILE_KINDS
        for value in effective_values(
            kind, linked.roots[kind], plain_form(linked.models[kind]), folder.path_of
        )
    ]
    return Profile(
        name=name,
        validation=validation,
        trade_entry=cast(TradeEntryDocument, linked.models["trade_entry"]),
        contracts=cast(ContractsDocument, linked.models["contracts"]),
        facts=facts.model_copy(update={"facts": kept, "metrics": metrics}),
        conditions=conditions_document(used),
        gates=gates,
        values=tuple(values),
    )


def _facts_read(conditions: Mapping[str, ConditionDefinition]) -> frozenset[str]:
    """Every name in the expressions; a parameter cannot bear the name of a fact."""
    texts = [definition.when for definition in conditions.values() if isinstance(definition, Expressed)]
    return frozenset(name for text in texts for name in _names_in(text))


def _metrics_read(
    validation: ValidationDocument, conditions: Mapping[str, ConditionDefinition], facts: FactsDocument
) -> dict[str, Metric]:
    """The metrics that the profile's selector reads."""
    selector = validation.execution_selector
    if not isinstance(selector, Walk):
        return {}
    asked = conditions_in(trees_of_walk(selector), conditions)
    read = _facts_read({name: conditions[name] for name in asked})
    return {name: metric for name, metric in facts.metrics.items() if name in read}


def _names_in(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", text)

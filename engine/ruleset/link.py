"""Linking: every name of every document against what defines it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.documents import MapNode, Problem, ReadDocument, plain, validate
from engine.documents.schema import validator_of
from engine.documents.shape import schema_problems
from engine.models import Document
from engine.ruleset.conditions import closure, cycle_problems, definition_problems
from engine.ruleset.expressions import RESERVED
from engine.ruleset.fixed_code import FixedCode
from engine.ruleset.folder import Folder
from engine.ruleset.gates import gate_problems, missing_gates, name_differences, reason_uses
from engine.ruleset.merge import Effective, effective
from engine.ruleset.metric_names import metric_problems
from engine.ruleset.names import (
    ConditionName,
    broken_names,
    conditions_of,
    members,
    section,
    text_of,
    units_of,
)
from engine.ruleset.places import NUMBERLESS_UNITS, Names
from engine.ruleset.profiles import (
    Vocabulary,
    exists_already,
    history_problems,
    own_name_problems,
    plan_condition_problems,
    plan_trees,
    private_conditions,
    service_problems,
    trees_of,
    validation_problems,
)
from engine.ruleset.reasons import reason_problems
from engine.ruleset.report import Report
from engine.ruleset.requirements import Requirements
from engine.ruleset.selectors import selector_trees
from engine.ruleset.trees import uses


@dataclass(frozen=True, slots=True)
class LinkedProfile:
    """The effective documents of one profile by kind, and the catalogue's conditions that it uses."""

    roots: Mapping[str, MapNode]
    models: Mapping[str, Document]
    conditions: frozenset[str]


def link(folder: Folder, fixed: FixedCode, report: Report) -> dict[str, LinkedProfile]:
    """Reports everything that does not fit together; returns the profiles that could be put together."""
    words = _vocabulary(folder, fixed)
    report.extend(missing_gates(folder.shown_as, folder.gates, fixed))
    for name, document in folder.gates.items():
        report.extend(gate_problems(name, document, fixed))
    report.extend(_fact_problems(folder, fixed))
    report.extend(metric_problems(folder, fixed, words.names))
    report.extend(_catalogue_problems(folder, words))
    report.extend(_reason_problems(folder, fixed))
    report.extend(service_problems(folder.singles.get("service"), folder.profiles))
    return {name: _profile(name, folder, words, report) for name in folder.profiles}


def _vocabulary(folder: Folder, fixed: FixedCode) -> Vocabulary:
    anchors = section(folder.singles.get("facts"), "history")
    history = frozenset(anchors) if anchors is not None else None
    defined, complete = _catalogue(folder)
    names = _names(folder, fixed, history or frozenset())
    return Vocabulary(names, defined if complete else None, history)


def _catalogue(folder: Folder) -> tuple[dict[str, ConditionName], bool]:
    """The conditions of all files, each where it is first defined; whether every file could be read."""
    defined: dict[str, ConditionName] = {}
    complete = bool(folder.conditions)
    for document in folder.conditions.values():
        entries = section(document, "conditions")
        complete = complete and entries is not None
        for name, condition in conditions_of(entries or {}, broken_names(document, "conditions")).items():
            defined.setdefault(name, condition)
    return defined, complete


def _names(folder: Folder, fixed: FixedCode, history: frozenset[str]) -> Names | None:
    """Every name that a condition may read; None where a document that defines some cannot be read."""
    document, plan = folder.singles.get("facts"), folder.gates.get("plan")
    facts, of_plan = section(document, "facts"), section(plan, "facts")
    if document is None or facts is None or (of_plan is None and "plan" in fixed.gates):
        return None
    metrics = section(document, "metrics") or {}
    plan_units = {} if plan is None or of_plan is None else units_of(of_plan, broken_names(plan, "facts"))
    return Names(
        _numbers(units_of(facts, broken_names(document, "facts"))),
        _numbers(units_of(metrics, broken_names(document, "metrics"))),
        plan_units,
        history,
    )


def _numbers(units: Mapping[str, str | None]) -> dict[str, str | None]:
    """Units of what is a number; one that is not has been refused, and what follows from it is not told."""
    return {name: None if unit in NUMBERLESS_UNITS else unit for name, unit in units.items()}


def _fact_problems(folder: Folder, fixed: FixedCode) -> Iterator[Problem]:
    document = folder.singles.get("facts")
    facts = section(document, "facts")
    if document is None or document.root is None or facts is None:
        return
    for name, entry in facts.items():
        if name in RESERVED:
            message = f"'{name}' is a word of the rule language and cannot be a fact's name"
            yield entry.key.position.problem(message)
        unit = entry.value.get("unit") if isinstance(entry.value, MapNode) else None
        if unit is not None and text_of(unit) in NUMBERLESS_UNITS:
            yield unit.position.problem(f"a fact of candles is a number, and a '{text_of(unit)}' is not")
    owner = document.root.entries["facts"].key.position
    yield from name_differences("fact", facts, fixed.facts, "fixed code", owner, only=False)
    history = section(document, "history")
    if history is not None:
        owner = document.root.entries["history"].key.position
        yield from name_differences("timeframe", history, fixed.timeframes, "fixed code", owner, only=False)


def _catalogue_problems(folder: Folder, words: Vocabulary) -> Iterator[Problem]:
    defined, _ = _catalogue(folder)
    for document in folder.conditions.values():
        entries = section(document, "conditions") or {}
        for name, condition in conditions_of(entries, broken_names(document, "conditions")).items():
            if condition.key.position != defined[name].key.position:
                yield exists_already(condition, defined[name])
            if not condition.broken:
                yield from definition_problems(condition, words.conditions, words.names)
    yield from cycle_problems(defined)
    requirements = Requirements(defined)
    for condition in defined.values():
        for member in members(condition):
            yield from requirements.problems(member, None)


def _reason_problems(folder: Folder, fixed: FixedCode) -> Iterator[Problem]:
    document = folder.singles.get("reasons")
    reasons = section(document, "reasons")
    if document is None or document.root is None or reasons is None:
        return
    given = [use for name, gate in folder.gates.items() for use in reason_uses(name, gate)]
    owner = document.root.entries["reasons"].key.position
    readable = all(gate.root is not None for gate in folder.gates.values())
    for problem in reason_problems(reasons, owner, given, fixed):
        if readable or not problem.message.startswith("no gate"):
            yield problem


def _profile(name: str, folder: Folder, words: Vocabulary, report: Report) -> LinkedProfile:
    documents = folder.profiles[name]
    report.extend(own_name_problems(name, documents))
    roots: dict[str, MapNode] = {}
    models: dict[str, Document] = {}
    for kind, document in documents.items():
        others = {profile: kinds[kind] for profile, kinds in folder.profiles.items() if kind in kinds}
        merged = effective(name, kind, others)
        report.extend(merged.problems)
        if merged.root is not None:
            roots[kind] = merged.root
            _add_model(kind, document, merged, models, report)
    if "trade_entry" in roots and words.history is not None:
        report.extend(history_problems(roots["trade_entry"], words.history))
    used: frozenset[str] = frozenset()
    if "validation" in roots:
        own = documents["validation"]
        report.extend(validation_problems(roots["validation"], own, words))
        private = private_conditions(roots["validation"], own)
        entry = roots.get("trade_entry")
        report.extend(plan_condition_problems(entry, private, words))
        used = _used(roots["validation"], entry, private, words.conditions or {})
    return LinkedProfile(roots, models, used)


def _add_model(
    kind: str, document: ReadDocument, merged: Effective, models: dict[str, Document], report: Report
) -> None:
    """The model of an effective document: its own, or made and checked anew where it extends another."""
    if document.model is not None:
        models[kind] = document.model
    elif (
        document.extends is not None and merged.complete and not document.problems and merged.root is not None
    ):
        value = plain(merged.root)
        found = list(schema_problems(merged.root, value, validator_of(kind)))
        report.extend(problem for _, problem in found)
        if not found:
            model, refused = validate(merged.root, value, kind)
            report.extend(item.problem for item in refused)
            if model is not None:
                models[kind] = model


def _used(
    root: MapNode,
    entry: MapNode | None,
    private: Mapping[str, ConditionName],
    catalogue: Mapping[str, ConditionName],
) -> frozenset[str]:
    trees = (*trees_of(root), *selector_trees(root), *plan_trees(entry))
    names = [use.name for tree in trees for use in uses(tree)]
    return closure(iter([*names, *private]), {**catalogue, **private}) - set(private)

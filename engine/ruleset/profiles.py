"""Profiles: their documents against each other, the catalogue, the facts' history and the service's list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.documents import MapNode, Node, Position, Problem, ReadDocument, ScalarNode, walk
from engine.expression.nodes import Fact
from engine.ruleset.conditions import cycle_problems, definition_problems
from engine.ruleset.names import (
    ConditionName,
    broken_names,
    conditions_of,
    entries_of,
    items_of,
    text_of,
)
from engine.ruleset.places import Names, Place, Reads
from engine.ruleset.requirements import Requirements
from engine.ruleset.selectors import selector_problems, selector_trees
from engine.ruleset.trees import tree_problems

SIDES = ("long", "short")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the shared documents define; None where a document could not be read and nothing can be told."""

    names: Names | None
    conditions: Mapping[str, ConditionName] | None
    history: frozenset[str] | None
    known_reads: dict[Position, tuple[Fact, ...]] = field(default_factory=dict[Position, tuple[Fact, ...]])

    def reads(self, conditions: Mapping[str, ConditionName]) -> Reads | None:
        """What conditions read; those of the catalogue are found once for all profiles."""
        return None if self.names is None else Reads(self.names, conditions, self.known_reads)


def service_problems(service: ReadDocument | None, profiles: Mapping[str, object]) -> Iterator[Problem]:
    """Profiles listed and not there, there and not listed, listed twice; a list without an enabled one."""
    if service is None or service.root is None or "profiles" not in service.root.entries:
        return
    owner = service.root.entries["profiles"].key.position
    listed: dict[str, int] = {}
    enabled: list[object] = []
    for item in items_of(service.root.get("profiles")):
        fields = entries_of(item)
        node = fields["name"].value if "name" in fields else None
        enabled += [
            entry.value.value
            for key, entry in fields.items()
            if key == "enabled" and isinstance(entry.value, ScalarNode)
        ]
        name = text_of(node)
        if node is None or name is None:
            continue
        if name in listed:
            yield node.position.problem(
                f"profile '{name}' is listed twice", f"it is already on line {listed[name]}"
            )
        elif name not in profiles:
            unlisted = [other for other in profiles if other not in listed]
            yield node.position.unknown("profile", name, unlisted)
        listed.setdefault(name, node.line)
    for name in profiles:
        if name not in listed:
            yield owner.problem(
                f"profile '{name}' has a folder and is not in the list", "add it, enabled or not"
            )
    if enabled and True not in enabled:
        yield owner.problem("no profile is enabled, so there is no default one")


def own_name_problems(name: str, documents: Mapping[str, ReadDocument]) -> Iterator[Problem]:
    """Documents that say another profile than the folder they lie in."""
    for document in documents.values():
        node = document.root.get("profile") if document.root is not None else None
        said = text_of(node)
        if node is not None and said is not None and said != name:
            yield node.position.problem(
                f"unknown profile '{said}': this is the folder of '{name}'", f"did you mean '{name}'?"
            )


def private_conditions(root: MapNode, own: ReadDocument) -> dict[str, ConditionName]:
    """Conditions that a profile adds under ``rules``."""
    return conditions_of(entries_of(root.get("rules")), broken_names(own, "rules"))


def validation_problems(root: MapNode, own: ReadDocument, words: Vocabulary) -> Iterator[Problem]:
    """What is wrong with the names in an effective validation document."""
    private = private_conditions(root, own)
    known: Mapping[str, ConditionName] | None = None
    if words.conditions is not None:
        known = {**words.conditions, **private}
        for name, condition in private.items():
            if name in words.conditions:
                yield exists_already(condition, words.conditions[name])
    for condition in private.values():
        if not condition.broken:
            yield from definition_problems(condition, known, words.names)
    if known is not None:
        yield from cycle_problems(known)
        yield from used_problems(trees_of(root), known, words, lambda names: names.timeframe)
        yield from used_problems(selector_trees(root), known, words, lambda names: names.selector)
        requirements = Requirements(known)
        for timeframe, tree in _trees_by_timeframe(root):
            yield from requirements.problems(tree, timeframe)
        for tree in selector_trees(root):
            yield from requirements.problems(tree, None)
    yield from selector_problems(root)
    yield from _timeframe_problems(root, own, words)
    yield from _filter_problems(root)


def exists_already(condition: ConditionName, other: ConditionName) -> Problem:
    """A condition whose name another one of the catalogue has."""
    where = other.key.position
    place = "/".join(where.file.split("/")[-2:])
    return condition.key.position.problem(
        f"condition '{condition.name}' exists already", f"it is in {place}:{where.line}"
    )


def used_problems(
    trees: Iterator[Node],
    known: Mapping[str, ConditionName],
    words: Vocabulary,
    place: Callable[[Names], Place],
) -> Iterator[Problem]:
    """Trees with an unknown name or a wrong value, or that read what their place does not know."""
    reads = words.reads(known)
    for tree in trees:
        yield from tree_problems(tree, known)
        if reads is not None:
            yield from reads.problems(tree, place(reads.names))


def plan_condition_problems(
    root: MapNode | None, private: Mapping[str, ConditionName], words: Vocabulary
) -> Iterator[Problem]:
    """What is wrong with the names in ``plan_conditions`` of an effective trade-entry document."""
    if words.conditions is not None:
        known = {**words.conditions, **private}
        yield from used_problems(plan_trees(root), known, words, lambda names: names.of_plan)
        requirements = Requirements(known)
        for tree in plan_trees(root):
            yield from requirements.problems(tree, None)


def plan_trees(root: MapNode | None) -> Iterator[Node]:
    """Every condition that a plan must meet."""
    if root is not None:
        yield from items_of(root.get("plan_conditions"))


def trees_of(root: MapNode) -> Iterator[Node]:
    """Every scenario and filter of a validation document."""
    for entry in entries_of(root.get("timeframes")).values():
        for side in SIDES:
            if side in entries_of(entry.value):
                yield from items_of(entries_of(entry.value)[side].value)
    for item in items_of(root.get("filters_mandatory")):
        fields = entries_of(item)
        yield fields["filter"].value if "filter" in fields else item


def _trees_by_timeframe(root: MapNode) -> Iterator[tuple[str, Node]]:
    """Every scenario, and every filter on each timeframe that it can be asked on."""
    rules = entries_of(root.get("timeframes"))
    for timeframe, entry in rules.items():
        for side in SIDES:
            if side in entries_of(entry.value):
                yield from ((timeframe, tree) for tree in items_of(entries_of(entry.value)[side].value))
    for item in items_of(root.get("filters_mandatory")):
        fields = entries_of(item)
        named = (
            [text_of(node) for node in items_of(fields["timeframes"].value)] if "timeframes" in fields else []
        )
        tree = fields["filter"].value if "filter" in fields else item
        yield from ((timeframe, tree) for timeframe in rules if not named or timeframe in named)


def _timeframe_problems(root: MapNode, own: ReadDocument, words: Vocabulary) -> Iterator[Problem]:
    rules = entries_of(root.get("timeframes"))
    decided: set[str] = set()
    for key in ("context_timeframes", "execution_timeframes"):
        seen: set[str] = set()
        for item in items_of(root.get(key)):
            timeframe = text_of(item)
            if timeframe is None:
                continue
            if timeframe in seen:
                yield item.position.problem(f"timeframe '{timeframe}' is in the list twice")
            elif timeframe not in rules:
                hint = f"add timeframes.{timeframe}, or every run ends with NO_CONFIG_FOR_TF"
                yield item.position.problem(f"timeframe '{timeframe}' has no rules", hint)
            elif words.history is not None and timeframe not in words.history:
                yield _no_history(item, timeframe)
            seen.add(timeframe)
        decided |= seen
    if not items_of(root.get("context_timeframes")) or not items_of(root.get("execution_timeframes")):
        return
    for timeframe, entry in rules.items():
        position = entry.key.position
        if position.file != own.file:
            continue
        if timeframe not in decided:
            message = f"the rules of '{timeframe}' are never asked: no context or execution timeframe"
            yield position.problem(message)
        elif not any(items_of(inner.value) for inner in entries_of(entry.value).values()):
            yield position.problem(f"timeframe '{timeframe}' has no scenario on either side")
    for timeframe, entry in entries_of(root.get("min_candles")).items():
        if timeframe not in decided and entry.key.position.file == own.file:
            yield entry.key.position.problem(f"min_candles of '{timeframe}' is never asked")
    least = root.get("min_candles")
    if isinstance(least, MapNode) and least.position.file == own.file:
        for timeframe in sorted(decided - entries_of(least).keys()):
            yield least.position.problem(f"min_candles does not say how many candles '{timeframe}' needs")


def _filter_problems(root: MapNode) -> Iterator[Problem]:
    """Filters whose scope no timeframe of the profile is in."""
    phases: dict[str, list[str]] = {}
    for phase in ("context", "execution"):
        for item in items_of(root.get(f"{phase}_timeframes")):
            phases.setdefault(text_of(item) or "", []).append(phase)
    for item in items_of(root.get("filters_mandatory")):
        fields = entries_of(item)
        if "filter" not in fields:
            continue
        wanted = items_of(fields["phases"].value) if "phases" in fields else ()
        named = items_of(fields["timeframes"].value) if "timeframes" in fields else ()
        for node in named:
            if text_of(node) not in phases:
                yield node.position.problem(
                    f"the filter is never asked on '{text_of(node)}': no context or execution timeframe"
                )
        asked = {
            phase
            for timeframe, of_timeframe in phases.items()
            if not named or timeframe in map(text_of, named)
            for phase in of_timeframe
        }
        if asked and wanted and asked.isdisjoint(map(text_of, wanted)):
            which = " and ".join(sorted(asked))
            yield fields["phases"].key.position.problem(
                "the filter is never asked", f"its timeframes are only asked for the {which}"
            )


def history_problems(root: MapNode, history: frozenset[str]) -> Iterator[Problem]:
    """Timeframes that a trade-entry document reads facts on, by keys like ``pivot_timeframe``."""
    for path, node in walk(root):
        timeframe = text_of(node)
        reads = bool(path) and str(path[-1]).endswith("_timeframe")
        if reads and timeframe is not None and timeframe not in history:
            yield _no_history(node, timeframe)


def _no_history(node: Node, timeframe: str) -> Problem:
    hint = "add it to 'history' in facts.yaml"
    return node.position.problem(f"timeframe '{timeframe}' has no history", hint)

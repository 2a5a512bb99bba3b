"""Gates: their expressions, their facts against what code hands in, their reasons against the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.documents import Entry, MapNode, Node, Position, Problem, ReadDocument, ScalarNode, nearest
from engine.expression import Scope
from engine.ruleset.expressions import RESERVED, read_expression, text_problems
from engine.ruleset.fixed_code import FixedCode
from engine.ruleset.names import broken_names, entries_of, items_of, section, text_of, units_of


@dataclass(frozen=True, slots=True)
class ReasonUse:
    """A place where a gate gives a reason, and the status it gives it."""

    code: str
    node: ScalarNode
    gate: str
    status: str | None


def gate_problems(name: str, document: ReadDocument, fixed: FixedCode) -> Iterator[Problem]:
    """What is wrong with one gate's names and expressions."""
    root = document.root
    if root is None:
        return
    own = root.get("gate")
    if (said := text_of(own)) is not None and own is not None and said != name:
        yield own.position.problem(
            f"gate '{said}' in a file named {name}.yaml", f"write {name}, or rename the file"
        )
    if name not in fixed.gates:
        position = own.position if own is not None else root.position
        yield position.unknown("gate", name, fixed.gates)
    facts = section(document, "facts")
    if facts is None:
        return
    for fact, entry in facts.items():
        if fact in RESERVED:
            message = f"'{fact}' is a word of the rule language and cannot be a fact's name"
            yield entry.key.position.problem(message)
    if name in fixed.gates:
        owner = root.entries["facts"].key.position
        yield from name_differences("fact", facts, fixed.gates[name], f"gate '{name}'", owner)
    yield from _check_problems(document, root, facts)


def missing_gates(folder: str, gates: Iterable[str], fixed: FixedCode) -> Iterator[Problem]:
    """Gates that code asks and the folder does not have."""
    for name in sorted(set(fixed.gates) - set(gates)):
        yield Problem(f"{folder}/gates/{name}.yaml", 1, 1, f"there is no gate '{name}'")


def reason_uses(name: str, document: ReadDocument) -> Iterator[ReasonUse]:
    """Every reason a gate gives."""
    root = document.root
    if root is None:
        return
    status = text_of(root.get("rejects_as"))
    outward = root.get("reason")
    if isinstance(outward, ScalarNode) and (code := text_of(outward)) is not None:
        yield ReasonUse(code, outward, name, status)
    for check in items_of(root.get("checks")):
        if isinstance(check, MapNode):
            node = check.get("reason")
            own = text_of(check.get("rejects_as")) or status
            if isinstance(node, ScalarNode) and (code := text_of(node)) is not None:
                yield ReasonUse(code, node, name, own)


def name_differences(
    what: str,
    defined: Mapping[str, Entry],
    wanted: frozenset[str],
    whose: str,
    owner: Position,
    *,
    only: bool = True,
) -> Iterator[Problem]:
    """Names that are defined and not wanted (where ``only`` the wanted ones may be), and the other way round.

    A missing name is told at the defined one that is most like it, else at ``owner``.
    """
    missing = sorted(wanted - set(defined))
    extra = [name for name in defined if name not in wanted]
    for name in list(missing):
        close = nearest(name, extra)
        if close is not None:
            missing.remove(name)
            message = f"unknown {what} '{close}'" if only else f"no {what} '{name}', which {whose} reads"
            hint = f"did you mean '{name}'?" if only else f"did you mean it by '{close}'?"
            yield defined[close].key.position.problem(message, hint)
            extra.remove(close)
    if only:
        for name in extra:
            yield defined[name].key.position.problem(f"unknown {what} '{name}': nothing hands it to {whose}")
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        shown = f"missing {what}{'s' if len(missing) > 1 else ''} {names}"
        yield owner.problem(f"{shown} of {whose}" if only else f"{shown}, which {whose} reads")


def _check_problems(document: ReadDocument, root: MapNode, facts: Mapping[str, Entry]) -> Iterator[Problem]:
    found = units_of(facts, broken_names(document, "facts"))
    units = {fact: unit or "" for fact, unit in found.items()}
    unreadable = frozenset(fact for fact, unit in found.items() if unit is None)
    values = {fact: _values(entry.value) for fact, entry in facts.items()}
    for check in items_of(root.get("checks")):
        when = entries_of(check)["when"].value if "when" in entries_of(check) else None
        if isinstance(when, ScalarNode) and text_of(when) is not None:
            expression, problems = read_expression(when, Scope(units, history=False), unreadable)
            yield from problems
            if expression is not None:
                yield from text_problems(when, expression, values)


def _values(fact: Node) -> tuple[str, ...] | None:
    node = entries_of(fact)["values"].value if "values" in entries_of(fact) else None
    return tuple(text for item in items_of(node) if (text := text_of(item)) is not None) if node else None

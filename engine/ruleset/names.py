"""What the documents of a folder define, read off their nodes, so that a broken part hides nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.documents import Entry, ListNode, MapNode, Node, ReadDocument, ScalarNode

TreeForm = Literal["all_of", "any_of", "not"]
FORMS: tuple[TreeForm, ...] = ("all_of", "any_of", "not")


@dataclass(frozen=True, slots=True)
class ParameterName:
    """A parameter; bounds that cannot be read are None, which checks nothing."""

    key: ScalarNode
    node: Node
    unit: str | None
    minimum: float | None
    maximum: float | None
    default: float | None
    by_timeframe: Mapping[str, float]

    def value(self, timeframe: str | None) -> float | None:
        """The default on a timeframe; None where it cannot be read."""
        return self.by_timeframe.get(timeframe or "", self.default)


@dataclass(frozen=True, slots=True)
class ConditionName:
    """A condition; ``when`` is None for a tree. One that is ``broken`` is not judged beyond its shape."""

    name: str
    key: ScalarNode
    broken: bool
    params: Mapping[str, ParameterName]
    requires: ScalarNode | None
    when: ScalarNode | None
    tree: tuple[TreeForm, Node] | None


def entries_of(node: Node | None) -> Mapping[str, Entry]:
    """Entries of a map; none of anything else."""
    return node.entries if isinstance(node, MapNode) else {}


def items_of(node: Node | None) -> tuple[Node, ...]:
    """Items of a list; none of anything else."""
    return tuple(node.items) if isinstance(node, ListNode) else ()


def section(document: ReadDocument | None, key: str) -> Mapping[str, Entry] | None:
    """A map at the top of a document; None where the document or the map cannot be read."""
    if document is None or document.root is None:
        return None
    node = document.root.get(key)
    return node.entries if isinstance(node, MapNode) else None


def text_of(node: Node | None) -> str | None:
    """The text of a scalar; None of anything else."""
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else None


def number_of(node: Node | None) -> float | None:
    """The number of a scalar; None of anything else."""
    value = node.value if isinstance(node, ScalarNode) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def setting_of(node: Node | None) -> float | None:
    """The number, or the yes or no, of a scalar; None of anything else."""
    value = node.value if isinstance(node, ScalarNode) else None
    return value if isinstance(value, int | float) else None


def broken_names(document: ReadDocument, key: str) -> frozenset[str]:
    """Entries of a map at the top of a document whose shape is wrong."""
    return frozenset(str(path[1]) for path in document.bad if len(path) > 1 and path[0] == key)


def units_of(entries: Mapping[str, Entry], broken: frozenset[str]) -> dict[str, str | None]:
    """Name to unit; None where the unit cannot be read."""
    return {
        name: text_of(entry.value.get("unit"))
        if isinstance(entry.value, MapNode) and name not in broken
        else None
        for name, entry in entries.items()
    }


def conditions_of(entries: Mapping[str, Entry], broken: frozenset[str]) -> dict[str, ConditionName]:
    """The conditions that a map defines."""
    return {name: _condition(name, entry, name in broken) for name, entry in entries.items()}


def members(condition: ConditionName) -> tuple[Node, ...]:
    """The trees that a condition is composed of."""
    if condition.tree is None:
        return ()
    form, node = condition.tree
    return (node,) if form == "not" else items_of(node)


def _condition(name: str, entry: Entry, broken: bool) -> ConditionName:
    fields = entries_of(entry.value)
    if broken or not fields:
        return ConditionName(name, entry.key, True, {}, None, None, None)
    params = entries_of(fields["params"].value if "params" in fields else None)
    requires, when = (_expression(fields, key) for key in ("requires", "when"))
    tree: tuple[TreeForm, Node] | None = None
    for form in FORMS:
        if form in fields:
            tree = (form, fields[form].value)
    return ConditionName(
        name,
        entry.key,
        False,
        {key: _parameter(inner) for key, inner in params.items()},
        requires,
        when,
        tree,
    )


def _expression(fields: Mapping[str, Entry], key: str) -> ScalarNode | None:
    node = fields[key].value if key in fields else None
    return node if isinstance(node, ScalarNode) and isinstance(node.value, str) else None


def _parameter(entry: Entry) -> ParameterName:
    fields = entries_of(entry.value)

    def value(key: str) -> Node | None:
        return fields[key].value if key in fields else None

    return ParameterName(
        entry.key,
        entry.value,
        text_of(value("unit")),
        number_of(value("minimum")),
        number_of(value("maximum")),
        setting_of(value("default")),
        {
            timeframe: setting
            for timeframe, inner in entries_of(value("by_timeframe")).items()
            if (setting := setting_of(inner.value)) is not None
        },
    )

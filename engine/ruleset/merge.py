"""``extends``: a document laid over the same document of another profile. Maps merge, lists replace.

The nodes of the result keep the files and lines they were written in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.documents import Entry, MapNode, Node, Problem, ReadDocument
from engine.documents.schema import Schema, child_schema, is_mergeable, read_schema, resolve

OWN_KEYS = ("kind", "version", "profile", "summary")
"""Keys that say what a document itself is; they are never taken from the document it extends."""


@dataclass(frozen=True, slots=True)
class Effective:
    """A profile's document with everything it extends. ``root`` is None where a part could not be read."""

    root: MapNode | None
    complete: bool
    problems: tuple[Problem, ...] = ()


def effective(profile: str, kind: str, documents: Mapping[str, ReadDocument]) -> Effective:
    """The effective document of one profile. ``documents``: those of this kind by profile name."""
    chain: list[str] = [profile]
    document = documents[profile]
    layers = [document]
    while (name := document.extends) is not None:
        parent = str(name.value)
        if parent in chain:
            circle = " → ".join([*chain[chain.index(parent) :], parent])
            problem = name.position.problem(f"profiles extend each other in a circle: {circle}")
            return Effective(documents[profile].root, False, (problem,))
        if parent not in documents:
            others = [other for other in documents if other != profile]
            return Effective(
                documents[profile].root, False, (name.position.unknown("profile", parent, others),)
            )
        chain.append(parent)
        document = documents[parent]
        layers.append(document)
    if any(layer.root is None for layer in layers):
        return Effective(None, False)
    schema = read_schema(kind)
    base: Schema = (
        schema["$defs"]["Complete"] if "$defs" in schema and "Complete" in schema["$defs"] else schema
    )
    merged: MapNode | None = None
    for layer in reversed(layers):
        assert layer.root is not None
        own = _without(layer.root, "extends")
        merged = own if merged is None else _merge(_without(merged, *OWN_KEYS), own, base, schema)
    return Effective(merged, True)


def _without(node: MapNode, *keys: str) -> MapNode:
    entries = {key: entry for key, entry in node.entries.items() if key not in keys}
    return MapNode(entries, node.source, node.line, node.column)


def _merge(under: MapNode, over: MapNode, schema: Schema, root: Schema) -> MapNode:
    """``over`` laid over ``under``; a value that may have one of several shapes is replaced as a whole."""
    entries: dict[str, Entry] = dict(under.entries)
    for key, entry in over.entries.items():
        below = entries.get(key)
        inner = child_schema(schema, key)
        value: Node = entry.value
        if below is not None and inner is not None:
            inner = resolve(inner, root)
            if is_mergeable(inner) and isinstance(value, MapNode) and isinstance(below.value, MapNode):
                value = _merge(below.value, value, inner, root)
        entries[key] = Entry(entry.key, value)
    return MapNode(entries, over.source, over.line, over.column)

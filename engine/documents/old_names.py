"""Keys that were called otherwise: a document that has the old name is read as if it had the new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.documents.node import Entry, MapNode

OLD_NAMES: Mapping[str, Mapping[tuple[str, str], str]] = {
    # What was called the greatest age has always been read as the least.
    "contracts": {("selection", "max_age_hours"): "min_listing_age_hours"},
}
"""By kind: the map and its old key, and what the key is called now."""


def renamed(root: MapNode, kind: str) -> MapNode:
    """The document with the keys of today, where they were written; one that has both keeps both."""
    for (section, old), new in OLD_NAMES.get(kind, {}).items():
        entry = root.entries.get(section)
        part = None if entry is None else entry.value
        if entry is None or not isinstance(part, MapNode) or old not in part.entries or new in part.entries:
            continue
        entries = {
            new if key == old else key: _called(one, key, old, new) for key, one in part.entries.items()
        }
        changed = replace(entry, value=replace(part, entries=entries))
        root = replace(root, entries={**root.entries, section: changed})
    return root


def _called(entry: Entry, key: str, old: str, new: str) -> Entry:
    return replace(entry, key=replace(entry.key, value=new)) if key == old else entry

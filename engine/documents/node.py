"""A YAML document as a tree of nodes, each of which knows where it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from engine.documents.problem import Position
from engine.documents.text_position import position_in_text

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
"""What a node comes to in Python: the types of JSON."""

Path = tuple[str | int, ...]
"""Keys and list positions from the root of a document to one of its nodes."""


class Style(Enum):
    """How a scalar was written."""

    PLAIN = ""
    SINGLE_QUOTED = "'"
    DOUBLE_QUOTED = '"'
    LITERAL = "|"
    FOLDED = ">"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A file's name, as it is shown in problems, and its text."""

    file: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class ScalarNode:
    """A text, number or boolean. ``index`` is where it starts in the source text."""

    value: str | int | float | bool | None
    source: Source
    line: int
    column: int
    index: int
    style: Style

    @property
    def position(self) -> Position:
        """Where the scalar starts: at its opening quote, if it has one."""
        return Position(self.source.file, self.line, self.column)

    def position_of(self, offset: int) -> Position:
        """Where character ``offset`` of the scalar's text stands in the file."""
        if not isinstance(self.value, str):
            return self.position
        line, column = position_in_text(
            self.source.text, self.index, self.line, self.column, self.style.value, self.value, offset
        )
        return Position(self.source.file, line, column)


@dataclass(frozen=True, slots=True, eq=False)
class ListNode:
    """A list of nodes."""

    items: Sequence[Node]
    source: Source
    line: int
    column: int

    @property
    def position(self) -> Position:
        """Where the list starts: its bracket, or the dash of its first item."""
        return Position(self.source.file, self.line, self.column)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A key of a map and its value."""

    key: ScalarNode
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class MapNode:
    """A map of nodes by key, in the order of the file."""

    entries: Mapping[str, Entry]
    source: Source
    line: int
    column: int

    @property
    def position(self) -> Position:
        """Where the map starts: its brace, or its first key."""
        return Position(self.source.file, self.line, self.column)

    def get(self, key: str) -> Node | None:
        """The value of a key, or None when the map does not have it."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value


Node = ScalarNode | ListNode | MapNode


def plain(node: Node) -> Plain:
    """The value of a node without positions."""
    match node:
        case ScalarNode():
            return node.value
        case ListNode():
            return [plain(item) for item in node.items]
        case MapNode():
            return {key: plain(entry.value) for key, entry in node.entries.items()}


def at(root: Node, path: Path) -> Node | None:
    """The node at ``path``, or None where the document has nothing there."""
    node: Node | None = root
    for step in path:
        if isinstance(node, MapNode) and isinstance(step, str):
            node = node.get(step)
        elif isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def position_of_value(root: Node, path: Path) -> Position:
    """Where the value at ``path`` is written, or the nearest thing around it that is."""
    while (node := at(root, path)) is None:
        path = path[:-1]
    return node.position


def position_of_key(root: Node, path: Path) -> Position:
    """Where the key (or the list item) at ``path`` is written, or the nearest thing around it that is."""
    if path and isinstance(last := path[-1], str):
        parent = at(root, path[:-1])
        if isinstance(parent, MapNode) and (entry := parent.entries.get(last)) is not None:
            return entry.key.position
    return position_of_value(root, path)


def walk(root: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node under ``root`` with its path, parents first."""
    yield path, root
    match root:
        case MapNode():
            for key, entry in root.entries.items():
                yield from walk(entry.value, (*path, key))
        case ListNode():
            for index, item in enumerate(root.items):
                yield from walk(item, (*path, index))
        case ScalarNode():
            pass

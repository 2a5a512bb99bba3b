"""YAML text into nodes, by way of ruamel.yaml's events, with every problem on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from engine.documents.node import Entry, ListNode, MapNode, Node, ScalarNode, Source, Style
from engine.documents.problem import Position, Problem
from engine.documents.scalars import Reading, read_plain
from engine.documents.syntax import syntax_problems

MAX_DEPTH = 60
"""Maps and lists within each other; a document of ours needs a dozen."""


class Mark(Protocol):
    """ruamel's place in a text, counted from 0."""

    line: int
    column: int
    index: int


class Event(Protocol):
    """What every event of ruamel's parser carries."""

    start_mark: Mark
    anchor: str | None


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The root of a document, or None where there is none to speak of, and what is wrong with it."""

    root: MapNode | None
    problems: tuple[Problem, ...]


class _UnreadableError(Exception):
    """The rest of the document cannot be read; its problem has been noted."""


def read(source: Source) -> ReadResult:
    """Reads one document. Never raises for what the text contains."""
    reader = _Reader(source)
    try:
        root = reader.document()
    except _UnreadableError:
        return ReadResult(None, tuple(reader.problems))
    except (MarkedYAMLError, ReaderError) as error:
        return ReadResult(None, (*reader.problems, *syntax_problems(source, error)))
    if root is not None and not isinstance(root, MapNode):
        reader.problems.append(root.position.problem("a document is a map of keys and values"))
        root = None
    return ReadResult(root, tuple(reader.problems))


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        # ruamel ships no types for its parser
        parse: Any = YAML(typ="safe", pure=True).parse  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        self.events = cast(Iterator[Event], parse(source.text))

    def document(self) -> Node | None:
        root: Node | None = None
        seen = False
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                where = self._position(event)
                if seen:
                    self._refuse(where, "a second document", "a file holds one document")
                if event.version is not None or event.tags:  # pyright: ignore[reportUnknownMemberType]
                    self.problems.append(where.problem("a YAML directive", "leave the line out"))
                seen = True
                root = self._node(next(self.events), 0)
        if not seen or _is_nothing(root):
            self.problems = [Problem(self.source.file, 1, 1, "the document is empty")]
            return None
        return root

    def _node(self, event: Event, depth: int) -> Node:
        where = self._position(event)
        if depth > MAX_DEPTH:
            self._refuse(where, f"more than {MAX_DEPTH} levels of maps and lists")
        if isinstance(event, AliasEvent):
            self.problems.append(
                where.problem(
                    f"an alias '*{cast(Event, event).anchor}'", "write the value out, or use 'extends'"
                )
            )
            return self._scalar(event, Reading(None), Style.PLAIN)
        self._check_decoration(event, where)
        if isinstance(event, ScalarEvent):
            return self._scalar_of(event, where)
        if isinstance(event, MappingStartEvent):
            return self._map(event, depth)
        assert isinstance(event, SequenceStartEvent)
        items: list[Node] = []
        while not isinstance(inner := next(self.events), SequenceEndEvent):
            item = self._node(inner, depth + 1)
            self._refuse_nothing(item)
            items.append(item)
        return ListNode(items, self.source, where.line, where.column)

    def _map(self, event: Event, depth: int) -> MapNode:
        entries: dict[str, Entry] = {}
        while not isinstance(inner := next(self.events), MappingEndEvent):
            key = self._key(inner, depth + 1)
            value = self._node(next(self.events), depth + 1)
            if key is None:
                continue
            if _is_nothing(value):
                self.problems.append(key.position.problem(f"'{key.value}' has no value", _NO_VALUE))
                value = ScalarNode(None, self.source, key.line, key.column, key.index, Style.PLAIN)
            name = str(key.value)
            if name in entries:
                first = entries[name].key.line
                self.problems.append(
                    key.position.problem(f"duplicate key '{name}'", f"it is already on line {first}")
                )
            else:
                entries[name] = Entry(key, value)
        where = self._position(event)
        return MapNode(entries, self.source, where.line, where.column)

    def _key(self, event: Event, depth: int) -> ScalarNode | None:
        """The key of a map as text; None, with a problem, when it is something else."""
        where = self._position(event)
        if not isinstance(event, ScalarEvent):
            self._node(event, depth)
            self.problems.append(where.problem("a key must be text"))
            return None
        text = cast(str, event.value)  # pyright: ignore[reportUnknownMemberType]
        style = Style(cast(Any, event).style or "")
        if style is Style.PLAIN:
            if text == "<<":
                self.problems.append(
                    where.problem("a merge key '<<'", "write the keys out, or use 'extends'")
                )
                return None
            if text == "":
                self.problems.append(where.problem("an empty key"))
                return None
            reading = read_plain(text)
            if reading.message is not None or not isinstance(reading.value, str):
                said = f"a key must be text, and unquoted '{text}' is something else to YAML readers"
                self.problems.append(where.problem(said, f"write '{text}' in quotes"))
        self._check_decoration(event, where)
        return self._scalar(event, Reading(text), style)

    def _scalar_of(self, event: Any, where: Position) -> ScalarNode:
        style = Style(event.style or "")
        text = cast(str, event.value)
        if style is not Style.PLAIN:
            return self._scalar(event, Reading(text), style)
        reading = read_plain(text)
        if reading.message is not None and text != "":
            self.problems.append(where.problem(reading.message, reading.hint))
        return self._scalar(event, reading, style)

    def _scalar(self, event: Event, reading: Reading, style: Style) -> ScalarNode:
        mark = event.start_mark
        return ScalarNode(reading.value, self.source, mark.line + 1, mark.column + 1, mark.index, style)

    def _check_decoration(self, event: Any, where: Position) -> None:
        if event.anchor is not None:
            self.problems.append(
                where.problem(f"an anchor '&{event.anchor}'", "write the value where it is used")
            )
        if event.ctag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self.problems.append(where.problem(f"a tag '{tag}'", "leave it out; the value says what it is"))

    def _refuse_nothing(self, item: Node) -> None:
        if _is_nothing(item):
            self.problems.append(
                item.position.problem("an empty list item", "write a value, or leave the dash out")
            )

    def _position(self, event: Event) -> Position:
        return Position(self.source.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refuse(self, where: Position, message: str, hint: str | None = None) -> None:
        self.problems.append(where.problem(message, hint))
        raise _UnreadableError


_NO_VALUE = "write a value, or leave the key out"


def _is_nothing(node: Node | None) -> bool:
    """Whether a value was left out altogether; an explicit ``null`` has been refused already."""
    return (
        isinstance(node, ScalarNode) and node.value is None and node.style is Style.PLAIN and _is_blank(node)
    )


def _is_blank(node: ScalarNode) -> bool:
    rest = node.source.text[node.index : node.index + 4].lower()
    return not rest.startswith(("~", "null", "*"))

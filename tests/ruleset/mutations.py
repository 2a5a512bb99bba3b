"""Every place of a document where a letter can go wrong, and every way it goes wrong.

Places are found by the schema, not by a list: a key that the schema declares, a value it enumerates, a name
that a document defines, a name that refers to one. Texts that are free (a summary, a version, a regular
expression, a currency) are none.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from engine.documents import ListNode, MapNode, Node, ScalarNode, read_bytes
from engine.documents.branch import declared_keys
from engine.documents.node import Style
from engine.documents.schema import read_schema, resolve
from engine.expression.words import FUNCTIONS
from engine.models.base import Code, Name

NAME_PATTERNS = {alias.__metadata__[0].pattern for alias in (Name, Code)}
GRAMMAR = frozenset({"and", "or", "not", "in", "true", "false", *FUNCTIONS})
DEFINING = ("facts", "metrics", "conditions", "reasons", "rules", "params")
"""Keys over maps whose own keys define names."""

Path = tuple[str | int, ...]

FREE: Path = ("replaces",)
"""Keys over names that nothing here refers to: those of other systems. Those of a split's strategies are
only told, too."""


@dataclass(frozen=True)
class Site:
    """``text`` at ``start`` in ``file``; ``role``: what kind of name it is; ``valid``: what it may be."""

    file: str
    role: str
    path: Path
    start: int
    line: int
    column: int
    text: str
    valid: frozenset[str] = field(default_factory=frozenset[str])
    in_choice: bool = False

    @property
    def entry(self) -> Path:
        """The smallest part of the document that is judged by itself.

        Where the schema offers a choice of shapes, one slip can hide another by pointing to another shape:
        there it is a whole list item, or a whole entry of a map at the top.
        """
        lists = [i for i, step in enumerate(self.path) if isinstance(step, int)]
        return self.path[: max(lists[-1] + 1 if lists else 0, 2)] if self.in_choice else self.path

    @property
    def level(self) -> tuple[bool, str, int]:
        """Sites of one level do not lie within each other, unless in one entry."""
        if self.in_choice:
            return True, "", sum(isinstance(step, int) for step in self.path)
        return False, self.role, len(self.path)


@dataclass(frozen=True)
class Mutation:
    """One edit: ``new`` in place of the site's text."""

    site: Site
    new: str


def single_edits(text: str) -> list[list[str]]:
    """The text with a letter dropped, with one doubled, and with one swapped with its neighbour."""
    dropped = [text[:i] + text[i + 1 :] for i in range(len(text))]
    doubled = [text[: i + 1] + text[i:] for i in range(len(text))]
    swapped = [text[:i] + text[i + 1] + text[i] + text[i + 2 :] for i in range(len(text) - 1)]
    return [[edit for edit in dict.fromkeys(edits) if edit != text] for edits in (dropped, doubled, swapped)]


def mutations(site: Site, *, every: bool) -> list[Mutation]:
    """Single edits of a site that do not make another valid text: all of them, or one of each kind.

    Which one depends on where the site is, so that sites of one name are tried at different letters.
    """
    kinds = [[edit for edit in edits if edit not in site.valid] for edits in single_edits(site.text)]
    if every:
        return [Mutation(site, new) for new in dict.fromkeys(edit for edits in kinds for edit in edits)]
    chosen = [edits[zlib.crc32(f"{site.file}{site.start}".encode()) % len(edits)] for edits in kinds if edits]
    return [Mutation(site, new) for new in dict.fromkeys(chosen)]


def batches(edits: list[Mutation]) -> Iterator[list[Mutation]]:
    """The edits in batches: all of one level, and no two in one entry, so that none hides another."""
    levels: dict[tuple[bool, str, int], dict[Path, list[Mutation]]] = {}
    for edit in edits:
        levels.setdefault(edit.site.level, {}).setdefault(edit.site.entry, []).append(edit)
    for entries in levels.values():
        for batch in zip_longest(*entries.values()):
            yield [edit for edit in batch if edit is not None]


def apply(text: str, edits: list[Mutation]) -> str:
    """The text with all edits made."""
    for edit in sorted(edits, key=lambda edit: -edit.site.start):
        start, old = edit.site.start, edit.site.text
        assert text[start : start + len(old)] == old
        text = text[:start] + edit.new + text[start + len(old) :]
    return text


def sites(file: str, content: bytes, kind: str) -> list[Site]:
    """All sites of one document that is without problems."""
    document = read_bytes(file, content, kind)
    assert document.root is not None and not document.problems, document.problems
    schema = read_schema(kind)
    return list(_Finder(file, content.decode(), schema).visit(document.root, schema, ()))


def wrong_types(file: str, content: bytes, kind: str) -> list[Mutation]:
    """Every value of a document replaced by values of types that its schema does not allow."""
    document = read_bytes(file, content, kind)
    assert document.root is not None and not document.problems, document.problems
    finder = _Finder(file, content.decode(), read_schema(kind))
    return [
        Mutation(site, new + "\n" * site.text.count("\n"))
        for node, shapes, path, choice in finder.values(document.root, read_schema(kind), (), False)
        for site in [replace(finder.span(node, path), in_choice=choice)]
        for new in _replacements(shapes)
    ]


def _replacements(shapes: list[dict[str, Any]]) -> list[str]:
    allowed = {shape.get("type", "string") for shape in shapes}
    others = [("7", {"integer", "number"}), ("[]", {"array"}), ("{}", {"object"}), ("true", {"boolean"})]
    others.append(("some text", {"string"}))
    return [new for new, types in others if not types & allowed]


def _any_of(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


@dataclass(frozen=True)
class _Finder:
    file: str
    text: str
    root: dict[str, Any]

    def visit(self, node: Node, schema: dict[str, Any], path: Path) -> Iterator[Site]:
        if path[-1:] == FREE or (path[-3:-2], path[-1:]) == (("strategies",), ("name",)):
            return
        shapes = self.shapes(schema)
        choice = self.is_choice(schema)
        tags = frozenset(key for key, _ in self.tags(schema))
        found: Iterator[Site] = iter(())
        if isinstance(node, MapNode):
            found = self.map(node, self.named(node, schema), path)
        elif isinstance(node, ListNode):
            inner = [shape["items"] for shape in shapes if "items" in shape]
            for index, item in enumerate(node.items):
                yield from self.visit(item, _any_of(inner), (*path, index))
        elif isinstance(node.value, str):
            found = self.scalar(node, shapes, path)
        for site in found:
            own = len(site.path) <= len(path) + 1
            tells_shape = len(site.path) > len(path) and site.path[len(path)] in tags
            yield replace(site, in_choice=site.in_choice or (own and (choice or tells_shape)))

    def tags(self, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Keys whose value names the shape of a map, with the shapes they name."""
        schema = resolve(schema, self.root)
        if "discriminator" in schema:
            yield schema["discriminator"]["propertyName"], schema["discriminator"]["mapping"]
            for branch in schema["oneOf"]:
                yield from self.tags(branch)

    def is_choice(self, schema: dict[str, Any]) -> bool:
        """Whether a value may have several shapes, and none of its keys says which one it has."""
        schema = resolve(schema, self.root)
        return "discriminator" not in schema and len(self.shapes(schema)) > 1

    def named(self, node: MapNode, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """The shape that a map's own keys name, else all shapes it may have."""
        schema = resolve(schema, self.root)
        for key, mapping in list(self.tags(schema))[:1]:
            value = node.get(key)
            branch = mapping[value.value] if isinstance(value, ScalarNode) else None
            if branch is not None:
                return self.named(node, {"$ref": branch} if isinstance(branch, str) else branch)
        return self.shapes(schema)

    def shapes(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        """The schema's alternatives, references followed."""
        schema = resolve(schema, self.root)
        if "else" in schema:
            return self.shapes(schema["else"])
        inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        return [shape for branch in inner for shape in self.shapes(branch)] if inner else [schema]

    def map(self, node: MapNode, shapes: list[dict[str, Any]], path: Path) -> Iterator[Site]:
        declared = frozenset(key for shape in shapes for key in declared_keys(shape, self.root))
        listed = frozenset(key for shape in shapes for key in shape.get("propertyNames", {}).get("enum", ()))
        for key, entry in node.entries.items():
            at = (*path, key)
            if key in declared:
                yield self.site(entry.key, "key", at, declared)
            elif listed:
                yield self.site(entry.key, "key", at, listed)
            elif path and path[-1] in DEFINING:
                yield self.site(entry.key, f"definition of {path[-1]}", at)
            elif len(path) > 1 and isinstance(path[-1], str) and path[-2:-1] != ("timeframes",):
                yield self.site(entry.key, "parameter", at)
            else:
                yield self.site(entry.key, "condition", at)
            yield from self.visit(entry.value, self.below(shapes, key), at)

    def below(self, shapes: list[dict[str, Any]], key: str) -> dict[str, Any]:
        """The schema of what stands under a key, in any of the shapes."""
        inner = [s["properties"][key] for s in shapes if key in s.get("properties", {})]
        if not inner:
            inner = [rest for s in shapes for rest in s.get("patternProperties", {}).values()]
            rests = [s.get("additionalProperties") for s in shapes]
            inner += [rest for rest in rests if isinstance(rest, dict)]
        return _any_of(inner)

    def values(
        self, node: Node, schema: dict[str, Any], path: Path, around: bool
    ) -> Iterator[tuple[Node, list[Any], Path, bool]]:
        """Every value below the root, the shapes it may have, and whether it or its map has several."""
        shapes = self.shapes(schema)
        choice = self.is_choice(schema)
        if path:
            yield node, shapes, path, choice or around
        if isinstance(node, MapNode):
            for key, entry in node.entries.items():
                yield from self.values(entry.value, self.below(shapes, key), (*path, key), choice)
        elif isinstance(node, ListNode):
            inner = _any_of([shape["items"] for shape in shapes if "items" in shape])
            for index, item in enumerate(node.items):
                yield from self.values(item, inner, (*path, index), choice)

    def span(self, node: Node, path: Path) -> Site:
        """A value from its first to its last character."""
        start = self.index_of(node.line, node.column)
        text = self.text[start : self.end(node, start)]
        return Site(self.file, "value", path, start, node.line, node.column, text)

    def end(self, node: Node, start: int) -> int:
        if isinstance(node, ScalarNode):
            if not isinstance(node.value, str):
                return start + len(re.match(r"[-+.\w]+", self.text[start:])[0])  # type: ignore[index]
            last = node.position_of(len(node.value) - 1)
            quote = node.style in (Style.SINGLE_QUOTED, Style.DOUBLE_QUOTED)
            return self.index_of(last.line, last.column) + 1 + quote
        inner = list(node.items) if isinstance(node, ListNode) else [e.value for e in node.entries.values()]
        end = self.end(inner[-1], self.index_of(inner[-1].line, inner[-1].column)) if inner else start + 1
        closing = {"[": "]", "{": "}"}.get(self.text[start])
        return self.text.index(closing, end) + 1 if closing else end

    def scalar(self, node: ScalarNode, shapes: list[dict[str, Any]], path: Path) -> Iterator[Site]:
        listed = frozenset(
            value for s in shapes for value in [*s.get("enum", ()), *([s["const"]] if "const" in s else [])]
        )
        if path[-1] == "when":
            yield from self.words(node, path)
        elif listed:
            yield self.site(node, "choice", path, listed)
        elif any(shape.get("pattern") in NAME_PATTERNS for shape in shapes):
            role = (
                str(path[-1]) if path[-1] in ("reason", "profile", "gate", "name", "extends") else "condition"
            )
            yield self.site(node, role, path)
        elif "values" in path[-2:]:
            yield self.site(node, "definition of values", path)

    def words(self, node: ScalarNode, path: Path) -> Iterator[Site]:
        """Names, words of the grammar, and texts in an expression."""
        value = str(node.value)
        for match in re.finditer(r"""(["'])(?P<text>\w+)\1|(?<!\w)(?P<word>[A-Za-z_]\w*)""", value):
            group = "text" if match["text"] else "word"
            position = node.position_of(match.start(group))
            start = self.index_of(position.line, position.column)
            yield Site(self.file, group, path, start, position.line, position.column, match[group], GRAMMAR)

    def site(self, node: ScalarNode, role: str, path: Path, valid: frozenset[str] = frozenset()) -> Site:
        start = node.index + (node.style in (Style.SINGLE_QUOTED, Style.DOUBLE_QUOTED))
        return Site(self.file, role, path, start, node.line, node.column, str(node.value), valid)

    def index_of(self, line: int, column: int) -> int:
        return sum(len(row) + 1 for row in self.text.split("\n")[: line - 1]) + column - 1

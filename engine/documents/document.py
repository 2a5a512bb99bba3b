"""One YAML document: read, of a known kind, and of the shape that its kind prescribes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from engine.documents.node import (
    MapNode,
    Node,
    Path,
    ScalarNode,
    Source,
    at,
    plain,
    position_of_key,
    position_of_value,
)
from engine.documents.old_names import renamed
from engine.documents.problem import Problem, did_you_mean
from engine.documents.reader import read
from engine.documents.schema import schema_file, validator_of
from engine.documents.shape import Found, schema_problems
from engine.documents.wording import one_of
from engine.models import KINDS, Document

_SCHEMA_COMMENT = re.compile(r"#\s*yaml-language-server:\s*\$schema=(\S+)")


@dataclass(frozen=True, slots=True, eq=False)
class ReadDocument:
    """What a file came to.

    ``root`` is None when nothing could be read of it; ``model`` is None when it has problems, or when it
    extends another document and is complete only together with that. ``bad`` are the paths of what is wrong:
    what stands there is not to be judged again.
    """

    file: str
    kind: str | None
    root: MapNode | None
    model: Document | None
    problems: tuple[Problem, ...]
    bad: tuple[Path, ...] = ()

    @property
    def extends(self) -> ScalarNode | None:
        """The name after ``extends``, if the document has it."""
        node = self.root.get("extends") if self.root is not None else None
        return node if isinstance(node, ScalarNode) and isinstance(node.value, str) else None


def read_document(file: str, text: str, kind: str | None = None) -> ReadDocument:
    """Reads and checks one document. ``kind`` is what its place calls for; None takes the document's word."""
    source = Source(file, text)
    result = read(source)
    if result.root is None:
        return ReadDocument(file, kind, None, None, result.problems)
    problems = _Problems(result.problems)
    kind = _kind(result.root, kind, problems)
    if kind is None:
        return ReadDocument(file, None, result.root, None, problems.sorted())
    _check_comment(source, kind, problems)
    root = renamed(result.root, kind)
    value = plain(root)
    problems.add(schema_problems(root, value, validator_of(kind)))
    model = None
    if "extends" not in root.entries:
        model, found = validate(root, value, kind)
        problems.add_where_clean(found)
    return ReadDocument(
        file, kind, root, None if problems else model, problems.sorted(), tuple(problems.paths)
    )


def read_file(path: FilePath, shown_as: str, kind: str | None = None) -> ReadDocument:
    """Reads and checks one file. A file that is not UTF-8 is a problem; a missing one raises ``OSError``."""
    return read_bytes(shown_as, path.read_bytes(), kind)


def read_bytes(file: str, content: bytes, kind: str | None = None) -> ReadDocument:
    """Reads and checks the content of one file."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        problem = Problem(file, line, column, "a byte that is not UTF-8 text", "save the file as UTF-8")
        return ReadDocument(file, kind, None, None, (problem,))
    return read_document(file, text, kind)


@dataclass(frozen=True, slots=True)
class ModelFound:
    """What a model refuses; ``own``: by one of its own rules, beyond the shape that the schema checks."""

    path: Path
    problem: Problem
    own: bool


def validate(root: Node, value: Any, kind: str) -> tuple[Document | None, list[ModelFound]]:
    """The model of a document's plain ``value``, or what the model refuses in it."""
    try:
        return KINDS[kind].model_validate(value), []
    except ValidationError as error:
        return None, list(_model_problems(root, error))


class _Problems:
    """Problems of one document; of several at one place, the first is the cause of the others."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._found = {(problem.line, problem.column): problem for problem in reversed(list(problems))}
        self.paths: list[Path] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, found: Iterable[Found]) -> None:
        for path, problem in found:
            self.paths.append(path)
            self._found.setdefault((problem.line, problem.column), problem)

    def add_where_clean(self, found: Iterable[ModelFound]) -> None:
        """Adds what the model says beyond the schema, of places that nothing is wrong with so far."""
        clean = not self._found
        known = list(self.paths)
        for item in found:
            path = item.path
            covered = any(path[: len(bad)] == bad or bad[: len(path)] == path for bad in known)
            if not covered and (clean or item.own):
                self.add([(path, item.problem)])

    def sorted(self) -> tuple[Problem, ...]:
        return tuple(sorted(self._found.values()))


def _kind(root: MapNode, expected: str | None, problems: _Problems) -> str | None:
    """The kind to judge the document by: what its place calls for, else what it says."""
    node = root.get("kind")
    said = node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else None
    if expected is None and said in KINDS:
        return said
    if node is None:
        if expected is None:
            hint = f"write 'kind: …' with {one_of(KINDS)}"
            problems.add([((), root.position.problem("missing key 'kind'", hint))])
    elif said not in KINDS:
        shown = f"unknown kind '{said}'" if said is not None else "the kind must be a name"
        hint = did_you_mean(said or "", [expected] if expected else KINDS) or one_of(KINDS)
        problems.add([(("kind",), node.position.problem(shown, hint))])
    elif said != expected:
        message = f"a document of kind '{said}' where one of kind '{expected}' is expected"
        problems.add([(("kind",), node.position.problem(message))])
    return expected


def _check_comment(source: Source, kind: str, problems: _Problems) -> None:
    """The editor's schema comment, where there is one, must name the schema that is in force here."""
    first = source.text.split("\n", 1)[0]
    comment = _SCHEMA_COMMENT.match(first)
    if comment is None or comment.group(1).rsplit("/", 1)[-1] == schema_file(kind):
        return
    message = f"the schema comment does not name {schema_file(kind)}, the schema of kind '{kind}'"
    problems.add([((), Problem(source.file, 1, comment.start(1) + 1, message))])


def _model_problems(root: Node, error: ValidationError) -> Iterable[ModelFound]:
    """pydantic's errors at their places; of the shapes of a union, the one that got furthest counts."""
    found: list[ModelFound] = []
    for item in error.errors(include_url=False):
        path, of_key = _document_path(root, item["loc"])
        own = item["type"] in ("value_error", "assertion_error")
        message = item["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        position = position_of_key(root, path) if of_key or own else position_of_value(root, path)
        found.append(ModelFound(path, position.problem(message[:1].lower() + message[1:]), own))
    kept: list[Path] = []
    for item in sorted(found, key=lambda found: (-len(found.path), not found.own)):
        if not any(longer[: len(item.path)] == item.path for longer in kept):
            kept.append(item.path)
            yield item


def _document_path(root: Node, loc: tuple[int | str, ...]) -> tuple[Path, bool]:
    """pydantic's location less the names of union members, which no document has; whether of a key."""
    path: Path = ()
    for step in loc:
        if at(root, (*path, step)) is not None:
            path = (*path, step)
    return path, bool(loc) and loc[-1] == "[key]"

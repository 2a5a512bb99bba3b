"""The files of a rules folder, each read and checked by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.documents import Problem, ReadDocument, did_you_mean, read_bytes

SINGLES = ("service", "facts", "reasons")
"""Documents at the top of the folder, in ``<kind>.yaml``."""

CONDITIONS = "conditions"
"""Folder of the catalogue: one list of conditions in as many files as its operator likes."""

PROFILE_KINDS = ("validation", "trade_entry", "contracts")
"""Documents of every profile, in ``profiles/<name>/<kind>.yaml``."""

YAML_SUFFIXES = (".yaml", ".yml")


@dataclass(slots=True)
class DocumentCache:
    """Documents by file name and content: reading a folder again only reads what changed."""

    documents: dict[tuple[str, str], ReadDocument] = field(
        default_factory=dict[tuple[str, str], ReadDocument]
    )

    def read(self, shown_as: str, content: bytes, kind: str) -> ReadDocument:
        """The document, read now or before."""
        key = (shown_as, hashlib.sha256(content).hexdigest())
        if key not in self.documents:
            for old in [old for old in self.documents if old[0] == shown_as]:
                del self.documents[old]
            self.documents[key] = read_bytes(shown_as, content, kind)
        return self.documents[key]


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds. ``problems`` are those of its layout; each document has its own."""

    shown_as: str
    singles: Mapping[str, ReadDocument]
    conditions: Mapping[str, ReadDocument]
    gates: Mapping[str, ReadDocument]
    profiles: Mapping[str, Mapping[str, ReadDocument]]
    problems: tuple[Problem, ...]

    def documents(self) -> Iterator[ReadDocument]:
        """All documents."""
        yield from self.singles.values()
        yield from self.conditions.values()
        yield from self.gates.values()
        for profile in self.profiles.values():
            yield from profile.values()

    def path_of(self, file: str) -> str:
        """A shown file name, relative to the folder."""
        return file.removeprefix(f"{self.shown_as}/")


def read_contents(folder: Path) -> dict[str, bytes]:
    """The content of every YAML file under ``folder`` by its relative path. Raises ``OSError``."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder of rules")
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix in YAML_SUFFIXES and path.is_file() and not hidden:
            found[_encodable(relative.as_posix())] = path.read_bytes()
    return found


def _encodable(name: str) -> str:
    """A file's name with escapes for bytes that are no UTF-8, so that every problem of it can be told."""
    return name.encode(errors="backslashreplace").decode()


def content_hash(contents: Mapping[str, bytes]) -> str:
    """One hash for all files: the same exactly when no file came, went or changed."""
    digest = hashlib.sha256()
    for path, content in sorted(contents.items()):
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def read_folder(shown_as: str, contents: Mapping[str, bytes], cache: DocumentCache) -> Folder:
    """Reads every file in its place; a file in no place, and a place without a file, are problems."""
    singles: dict[str, ReadDocument] = {}
    conditions: dict[str, ReadDocument] = {}
    gates: dict[str, ReadDocument] = {}
    profiles: dict[str, dict[str, ReadDocument]] = {}
    problems: list[Problem] = []
    for path, content in contents.items():
        match path.removesuffix(".yaml").split("/"):
            case [kind] if kind in SINGLES and path.endswith(".yaml"):
                singles[kind] = cache.read(f"{shown_as}/{path}", content, kind)
            case [folder, name] if folder == CONDITIONS and path.endswith(".yaml"):
                conditions[name] = cache.read(f"{shown_as}/{path}", content, "conditions")
            case ["gates", name] if path.endswith(".yaml"):
                gates[name] = cache.read(f"{shown_as}/{path}", content, "gate")
            case ["profiles", name, kind] if kind in PROFILE_KINDS and path.endswith(".yaml"):
                profiles.setdefault(name, {})[kind] = cache.read(f"{shown_as}/{path}", content, kind)
            case parts:
                problems.append(_misplaced(shown_as, path, parts))
    for kind in SINGLES:
        if kind not in singles:
            problems.append(Problem(f"{shown_as}/{kind}.yaml", 1, 1, f"there is no {kind}.yaml"))
    if not conditions:
        hint = f"add {CONDITIONS}/<name>.yaml"
        problems.append(Problem(f"{shown_as}/{CONDITIONS}", 1, 1, "there are no conditions", hint))
    for name, documents in profiles.items():
        for kind in PROFILE_KINDS:
            if kind not in documents:
                file = f"{shown_as}/profiles/{name}/{kind}.yaml"
                problems.append(Problem(file, 1, 1, f"profile '{name}' has no {kind}.yaml"))
    return Folder(shown_as, singles, conditions, gates, profiles, tuple(problems))


def _misplaced(shown_as: str, path: str, parts: list[str]) -> Problem:
    head, name = "/".join(parts[:-1]), parts[-1].removesuffix(".yml")
    names = PROFILE_KINDS if len(parts) == 3 and parts[0] == "profiles" else SINGLES
    if path == f"{CONDITIONS}.yaml":
        hint = f"conditions are read from the files in {CONDITIONS}, so move it there"
        return Problem(f"{shown_as}/{path}", 1, 1, "no document of this name is read here", hint)
    hint = (
        f"did you mean '{name}.yaml'?"
        if path.endswith(".yml")
        else did_you_mean(f"{name}.yaml", [f"{kind}.yaml" for kind in names])
    )
    where = f"in {head}" if head else "here"
    return Problem(f"{shown_as}/{path}", 1, 1, f"no document of this name is read {where}", hint)

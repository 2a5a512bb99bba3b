"""JSON Schemas (Draft 2020-12) of the document kinds: made from the models, read from their files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator, validators
from jsonschema.protocols import Validator

from engine.models import KINDS, Document

Schema = dict[str, Any]

PARTIAL = "Partial"
"""Prefix of the definitions for a document with ``extends``: the same keys, none of them required."""


def schema_dir() -> Path:
    """The folder of the schema files: beside ``engine`` in a checkout, inside the package when installed."""
    engine = Path(__file__).resolve().parent.parent
    installed = engine / "_data" / "schemas"
    return installed if installed.is_dir() else engine.parent / "schemas"


def schema_of(kind: str) -> Schema:
    """The schema of one kind, made from its model. Raises ``KeyError`` for a kind there is none of."""
    model: type[Document] = KINDS[kind]
    made = _tidy(model.model_json_schema())
    definitions = cast(Schema, made.pop("$defs", {}))
    head: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Entrygate {kind.replace('_', ' ')} document",
        "description": made.pop("description"),
    }
    if "extends" not in made["properties"]:
        return head | made | ({"$defs": definitions} if definitions else {})
    definitions["Complete"] = made
    _add_partial("Complete", definitions, keep=("kind", "version", "profile", "extends"))
    return head | {
        "if": {"type": "object", "required": ["extends"]},
        "then": {"$ref": f"#/$defs/{PARTIAL}Complete"},
        "else": {"$ref": "#/$defs/Complete"},
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text(kind: str) -> str:
    """The schema of one kind as its file holds it."""
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"


def schema_file(kind: str) -> str:
    """Name of the file with the schema of a kind."""
    return f"{kind}.schema.json"


def write_schemas(directory: Path) -> list[Path]:
    """Writes the schema of every kind to ``directory``, made if need be; returns the files."""
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for kind in KINDS:
        path = directory / schema_file(kind)
        path.write_text(schema_text(kind), encoding="utf-8")
        written.append(path)
    return written


@cache
def read_schema(kind: str) -> Schema:
    """The schema of one kind as its file says. Raises ``OSError`` when the file is missing."""
    text = (schema_dir() / schema_file(kind)).read_text(encoding="utf-8")
    return cast(Schema, json.loads(text))


@cache
def validator_of(kind: str) -> Validator:
    """A validator of the kind's schema file."""
    return _TaggedValidator(read_schema(kind))


def _one_of(validator: Any, branches: list[Schema], instance: Any, schema: Schema) -> Iterator[Any]:
    """``oneOf``; where a key of the value names the branch, only that one is tried, with the same answer."""
    chosen = _named_branch(instance, schema)
    if chosen is None:
        return cast("Iterator[Any]", _BASE.VALIDATORS["oneOf"](validator, branches, instance, schema))
    return cast("Iterator[Any]", validator.descend(instance, chosen))


def _named_branch(instance: Any, schema: Schema) -> Schema | None:
    tag = cast("Schema | None", schema.get("discriminator"))
    if tag is None or not isinstance(instance, dict):
        return None
    name = cast(Schema, instance).get(tag["propertyName"])
    branch = tag["mapping"].get(name) if isinstance(name, str) else None
    return {"$ref": branch} if isinstance(branch, str) else cast("Schema | None", branch)


_BASE: Any = Draft202012Validator
_TaggedValidator: Any = cast(Any, validators).extend(_BASE, {"oneOf": _one_of})


def resolve(schema: Mapping[str, Any], root: Schema) -> Schema:
    """``schema`` itself, or the definition of ``root`` that it refers to."""
    while "$ref" in schema:
        schema = root["$defs"][str(schema["$ref"]).removeprefix("#/$defs/")]
    return cast(Schema, schema)


def is_mergeable(schema: Schema) -> bool:
    """Whether a map of this schema merges with the map it extends: one shape, not one of several."""
    return schema.get("type") == "object"


def child_schema(schema: Schema, key: str) -> Schema | None:
    """Schema of the value under ``key`` in a map of ``schema``, or None where it says nothing of it."""
    properties = cast(Schema, schema.get("properties", {}))
    if key in properties:
        return cast(Schema, properties[key])
    for rest in (
        *cast(Schema, schema.get("patternProperties", {})).values(),
        schema.get("additionalProperties"),
    ):
        if isinstance(rest, dict):
            return cast(Schema, rest)
    return None


# -- making ------------------------------------------------------------------------------------------------


def _tidy(schema: Schema) -> Schema:
    """What pydantic writes, less its titles and nulls: no value of a document is null."""
    tidied = _each_child(schema, _tidy)
    tidied.pop("title", None)
    if "default" in tidied and tidied["default"] is None:
        del tidied["default"]
    if "patternProperties" in tidied:
        tidied["additionalProperties"] = False
    if "anyOf" in tidied:
        branches = [branch for branch in tidied["anyOf"] if branch.get("type") != "null"]
        if {"type": "number"} in branches:
            branches = [branch for branch in branches if branch != {"type": "integer"}]
        tidied["anyOf"] = branches
        if len(branches) == 1:
            del tidied["anyOf"]
            tidied = branches[0] | tidied
    return tidied


def _add_partial(name: str, definitions: Schema, keep: tuple[str, ...] = ()) -> None:
    """Adds a copy of a definition in which keys may be left out, down to lists and choices of shapes."""
    if PARTIAL + name in definitions:
        return
    definitions[PARTIAL + name] = {}

    def loosened(schema: Schema) -> Schema:
        if "$ref" in schema:
            target = str(schema["$ref"]).removeprefix("#/$defs/")
            if not is_mergeable(definitions[target]):
                return schema
            _add_partial(target, definitions)
            return schema | {"$ref": f"#/$defs/{PARTIAL}{target}"}
        if not is_mergeable(schema):
            return schema
        return {key: value for key, value in _each_child(schema, loosened).items() if key != "required"}

    partial = loosened(cast(Schema, definitions[name]))
    definitions[PARTIAL + name] = partial | ({"required": list(keep)} if keep else {})


def _each_child(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy of a schema with every schema in it changed."""
    changed: Schema = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties", "$defs"):
            changed[key] = {name: change(inner) for name, inner in value.items()}
        elif key in ("items", "additionalProperties", "propertyNames") and isinstance(value, dict):
            changed[key] = change(cast(Schema, value))
        elif key in ("anyOf", "oneOf", "allOf"):
            changed[key] = [change(inner) for inner in value]
        else:
            changed[key] = value
    return changed

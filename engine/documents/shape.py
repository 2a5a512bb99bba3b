"""Whether a document has the shape of its kind: the schema file's verdict, in problems with positions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, cast

from jsonschema.protocols import Validator

from engine.documents.branch import Branch, declared_keys, intended_branch, meant_keys
from engine.documents.node import Node, Path, position_of_key, position_of_value
from engine.documents.problem import Problem
from engine.documents.schema import Schema
from engine.documents.wording import TYPE_NAMES, choose, kind_of, number_in, one_of, pattern_rule

Found = tuple[Path, Problem]
"""A problem and the path of the node it is about."""


class SchemaError(Protocol):
    """What is used of jsonschema's error, whose own types are loose."""

    message: str
    validator: str
    validator_value: Any
    instance: Any
    schema: Schema
    context: Sequence[SchemaError]
    absolute_path: Iterable[str | int]
    relative_path: Sequence[str | int]
    relative_schema_path: Sequence[str | int]


def schema_problems(root: Node, value: Any, validator: Validator) -> Iterator[Found]:
    """Every departure of ``value``, the plain value of ``root``, from the validator's schema."""
    raw: Any = validator.iter_errors(value)  # pyright: ignore[reportUnknownMemberType]
    yield from _Teller(root, cast(Schema, validator.schema)).tell(cast("Iterable[SchemaError]", raw))


class _Teller:
    def __init__(self, root: Node, schema: Schema) -> None:
        self.root = root
        self.schema = schema

    def tell(self, errors: Iterable[SchemaError], elsewhere: frozenset[str] = frozenset()) -> Iterator[Found]:
        """The problems of ``errors``. ``elsewhere``: keys of the shapes that were not chosen."""
        errors = list(errors)
        meant = {
            (_path(error), name)
            for error in errors
            if error.validator == "additionalProperties"
            for name in _extra_keys(error).values()
        }
        for error in errors:
            path = _path(error)
            if _is_about_key(error):
                yield self._key(error, path)
                continue
            match error.validator:
                case "required":
                    yield from self._missing(error, path, meant)
                case "additionalProperties":
                    yield from self._unknown(error, path, elsewhere)
                case "anyOf" | "oneOf" if error.context:
                    yield from self._choice(error, path)
                case _:
                    yield path, self._value(error, path)

    def _missing(self, error: SchemaError, path: Path, seen: set[tuple[Path, str | None]]) -> Iterator[Found]:
        names = [
            key for key in error.validator_value if key not in error.instance and (path, key) not in seen
        ]
        if names:
            seen |= {(path, name) for name in names}
            shown = ", ".join(f"'{name}'" for name in names)
            message = f"missing key {shown}" if len(names) == 1 else f"missing keys {shown}"
            yield path, position_of_key(self.root, path).problem(message)

    def _unknown(self, error: SchemaError, path: Path, elsewhere: frozenset[str]) -> Iterator[Found]:
        declared = cast(Schema, error.schema.get("properties", {}))
        for key, meant in _extra_keys(error).items():
            position = position_of_key(self.root, (*path, key))
            if patterns := error.schema.get("patternProperties"):
                problem = position.problem(f"'{key}' is not a name", pattern_rule(next(iter(patterns))))
            elif meant is None and (key in elsewhere or _named_by(error)):
                shape = " and ".join(_named_by(error) or _required_by(error))
                problem = position.problem(f"key '{key}' does not go with {shape}")
            elif meant is None:
                problem = position.unknown("key", key, declared)
            else:
                problem = position.unknown("key", key, [meant])
            yield (*path, key), problem

    def _key(self, error: SchemaError, path: Path) -> Found:
        key = str(error.instance)
        at = (*path, key)
        position = position_of_key(self.root, at)
        if error.validator == "enum":
            return at, position.problem(f"unknown key '{key}'", choose(key, error.validator_value))
        if error.validator == "not":
            return at, position.problem(f"'{key}' cannot be a name here")
        return at, position.problem(f"'{key}' is not a name", pattern_rule(str(error.validator_value)))

    def _choice(self, error: SchemaError, path: Path) -> Iterator[Found]:
        branches = [
            Branch(schema, [inner for inner in error.context if inner.relative_schema_path[0] == index])
            for index, schema in enumerate(error.validator_value)
        ]
        fitting = [branch for branch in branches if not any(_is_of_wrong_type(e) for e in branch.errors)]
        if not fitting:
            wanted = dict.fromkeys(
                TYPE_NAMES[str(inner.validator_value)] for inner in error.context if _is_of_wrong_type(inner)
            )
            said = f"expected {' or '.join(wanted)}, got {kind_of(error.instance)}"
            quoted = TYPE_NAMES["number"] in wanted and number_in(error.instance)
            hint = "write it without quotes" if quoted else None
            yield path, position_of_value(self.root, path).problem(said, hint)
        elif not isinstance(cast(object, error.instance), dict):
            yield from self.tell(min(fitting, key=lambda branch: len(branch.errors)).errors)
        else:
            yield from self._shape(error, path, cast("dict[str, Any]", error.instance), fitting)

    def _shape(
        self, error: SchemaError, path: Path, instance: dict[str, Any], fitting: list[Branch[SchemaError]]
    ) -> Iterator[Found]:
        mapping: Schema = error.schema.get("discriminator", {})
        tag = cast("str | None", mapping.get("propertyName"))
        if tag is not None and tag in instance:
            choices = cast("dict[str, Any]", mapping["mapping"])
            if not isinstance(instance[tag], str) or instance[tag] not in choices:
                yield (*path, tag), self._wrong_choice((*path, tag), instance[tag], list(choices))
                return
        chosen = intended_branch(instance, fitting, self.schema, tag)
        elsewhere = frozenset[str]().union(*(declared_keys(branch.schema, self.schema) for branch in fitting))
        yield from self.tell(chosen.errors, elsewhere)

    def _wrong_choice(self, path: Path, value: Any, choices: Sequence[Any]) -> Problem:
        position = position_of_value(self.root, path)
        if not isinstance(value, str):
            return position.problem(f"expected {one_of(choices)}, got {kind_of(value)}")
        key = next((step for step in reversed(path) if isinstance(step, str)), "value")
        return position.problem(f"unknown {key} '{value}'", choose(value, choices))

    def _value(self, error: SchemaError, path: Path) -> Problem:
        position = position_of_value(self.root, path)
        value, limit = error.instance, error.validator_value
        match error.validator:
            case "type":
                hint = None
                if limit in ("number", "integer") and number_in(value):
                    hint = "write it without quotes"
                elif limit == "string" and isinstance(value, int | float):
                    hint = "put it in quotes"
                return position.problem(f"expected {TYPE_NAMES[limit]}, got {kind_of(value)}", hint)
            case "enum" | "const":
                return self._wrong_choice(path, value, limit if error.validator == "enum" else [limit])
            case "minimum":
                return position.problem(f"{value} is below the least value, {limit}")
            case "maximum":
                return position.problem(f"{value} is above the greatest value, {limit}")
            case "exclusiveMinimum":
                return position.problem(f"{value} is not above {limit}")
            case "exclusiveMaximum":
                return position.problem(f"{value} is not below {limit}")
            case "minItems" | "minProperties" | "minLength" if not value:
                return position.problem(f"an empty {_EMPTY[error.validator]}")
            case "maxProperties":
                return position.problem(f"more than {limit} key in one item", "start a list item for each")
            case "pattern":
                return position.problem(f"'{value}' is not a name", pattern_rule(limit))
            case _:
                return position.problem(error.message)


_EMPTY = {"minItems": "list", "minProperties": "map", "minLength": "text"}


def _path(error: SchemaError) -> Path:
    return tuple(error.absolute_path)


def _is_about_key(error: SchemaError) -> bool:
    """Whether the error's value is a key of a map, not what stands under it."""
    return "propertyNames" in list(error.relative_schema_path)[-2:-1]


def _named_by(error: SchemaError) -> list[str]:
    """The values that tell the shape of a map from its other shapes."""
    rules = cast("dict[str, Schema]", error.schema.get("properties", {}))
    tags = [key for key in error.instance if "const" in rules.get(key, {}) and key != "kind"]
    return [f"{key} '{error.instance[key]}'" for key in tags]


def _required_by(error: SchemaError) -> list[str]:
    """The keys of a map that its shape needs."""
    return [f"'{key}'" for key in error.schema.get("required", ()) if key in error.instance]


def _is_of_wrong_type(error: SchemaError) -> bool:
    return error.validator == "type" and len(error.relative_path) == 0


def _extra_keys(error: SchemaError) -> dict[str, str | None]:
    """The keys that a map may not have, each with the absent key that it is most like."""
    patterns = cast(Schema, error.schema.get("patternProperties", {}))
    if patterns:
        return {key: None for key in error.instance if not any(re.search(p, key) for p in patterns)}
    return meant_keys(error.instance, cast(Schema, error.schema.get("properties", {})))

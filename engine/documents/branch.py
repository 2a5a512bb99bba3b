"""Which of several allowed shapes a value was meant to have.

A typo deep inside a choice (``anyOf``, ``oneOf``) would otherwise be reported as "not valid under any of the
given schemas". The shape that declares most of the value's keys, near misses included, is the one meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from engine.documents.nearest import nearest
from engine.documents.schema import Schema, resolve

ErrorT = TypeVar("ErrorT")

_DECLARED, _NEAR, _FREE = 1.0, 0.9, 0.5
"""What a key of the value counts: declared, a letter or two from declared, covered by a pattern."""


@dataclass(frozen=True, slots=True)
class Branch(Generic[ErrorT]):
    """One allowed shape, and the errors of the value against it."""

    schema: Schema
    errors: Sequence[ErrorT]


def meant_keys(instance: Mapping[str, Any], declared: Iterable[str]) -> dict[str, str | None]:
    """Each key of ``instance`` that is not declared, with the nearest declared key that is absent."""
    names = list(declared)
    absent = [name for name in names if name not in instance]
    return {key: nearest(key, absent) for key in instance if key not in names}


def intended_branch(
    instance: Mapping[str, Any], branches: Sequence[Branch[ErrorT]], root: Schema, tag: str | None
) -> Branch[ErrorT]:
    """The branch whose map ``instance`` was meant to be. ``tag``: the key whose value names the branch."""
    named = [
        branch for branch in branches if tag is not None and _has_tag(instance, branch.schema, root, tag)
    ]
    candidates = named or branches
    return min(candidates, key=lambda branch: (-_likeness(instance, branch.schema, root), len(branch.errors)))


def declared_keys(schema: Schema, root: Schema) -> frozenset[str]:
    """Every key that a schema declares for a map, in any of its branches."""
    schema = resolve(schema, root)
    keys = frozenset(cast(Schema, schema.get("properties", {})))
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        keys |= declared_keys(branch, root)
    return keys


def _has_tag(instance: Mapping[str, Any], schema: Schema, root: Schema, tag: str) -> bool:
    schema = resolve(schema, root)
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if inner:
        return any(_has_tag(instance, branch, root, tag) for branch in inner)
    rule = cast(Schema, cast(Schema, schema.get("properties", {})).get(tag, {}))
    return tag in instance and (instance[tag] == rule.get("const") or instance[tag] in rule.get("enum", ()))


def _likeness(instance: Mapping[str, Any], schema: Schema, root: Schema) -> float:
    declared = declared_keys(schema, root)
    patterns = cast(Schema, resolve(schema, root).get("patternProperties", {}))
    score = 0.0
    for key, near in meant_keys(instance, declared).items():
        if any(re.search(pattern, key) for pattern in patterns):
            score += _FREE
        elif near is not None:
            score += _NEAR
    return score + _DECLARED * sum(key in declared for key in instance)

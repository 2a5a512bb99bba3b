"""The catalogue of conditions for a reader: what each asks, with which numbers, and who uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from engine.models.conditions import (
    AllOf,
    AnyOf,
    ComposedAll,
    ComposedAny,
    ComposedNot,
    ConditionDefinition,
    Expressed,
    Not,
    Parameter,
    Reference,
    Tree,
)
from engine.models.validation import ScopedFilter, ValidationDocument
from engine.ruleset.expressions import RESERVED
from engine.ruleset.ruleset import Origin, Ruleset


@dataclass(frozen=True, slots=True)
class Use:
    """``places`` are like ``1m long``, ``filter`` or ``selector``; ``through`` are conditions made of it."""

    profile: str
    places: tuple[str, ...]
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """One condition. ``formula`` is its expression, or its tree in one line; ``facts`` are those that it
    and everything it is composed of read; ``file`` is relative to the folder of rules."""

    name: str
    file: str
    line: int
    summary: str | None
    formula: str
    composed: bool
    requires: str | None
    params: Mapping[str, Parameter]
    facts: tuple[str, ...]
    uses: tuple[Use, ...]


def described(ruleset: Ruleset) -> tuple[Described, ...]:
    """Every condition: the catalogue in the order of its files, then those of single profiles."""
    used = {name: _uses(profile.validation, ruleset) for name, profile in ruleset.profiles.items()}
    catalogue = [
        _described(name, ruleset.origins[name], ruleset.conditions, used.values())
        for name in ruleset.conditions
    ]
    return (*catalogue, *_own(ruleset, used))


def _own(ruleset: Ruleset, used: Mapping[str, Mapping[str, Use]]) -> Iterator[Described]:
    """One that several profiles have from the one they extend is one."""
    owners: dict[tuple[str, Origin], list[str]] = {}
    for profile, origins in ruleset.own_origins.items():
        for name, origin in origins.items():
            owners.setdefault((name, origin), []).append(profile)
    for (name, origin), profiles in owners.items():
        known = {**ruleset.conditions, **ruleset.profiles[profiles[0]].validation.rules}
        yield _described(name, origin, known, [used[profile] for profile in profiles])


def _described(
    name: str,
    origin: Origin,
    known: Mapping[str, ConditionDefinition],
    used: Iterable[Mapping[str, Use]],
) -> Described:
    definition = known[name]
    expressed = definition if isinstance(definition, Expressed) else None
    return Described(
        name=name,
        file=origin.file,
        line=origin.line,
        summary=definition.summary,
        formula=_formula(definition),
        composed=expressed is None,
        requires=None if expressed is None else expressed.requires,
        params={} if expressed is None else expressed.params,
        facts=tuple(dict.fromkeys(_facts(name, known))),
        uses=tuple(uses[name] for uses in used if name in uses),
    )


def tree_text(tree: Tree) -> str:
    """A tree in one line: ``any_of [a, b (tolerance 0.004)]``."""
    match tree:
        case str():
            return tree
        case Reference():
            argument = tree.argument
            if not isinstance(argument, dict):
                return f"{tree.name} ({setting_text(argument)})"
            return f"{tree.name} ({', '.join(f'{k} {setting_text(v)}' for k, v in argument.items())})"
        case AllOf(all_of=members):
            return _list("all_of", members)
        case AnyOf(any_of=members):
            return _list("any_of", members)
        case Not(not_=member):
            return f"not {tree_text(member)}"


def setting_text(value: float) -> str:
    """A parameter's value as YAML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    digits, e, exponent = f"{value:.12g}".partition("e")
    return f"{digits}{'' if '.' in digits else '.0'}e{int(exponent)}" if e else digits


def _list(form: str, members: Iterable[Tree]) -> str:
    return f"{form} [{', '.join(map(tree_text, members))}]"


def _formula(definition: ConditionDefinition) -> str:
    match definition:
        case Expressed(when=when):
            return " ".join(when.split())
        case ComposedAll(all_of=members):
            return _list("all_of", members)
        case ComposedAny(any_of=members):
            return _list("any_of", members)
        case ComposedNot(not_=member):
            return f"not {tree_text(member)}"


def _members(definition: ConditionDefinition) -> tuple[Tree, ...]:
    match definition:
        case Expressed():
            return ()
        case ComposedAll(all_of=members) | ComposedAny(any_of=members):
            return tuple(members)
        case ComposedNot(not_=member):
            return (member,)


def _named(tree: Tree) -> Iterator[str]:
    match tree:
        case str():
            yield tree
        case Reference():
            yield tree.name
        case AllOf(all_of=members) | AnyOf(any_of=members):
            for member in members:
                yield from _named(member)
        case Not(not_=member):
            yield from _named(member)


def _facts(name: str, conditions: Mapping[str, ConditionDefinition]) -> Iterator[str]:
    """With the timeframe where it is another than the one at hand: ``adx_14["1h"]``."""
    definition = conditions[name]
    if isinstance(definition, Expressed):
        for found in re.finditer(r"(?<![\w\"])([a-z]\w*)(\[\"\w+\"\])?", definition.when):
            if found[1] not in definition.params and found[1] not in RESERVED:
                yield found[0]
    for member in _members(definition):
        for inner in _named(member):
            yield from _facts(inner, conditions)


def _uses(validation: ValidationDocument, ruleset: Ruleset) -> dict[str, Use]:
    places: dict[str, list[str]] = {}
    for place, tree in _placed(validation):
        for name in _named(tree):
            places.setdefault(name, []).append(place)
    for name in _words(validation.execution_selector.model_dump(by_alias=True, exclude_none=True)):
        places.setdefault(name, []).append("selector")
    every = {**ruleset.conditions, **validation.rules}
    through: dict[str, list[str]] = {}
    waiting, seen = list(places), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in every:
            continue
        seen.add(name)
        for member in _members(every[name]):
            for inner in _named(member):
                through.setdefault(inner, []).append(name)
                waiting.append(inner)
    return {
        name: Use(
            validation.profile,
            tuple(dict.fromkeys(places.get(name, ()))),
            tuple(dict.fromkeys(through.get(name, ()))),
        )
        for name in seen
    }


def _placed(validation: ValidationDocument) -> Iterator[tuple[str, Tree]]:
    for timeframe, rules in validation.timeframes.items():
        for side, trees in (("long", rules.long), ("short", rules.short)):
            yield from ((f"{timeframe} {side}", tree) for tree in trees)
    for entry in validation.filters_mandatory:
        if isinstance(entry, ScopedFilter):
            yield f"filter {entry.side}" if entry.side else "filter", entry.filter
        else:
            yield "filter", entry


def _words(value: Any) -> Iterator[str]:
    """Every key and text of a selector: those that are names of conditions are its uses."""
    match value:
        case str():
            yield value
        case dict():
            for key, inner in cast("dict[str, Any]", value).items():
                yield key
                yield from _words(inner)
        case list() | tuple():
            for inner in cast("list[Any]", value):
                yield from _words(inner)
        case _:
            pass

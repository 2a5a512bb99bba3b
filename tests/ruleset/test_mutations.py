"""Slips of a letter and wrong types in the shipped YAML are told, in their file and on their line.

Every place is tried with a letter dropped, doubled and swapped; ``--every-slip`` tries every letter of it.

Slips are made in batches of places that do not depend on each other, and each of a batch must be told at
its own place. They go through the same call as ``entrygate check``.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

import pytest
from mutations import Mutation, Site, apply, batches, mutations, sites, wrong_types
from rule_folders import Contents

from engine.documents import Problem
from engine.ruleset import DocumentCache, RulesetError, build
from server.fixed_code import FIXED_CODE

REFERENCES = ("condition", "parameter", "reason", "gate", "profile", "name", "extends", "word", "text")


def kind_of(file: str) -> str:
    folder, _, name = file.rpartition("/")
    return {"gates": "gate", "conditions": "conditions"}.get(folder, name.removesuffix(".yaml"))


@pytest.fixture(scope="module")
def names(shipped_contents: Contents) -> dict[str, frozenset[str]]:
    """What a reference of each role may name, and every name that something refers to."""
    found: dict[str, set[str]] = {}
    for file, content in shipped_contents.items():
        for site in sites(file, content, kind_of(file)):
            found.setdefault(site.role, set()).add(site.text)
            found.setdefault(f"{site.role} in {file}", set()).add(site.text)
    return {role: frozenset(texts) for role, texts in found.items()}


def problems(contents: Contents, cache: DocumentCache) -> tuple[Problem, ...]:
    try:
        build("rules", contents, FIXED_CODE, cache)
    except RulesetError as error:
        return error.problems
    return ()


def untold(
    contents: Contents, edits: Iterable[Mutation], cache: DocumentCache, *, anywhere: bool = False
) -> list[str]:
    """The edits that are not told at their place (``anywhere``: nor where the old name is used)."""
    by_file: dict[str, list[Mutation]] = {}
    for edit in edits:
        by_file.setdefault(edit.site.file, []).append(edit)
    missed: list[str] = []
    for rounds in zip_longest(*(batches(edits) for edits in by_file.values())):
        batch = dict(zip(by_file, rounds, strict=True))
        changed = {
            file: apply(contents[file].decode(), edits).encode() for file, edits in batch.items() if edits
        }
        found = problems({**contents, **changed}, cache)
        here = {(p.file.removeprefix("rules/"), p.line, p.column) for p in found}
        lines = {place[:2] for place in here}
        for edit in (edit for edits in batch.values() for edit in edits or ()):
            site = edit.site
            if site.role in ("word", "text", "value") or not edit.new:
                told = (site.file, site.line) in lines
            else:
                told = (site.file, site.line, site.column + _shift(edit, batch[site.file])) in here
            if not told and anywhere:
                told = any(f"'{site.text}'" in problem.message for problem in found)
            if not told:
                missed.append(f"{site.file}:{site.line}:{site.column}: {site.text!r} as {edit.new!r}")
    return missed


def _shift(edit: Mutation, batch: list[Mutation]) -> int:
    """How far edits to the left of it on its line have moved a place."""
    left = [e for e in batch if e.site.line == edit.site.line and e.site.column < edit.site.column]
    return sum(len(e.new) - len(e.site.text) for e in left)


@pytest.fixture(scope="module")
def found(shipped_contents: Contents) -> list[Site]:
    """All sites of all files."""
    return [
        site for file, content in shipped_contents.items() for site in sites(file, content, kind_of(file))
    ]


def test_keys_and_choices(
    found: list[Site], shipped_contents: Contents, cache: DocumentCache, every_slip: bool
) -> None:
    edits = [
        edit for site in found if site.role in ("key", "choice") for edit in mutations(site, every=every_slip)
    ]
    assert len(edits) > 1_500
    assert untold(shipped_contents, edits, cache) == []


def test_references(
    found: list[Site],
    shipped_contents: Contents,
    cache: DocumentCache,
    names: dict[str, frozenset[str]],
    every_slip: bool,
) -> None:
    edits = [
        edit
        for site in found
        if site.role in REFERENCES
        for edit in mutations(site, every=every_slip)
        if edit.new not in _valid(site, names)
    ]
    assert len(edits) > 500
    assert untold(shipped_contents, edits, cache) == []


def test_definitions(
    found: list[Site],
    shipped_contents: Contents,
    cache: DocumentCache,
    names: dict[str, frozenset[str]],
    every_slip: bool,
) -> None:
    together: list[Mutation] = []
    missed: list[str] = []
    for site in found:
        if not site.role.startswith("definition") or not _is_referred_to(site, names):
            continue
        # a fact or a value that expressions use meets others there: one of them at a time
        used = site.file == "facts.yaml" and site.text in names["word"]
        if used or site.role == "definition of values":
            missed += untold(shipped_contents, mutations(site, every=every_slip), cache, anywhere=True)
            continue
        for edit in mutations(site, every=every_slip):
            if edit.new in names[site.role]:  # the name of another one, which may be slipping as well
                missed += untold(shipped_contents, [edit], cache, anywhere=True)
            else:
                together.append(edit)
    missed += untold(shipped_contents, together, cache, anywhere=True)
    assert len(together) > 400
    assert missed == []


def test_wrong_types(shipped_contents: Contents, cache: DocumentCache) -> None:
    edits = [
        edit
        for file, content in shipped_contents.items()
        for edit in wrong_types(file, content, kind_of(file))
    ]
    assert len(edits) > 3_000
    assert untold(shipped_contents, edits, cache) == []


def _valid(site: Site, names: dict[str, frozenset[str]]) -> frozenset[str]:
    """Names that a reference may bear: a slip into one of them is another rule, not a typo."""
    match site.role:
        case "condition":
            return names["definition of conditions"]
        case "reason":
            return names["definition of reasons"]
        case "parameter" | "word":
            return (
                names["definition of facts"] | names["definition of params"] | names["definition of metrics"]
            )
        case "text":
            return names.get(f"definition of values in {site.file}", frozenset())
        case _:
            return names[site.role]


def _is_referred_to(site: Site, names: dict[str, frozenset[str]]) -> bool:
    """Whether anything names what is defined here: nobody can tell a slip in a name that nobody uses."""
    match site.role:
        case "definition of conditions" | "definition of rules":
            return site.text in names["condition"]
        case "definition of facts":
            return site.file != "facts.yaml" or site.text in names["word"] | FIXED_CODE.facts
        case "definition of metrics":
            return site.text in names["word in conditions/selector.yaml"] | FIXED_CODE.metrics
        case "definition of values":
            return site.text in names.get(f"text in {site.file}", frozenset())
        case _:
            return True

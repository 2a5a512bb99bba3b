"""Every single-letter slip and every wrong type in the shipped YAML is told, in its file and on its line.

Slips are made in batches of places that do not depend on each other, and each of a batch must be told at
its own place. They go through the same call as ``entrygate check``, which does not read untouched documents again.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from mutations import Mutation, Site, apply, batches, mutations, sites, wrong_types
from rule_folders import RULES, Contents

from engine.documents import Problem
from engine.ruleset import DocumentCache, RulesetError, build
from engine.ruleset.folder import read_contents
from server.fixed_code import FIXED_CODE

FILES = sorted(read_contents(RULES))
REFERENCES = ("condition", "parameter", "reason", "gate", "profile", "name", "extends", "word", "text")


def kind_of(file: str) -> str:
    return "gate" if file.startswith("gates/") else file.rsplit("/", 1)[-1].removesuffix(".yaml")


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
    contents: Contents, file: str, edits: Iterable[Mutation], cache: DocumentCache, *, anywhere: bool = False
) -> list[str]:
    """The edits that are not told at their place (``anywhere``: nor where the old name is used)."""
    text = contents[file].decode()
    missed: list[str] = []
    for batch in batches(list(edits)):
        found = problems({**contents, file: apply(text, batch).encode()}, cache)
        here = {(p.line, p.column) for p in found if p.file == f"rules/{file}"}
        for edit in batch:
            site = edit.site
            if site.role in ("word", "text", "value") or not edit.new:
                told = any(line == site.line for line, _ in here)
            else:
                told = (site.line, site.column + _shift(edit, batch)) in here
            if not told and anywhere:
                told = any(f"'{site.text}'" in problem.message for problem in found)
            if not told:
                missed.append(f"{file}:{site.line}:{site.column}: {site.role} {site.text!r} as {edit.new!r}")
    return missed


def _shift(edit: Mutation, batch: list[Mutation]) -> int:
    """How far edits to the left of it on its line have moved a place."""
    left = [e for e in batch if e.site.line == edit.site.line and e.site.column < edit.site.column]
    return sum(len(e.new) - len(e.site.text) for e in left)


def without_valid(edits: Iterable[Mutation], valid: frozenset[str]) -> list[Mutation]:
    return [edit for edit in edits if edit.new not in valid]


@pytest.mark.parametrize("file", FILES)
def test_keys_and_choices(file: str, shipped_contents: Contents, cache: DocumentCache) -> None:
    found = [
        site for site in sites(file, shipped_contents[file], kind_of(file)) if site.role in ("key", "choice")
    ]
    edits = [edit for site in found for edit in mutations(site)]
    assert edits
    assert untold(shipped_contents, file, edits, cache) == []


@pytest.mark.parametrize("file", FILES)
def test_references(
    file: str, shipped_contents: Contents, cache: DocumentCache, names: dict[str, frozenset[str]]
) -> None:
    edits: list[Mutation] = []
    for site in sites(file, shipped_contents[file], kind_of(file)):
        if site.role in REFERENCES:
            edits += without_valid(mutations(site), _valid(site, names))
    assert untold(shipped_contents, file, edits, cache) == []


@pytest.mark.parametrize("file", FILES)
def test_definitions(
    file: str, shipped_contents: Contents, cache: DocumentCache, names: dict[str, frozenset[str]]
) -> None:
    edits: dict[str, list[Mutation]] = {}
    for site in sites(file, shipped_contents[file], kind_of(file)):
        if site.role.startswith("definition") and _is_referred_to(site, names):
            # the name of a fact or a value meets others in one expression: one of them at a time
            alone = site.role == "definition of values" or (
                kind_of(file) == "facts" and site.text in names["word"]
            )
            edits.setdefault(site.text if alone else "", []).extend(mutations(site))
    missed = [
        line
        for together in edits.values()
        for line in untold(shipped_contents, file, together, cache, anywhere=True)
    ]
    assert missed == []


@pytest.mark.parametrize("file", FILES)
def test_wrong_types(file: str, shipped_contents: Contents, cache: DocumentCache) -> None:
    edits = wrong_types(file, shipped_contents[file], kind_of(file))
    assert len(edits) > 10
    assert untold(shipped_contents, file, edits, cache) == []


def _valid(site: Site, names: dict[str, frozenset[str]]) -> frozenset[str]:
    """Names that a reference may bear: a slip into one of them is another rule, not a typo."""
    match site.role:
        case "condition":
            return names["definition of conditions"]
        case "reason":
            return names["definition of reasons"]
        case "parameter" | "word":
            return names["definition of facts"] | names["definition of params"]
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
        case "definition of values":
            return site.text in names.get(f"text in {site.file}", frozenset())
        case _:
            return True

"""Folders of rules as texts: the shipped one, edited, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.ruleset import DocumentCache, RulesetError, build
from server.fixed_code import FIXED_CODE

RULES = Path(__file__).resolve().parents[2] / "rules"
PROFILE = "profiles/scalper_micro"

Contents = dict[str, bytes]


def told(contents: Mapping[str, bytes], cache: DocumentCache | None = None) -> list[str]:
    """The problems of a folder as lines, without the folder's name; none when it is good."""
    try:
        build("rules", contents, FIXED_CODE, cache or DocumentCache())
    except RulesetError as error:
        return [str(problem).removeprefix("rules/") for problem in error.problems]
    return []


def edited(contents: Contents, path: str, *changes: tuple[str, str]) -> Contents:
    """The folder with texts of one file replaced, each where it first occurs."""
    text = contents[path].decode()
    for old, new in changes:
        assert old in text, f"{path} has no {old!r}"
        text = text.replace(old, new, 1)
    return {**contents, path: text.encode()}


def place(contents: Contents, path: str, text: str) -> str:
    """``path:line:column`` of a text where it first occurs."""
    before = contents[path].decode().partition(text)[0]
    return f"{path}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"

"""How values and choices are spoken of in problems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.documents.problem import did_you_mean

TYPE_NAMES = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}
"""JSON Schema's types."""

_NAME_RULES = {
    "^[a-z][a-z0-9_]*$": "a name starts with a small letter and goes on with small letters, digits and '_'",
    "^[A-Za-z][A-Za-z0-9_]*$": "a code starts with a letter and goes on with letters, digits and '_'",
}


def kind_of(value: Any) -> str:
    """What a value is, and the value itself where it is short."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text '{value}'" if len(value) <= 40 else "a text"
        case list():
            return "a list"
        case dict():
            return "a map"
        case _:
            return "nothing"


def choose(value: str, choices: Iterable[str]) -> str:
    """The hint of a wrong choice: the nearest right one, or all of them when none is near."""
    names = [str(choice) for choice in choices]
    return did_you_mean(value, names) or one_of(names)


def one_of(choices: Iterable[Any]) -> str:
    """``one of a, b, c``, or the only choice."""
    names = [str(choice) for choice in choices]
    return f"one of {', '.join(names)}" if len(names) > 1 else f"'{names[0]}'"


def pattern_rule(pattern: str) -> str:
    """What a text that must match ``pattern`` is made of."""
    return _NAME_RULES.get(pattern, f"it must match {pattern}")


def number_in(value: Any) -> bool:
    """Whether a value is a text that holds a number."""
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True

"""One parameter: what it may be, in JSON and in a query string, and how it is read.

Reading and documentation come from the same place, so that the OpenAPI document is as strict as the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from engine.documents.nearest import nearest
from server.api.instant_pattern import any_instant
from server.instants import at, iso
from server.run.request import FieldProblem

Schema = Mapping[str, Any]

BOOLEAN_WORDS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}

_SYMBOL = r"\s*([A-Za-z0-9_]{2,40})?\s*"
_SYMBOLS = rf"^{_SYMBOL}(,{_SYMBOL})*$"
_ONE_SYMBOL = rf"^{_SYMBOL}$"
_DIGITS = r"[0-9]{1,15}"
_LATEST_MS = 253_402_300_799_999
BLANKS = "x-blanks"
"""Marks the schema of a text that may be blank around or in place of a name; ``,``: a list with commas."""

MAX_SYMBOLS = 500
MAX_TEXT = 64
MAX_REASON = 500
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_LINE = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"
"""A text without control characters, which is not blank."""

Existing = Literal["profiles", "exchanges", "symbols", "reasons", "conditions", "instants", "orders"]
"""What a parameter can name: such things as exist just now, or instants up to the venue's clock; ``orders``:
it asks for some, where the venue takes any just now.
"""


class Unfit(ValueError):
    """A value that is not what a parameter takes; says what it should be."""

    def __init__(self, message: str, did_you_mean: str | None = None) -> None:
        super().__init__(message)
        self.did_you_mean = did_you_mean


@dataclass(frozen=True, slots=True)
class Parameter:
    """``schema`` is of a JSON body, ``text_schema`` of a query string (by default the same).

    ``read`` takes a value of JSON, ``read_text`` the text of a query; both raise `Unfit`. A ``repeated`` one
    may stand several times in a query string, also as ``name[]``: ``read_text`` gets the texts with commas.
    ``existing``: only such things as exist will do, which the document lists. ``required`` ones have to
    be given.
    """

    name: str
    summary: str
    schema: Schema
    read: Callable[[Any], Any]
    read_text: Callable[[str], Any]
    text_schema: Schema | None = None
    repeated: bool = False
    existing: Existing | None = None
    required: bool = False

    def problem(self, error: Unfit) -> FieldProblem:
        """The refusal of one value, under this parameter's name."""
        return FieldProblem(self.name, str(error), did_you_mean=error.did_you_mean)


def flag(
    name: str,
    summary: str,
    possible: Sequence[bool] = (True, False),
    existing: Existing | None = None,
) -> Parameter:
    """A boolean, or one of the eight usual words for it; never a guess.

    ``possible`` are the values that are not refused later: the document promises no others.
    """
    words = list(BOOLEAN_WORDS)

    def read(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float) and value in (0, 1):
            return value == 1
        if isinstance(value, str):
            return read_text(value)
        raise Unfit(f"expected a boolean, not {_kind(value)}")

    def read_text(text: str) -> bool:
        found = BOOLEAN_WORDS.get(text.lower())
        if found is None:
            message = f"expected a boolean ({', '.join(words)}), not {_shown(text)}"
            raise Unfit(message, nearest(text, words))
        return found

    schema = flag_schema(possible)
    return Parameter(name, summary, schema, read, read_text, schema["anyOf"][-1], existing=existing)


def flag_schema(possible: Sequence[bool]) -> dict[str, Any]:
    """What a flag may be: the last alternative is a word."""
    promised = [word for word, value in BOOLEAN_WORDS.items() if value in possible]
    return {
        "anyOf": [
            {"type": "boolean", "enum": list(possible)},
            {"type": "integer", "enum": [int(value) for value in possible]},
            {"type": "string", "pattern": _any_case(promised), "examples": [promised[0]]},
        ]
    }


def whole(name: str, summary: str, least: int, most: int, default: int) -> Parameter:
    """A whole number within bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise Unfit(f"expected a whole number, not {_kind(value)}")
        if not least <= value <= most:
            raise Unfit(f"expected {least} to {most}, not {_short(str(int(value)))}")
        return int(value)

    def read_text(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,15}", text):
            raise Unfit(f"expected a whole number, not {_shown(text)}")
        return read(int(text))

    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return Parameter(name, summary, schema, read, read_text)


def name(
    parameter: str, summary: str, existing: Existing | None = None, *, required: bool = False
) -> Parameter:
    """A name; whether it exists is for somebody else to say."""
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit(f"expected a text, not {_kind(value)}")
        if not value:
            raise Unfit("expected a name, not an empty text")
        if len(value) > MAX_TEXT:
            raise Unfit(f"expected at most {MAX_TEXT} characters, not {len(value)}")
        return value

    return Parameter(parameter, summary, schema, read, read, existing=existing, required=required)


def shaped(
    parameter: str,
    summary: str,
    pattern: str,
    parse: Callable[[str], Any],
    example: str,
    *,
    required: bool = False,
) -> Parameter:
    """A text of a form: ``pattern`` is what ``parse`` reads, whose ``ValueError`` says what is wrong."""
    schema = {"type": "string", "pattern": f"^({pattern})$", "examples": [example]}

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise Unfit(f"expected a text, not {_kind(value)}")
        try:
            return parse(value)
        except ValueError as error:
            raise Unfit(str(error)) from error

    return Parameter(parameter, summary, schema, read, read, required=required)


def reason(summary: str) -> Parameter:
    """Why an operator does something: one line, which has to be given."""
    return line("reason", summary, MAX_REASON, "a line of text that says why", required=True)


def line(
    parameter: str, summary: str, most: int, what: str = "a line of text", *, required: bool = False
) -> Parameter:
    """A text of one line that is not blank, at most ``most`` characters; ``what`` it should be, in words."""
    schema = {"type": "string", "minLength": 1, "maxLength": most, "pattern": _LINE}

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit(f"expected a text, not {_kind(value)}")
        if len(value) > most:
            raise Unfit(f"expected at most {most} characters, not {len(value)}")
        if re.search(_LINE, value) is None:
            raise Unfit(f"expected {what}")
        return value.strip()

    return Parameter(parameter, summary, schema, read, read, required=required)


def choice(
    parameter: str, summary: str, values: Sequence[str], refused_later: Sequence[str] = ()
) -> Parameter:
    """One of a few words, in any case; read in lower case. ``refused_later`` are read but not promised."""
    schema = {"type": "string", "pattern": _any_case(values), "examples": [values[0]]}

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit(f"expected a text, not {_kind(value)}")
        if value.lower() not in (*values, *refused_later):
            raise Unfit(
                f"expected one of {', '.join(values)}, not {_shown(value)}", nearest(value.lower(), values)
            )
        return value.lower()

    return Parameter(parameter, summary, schema, read, read)


def symbols(parameter: str, summary: str) -> Parameter:
    """Symbols as an array or as text with commas; blanks are dropped."""
    of_text = {"type": "string", "maxLength": 40 * MAX_SYMBOLS, "pattern": _SYMBOLS, BLANKS: ","}
    of_array = {
        "type": "array",
        "maxItems": MAX_SYMBOLS,
        "items": {"type": "string", "pattern": _ONE_SYMBOL, BLANKS: ""},
    }

    def read(value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            return read_text(value)
        if not isinstance(value, list):
            raise Unfit(f"expected an array of texts or one text with commas, not {_kind(value)}")
        items = cast("list[Any]", value)
        if len(items) > MAX_SYMBOLS:
            raise Unfit(f"expected at most {MAX_SYMBOLS} symbols, not {len(items)}")
        for index, item in enumerate(items):
            if not isinstance(item, str):
                raise Unfit(f"expected texts in the array, but item {index} is {_kind(item)}")
            if not re.fullmatch(_ONE_SYMBOL, item):
                raise Unfit(f"{_shown(item)} is not a symbol (2 to 40 letters, digits and _)")
        return tuple(str(item) for item in items)

    def read_text(text: str) -> tuple[str, ...]:
        parts = text.split(",")
        for part in parts:
            if not re.fullmatch(_ONE_SYMBOL, part):
                raise Unfit(f"{_shown(part)} is not a symbol (2 to 40 letters, digits and _)")
        if len(parts) > MAX_SYMBOLS:
            raise Unfit(f"expected at most {MAX_SYMBOLS} symbols, not {len(parts)}")
        return tuple(parts)

    schema = {"anyOf": [of_array, of_text]}
    return Parameter(parameter, summary, schema, read, read_text, of_array, True, "symbols")


def instant(
    parameter: str, summary: str, earliest_ms: int | None = None, existing: Existing | None = None
) -> Parameter:
    """An instant as ISO 8601 with its zone, or as milliseconds since 1970; read as milliseconds."""
    as_text = {"type": "string", "pattern": any_instant()}
    as_number = {"type": "integer", "minimum": earliest_ms or 0, "maximum": _LATEST_MS}

    def within(at_ms: int) -> int:
        if earliest_ms is not None and at_ms < earliest_ms:
            raise Unfit(
                f"expected an instant from {iso(earliest_ms)} on; numbers are milliseconds since 1970"
            )
        return at_ms

    def read(value: Any) -> int:
        if isinstance(value, str):
            return read_iso(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise Unfit(f"expected an instant, not {_kind(value)}")
        if not 0 <= value <= _LATEST_MS:
            raise Unfit(f"expected milliseconds since 1970, up to {_LATEST_MS}")
        return within(int(value))

    def read_iso(text: str) -> int:
        try:
            return within(at(text))
        except Unfit:
            raise
        except ValueError as error:
            raise Unfit(str(error)) from error

    def read_text(text: str) -> int:
        return read(int(text)) if re.fullmatch(_DIGITS, text) else read_iso(text)

    schema = {"anyOf": [as_text, as_number]}
    return Parameter(parameter, summary, schema, read, read_text, existing=existing)


def _any_case(words: Sequence[str]) -> str:
    """A pattern of the words in any case, in the regular expressions of JSON Schema."""
    spelled = ["".join(f"[{c.upper()}{c}]" if c.isalpha() else re.escape(c) for c in word) for word in words]
    return f"^({'|'.join(spelled)})$"


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return f"the number {_short(str(value))}"
        case str():
            return f"the text {_shown(value)}"
        case list():
            return "an array"
        case _:
            return "an object"


def _shown(text: str) -> str:
    return repr(_short(text))


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"

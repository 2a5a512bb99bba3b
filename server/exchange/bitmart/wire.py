"""Reading the venue's JSON strictly, and writing ours: decimals stay decimals, a wrong field has a name."""

from __future__ import annotations

import json
from collections.abc import Generator, Hashable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, cast

from server.exchange.errors import VenueUnavailable

VENUE = "bitmart"
"""The adapter's name, in its answers and errors."""

T = TypeVar("T")


class WireError(ValueError):
    """A field of an answer that is missing or is not what the documentation says."""


@contextmanager
def decoding(operation: str) -> Generator[None]:
    """Turns a `WireError` into `VenueUnavailable`: an answer that cannot be read is no answer."""
    try:
        yield
    except WireError as error:
        raise VenueUnavailable(VENUE, operation, str(error)) from error


@dataclass(frozen=True, slots=True)
class Envelope:
    """The shell of every answer. ``data`` is None where there is none."""

    code: int
    message: str
    trace: str
    data: object


def envelope(content: bytes) -> Envelope:
    """Reads an answer's body. Raises `WireError` for anything that is not the venue's envelope."""
    try:
        document: object = json.loads(content, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WireError("the answer is not JSON") from error
    if not isinstance(document, dict):
        raise WireError("the answer is not an object")
    shell = Row("answer", cast(dict[str, Any], document))
    message, trace = (str(shell.fields.get(name) or "")[:300] for name in ("message", "trace"))
    return Envelope(shell.whole("code"), message, trace, shell.fields.get("data"))


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


@dataclass(frozen=True, slots=True)
class Row:
    """One object of an answer; ``place`` says where it stood. Every reader raises `WireError`.

    The venue sends most numbers as strings and some as numbers, not always the same way: both are read.
    """

    place: str
    fields: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether there is anything in the field: absent, null and the empty string are nothing."""
        return self.fields.get(name) not in (None, "")

    def text(self, name: str) -> str:
        value = self._value(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def identifier(self, name: str) -> str:
        """An id, which is an integer in some answers and a string in others; never empty."""
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise self._wrong(name, "an id")
        return str(value)

    def decimal(self, name: str) -> Decimal:
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise self._wrong(name, "a number")
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise self._wrong(name, "a number") from error
        if not number.is_finite():
            raise self._wrong(name, "a finite number")
        return number

    def positive(self, name: str) -> Decimal:
        number = self.decimal(name)
        if number <= 0:
            raise self._wrong(name, "above 0")
        return number

    def whole(self, name: str) -> int:
        number = self.decimal(name)
        if number != number.to_integral_value():
            raise self._wrong(name, "a whole number")
        return int(number)

    def one_of(self, name: str, table: Mapping[Any, T]) -> T:
        """The entry of ``table``; its keys are texts, or integers (which an answer may spell as text)."""
        value = self._value(name)
        if isinstance(value, str) and value not in table and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, Hashable) or value not in table:
            raise self._wrong(name, f"one of {', '.join(map(str, table))}")
        return table[value]

    def _value(self, name: str) -> Any:
        if name not in self.fields:
            raise WireError(f"{self.place}.{name} is missing")
        return self.fields[name]

    def _wrong(self, name: str, expected: str) -> WireError:
        return WireError(f"{self.place}.{name} is {repr(self.fields[name])[:60]}, expected {expected}")


def row(data: object, place: str = "data") -> Row:
    """An answer that is one object. Raises `WireError`."""
    if not isinstance(data, dict):
        raise WireError(f"{place} is not an object")
    return Row(place, cast(dict[str, Any], data))


def rows(data: object, place: str = "data") -> list[Row]:
    """An answer that is a list of objects. Raises `WireError`; absent is not the same as empty."""
    if not isinstance(data, list):
        raise WireError(f"{place} is not a list")
    return [row(item, f"{place}[{i}]") for i, item in enumerate(cast(list[object], data))]


def plain(value: Decimal) -> str:
    """Fixed-point notation without needless zeros; never scientific."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def body(fields: Mapping[str, str | int]) -> bytes:
    """The bytes that are signed and sent: compact JSON, in the order given."""
    return json.dumps(dict(fields), separators=(",", ":"), ensure_ascii=False).encode()

"""What an unquoted YAML scalar means, and which ones are refused because YAML readers disagree on them.

Only spellings that YAML 1.1 and YAML 1.2 read alike are accepted. What one of them reads as a number, a
boolean or a date and the other as text is a problem that says how to write it instead.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A scalar's value, and why it is refused (None when it is not)."""

    value: Scalar
    message: str | None = None
    hint: str | None = None


MAX_DIGITS = 15
"""Digits of a whole number that every reader keeps exactly."""

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"([-+]?[0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?")
_LOOSE_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)
_RADIX = re.compile(r"[-+]?0(x[0-9a-f_]+|o[0-7_]+|b[01_]+)", re.IGNORECASE)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(([Tt]|[ \t]+)[0-9]{1,2}(:[0-9]{2})*.*)?")
_OTHER_BOOLEANS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def read_plain(text: str) -> Reading:
    """The reading of an unquoted scalar."""
    if text in ("", "~") or text.lower() == "null":
        return Reading(None, "an empty value", "write a value, or leave the key out")
    if text.lower() in ("true", "false"):
        return Reading(text.lower() == "true")
    if text.lower() in _OTHER_BOOLEANS:
        meant = _OTHER_BOOLEANS[text.lower()]
        return Reading(
            text,
            f"'{text}' is a boolean in YAML 1.1 and text in YAML 1.2",
            f"write {meant}, or '{text}' in quotes",
        )
    if not text[0].isdigit() and text[0] not in "+-.":
        return Reading(text)
    return _number_or_date(text)


def _number_or_date(text: str) -> Reading:
    if len(text) > MAX_DIGITS and (
        _INT.fullmatch(text) or _RADIX.fullmatch(text) or _LEADING_ZERO.fullmatch(text)
    ):
        return Reading(0, f"a number of {len(text)} digits is too large for a whole number")
    if _INT.fullmatch(text):
        return Reading(int(text))
    if _FLOAT.fullmatch(text):
        return _finite(text, float(text))
    if _NOT_FINITE.fullmatch(text):
        return Reading(0.0, f"'{text}' is not a finite number")
    if _RADIX.fullmatch(text):
        value = int(text.replace("_", ""), 0)
        return Reading(value, f"'{text}' is not a decimal number", f"write {value}")
    if _LEADING_ZERO.fullmatch(text):
        value = int(text.replace("_", ""))
        return Reading(
            value,
            f"'{text}' is octal in YAML 1.1 and decimal in YAML 1.2",
            f"write {value} for the decimal number",
        )
    if _LOOSE_FLOAT.fullmatch(text):
        digits = text.replace("_", "")
        return _respell(text, float(digits))
    if _BASE_60.fullmatch(text):
        return Reading(text, f"'{text}' is a base-60 number in YAML 1.1", f"write '{text}' in quotes")
    if _DATE.fullmatch(text):
        return Reading(text, f"'{text}' is a date to YAML readers", f"write '{text}' in quotes")
    return Reading(text)


def _finite(text: str, value: float) -> Reading:
    if math.isfinite(value):
        return Reading(value)
    return Reading(0.0, f"'{text}' is too large for a number")


def _respell(text: str, value: float) -> Reading:
    if not math.isfinite(value):
        return Reading(0.0, f"'{text}' is too large for a number")
    return Reading(
        value,
        f"'{text}' looks like a number, but YAML readers disagree: some read it as text",
        f"write {spell(value)}",
    )


def spell(value: float) -> str:
    """A number as every YAML reader reads it: whole, or with a point in the digits and a signed exponent."""
    text = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if "e" not in text:
        return text
    digits, exponent = text.split("e")
    if "." not in digits:
        digits += ".0"
    return f"{digits}e{int(exponent):+d}"

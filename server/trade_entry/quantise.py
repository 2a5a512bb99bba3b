"""Exact decimal arithmetic: steps, ticks, and how numbers leave as text."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

MONEY = Context(prec=38, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])
"""The context every plan is computed in, whatever the process has set."""

SHOWN_PLACES = 8
"""Decimals that quotients (ratios, margins) are shown with; prices and sizes are shown in full."""


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The greatest multiple of ``step`` not above ``value``. Raises ``ValueError`` unless step > 0."""
    if step <= 0:
        raise ValueError(f"a step is positive, not {step}")
    # Integer division of decimals is exact; dividing first would round 4.99…9 up to 5.
    multiple = value // step * step
    return multiple - step if multiple > value else multiple


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The least multiple of ``step`` not below ``value``. Raises ``ValueError`` unless step > 0."""
    return -floor_to(-value, step)


def times(amount: Decimal, each: Decimal) -> int:
    """How often ``each`` (> 0) fits into ``amount``, exactly: a quotient of 4.99…9 is 4."""
    return int(amount // each)


def times_to_cover(amount: Decimal, each: Decimal) -> int:
    """How many of ``each`` (> 0) cover ``amount``, exactly: a quotient of 5.00…1 is 6."""
    whole = int(amount // each)
    return whole + (whole * each < amount)


def clamp(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """``value`` moved into ``[low, high]``."""
    return min(max(value, low), high)


def plain(value: Decimal) -> str:
    """Fixed-point text without trailing zeros: ``1.234E-5`` becomes ``0.00001234``."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def shown(value: Decimal) -> str:
    """A quotient for reading, rounded to ``SHOWN_PLACES``."""
    return plain(round(value, SHOWN_PLACES))

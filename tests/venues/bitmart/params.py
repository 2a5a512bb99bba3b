"""Parameters of one request, read strictly: what is ill-typed or missing is answered, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .codes import ApiError
from .contracts import Contract

PLAIN_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
LETTERS_AND_DIGITS = re.compile(r"[A-Za-z0-9]+")
LONGEST_CLIENT_ID = 32


class Params:
    """The body of a POST, or the query of a GET (whose integers are text)."""

    def __init__(self, values: Mapping[str, Any], *, query: bool) -> None:
        self.values = values
        self.query = query

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """Empty where absent; 40007 where it is not text."""
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ApiError(40007, f"{name} must be a string")
        return value

    def integer(self, name: str, code: int = 40007) -> int | None:
        """None where absent; ``code`` where it is not an integer."""
        value = self.values.get(name)
        if value is None or (self.query and value == ""):
            return None
        if self.query and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ApiError(code, f"{name} must be an integer")
        return value

    def choice(self, name: str, allowed: tuple[int, ...], default: int, code: int) -> int:
        value = self.integer(name, code)
        if value is None:
            return default
        if value not in allowed:
            raise ApiError(code, f"{name} {value}")
        return value

    def price(self, name: str, contract: Contract) -> Decimal | None:
        """A price on the tick as plain decimal text; 40007 for a number, 40043 off the tick."""
        text = self.text(name)
        if not text:
            return None
        if not PLAIN_DECIMAL.fullmatch(text):
            raise ApiError(40043, f"{name} {text}")
        value = Decimal(text)
        if value <= 0:
            raise ApiError(40044, f"{name} {text}")
        if value % contract.tick:
            raise ApiError(40043, f"{name} {text} is off the tick {contract.tick}")
        return value

    def size(self, contract: Contract, largest: int) -> int:
        """The integer ``size``; 40044 outside its range (``largest`` 0: no limit), 40043 off the step."""
        value = self.integer("size")
        if value is None:
            raise ApiError(40007, "size is missing")
        if value < contract.min_volume or (largest and value > largest):
            raise ApiError(40044, f"size {value}")
        if value % contract.step:
            raise ApiError(40043, f"size {value}")
        return value

    def client_order_id(self) -> str:
        text = self.text("client_order_id")
        if len(text) > LONGEST_CLIENT_ID:
            raise ApiError(40049)
        if text and not LETTERS_AND_DIGITS.fullmatch(text):
            raise ApiError(40048)
        return text

    def order_id(self) -> int | None:
        """``order_id`` as text or as an integer; 40037 for what no order id can be."""
        value = self.values.get("order_id")
        if value is None or value == "":
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
        raise ApiError(40037)


def plain(value: Decimal) -> str:
    """A decimal as the venue writes it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

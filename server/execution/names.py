"""Client order ids of everything one intent may send; each is derived, so that it is the same again."""

from __future__ import annotations

from typing import Literal

from server.trade_entry.identity import client_order_id

Purpose = Literal["entry", "stop", "target", "close"]

OURS = "EG"
"""Every client order id that leaves from here begins with this."""


def order_name(decision_key: str, purpose: Purpose, number: int) -> str:
    """The ``number``-th (from 0) id of one purpose. The first entry's is the intent's own."""
    if purpose == "entry" and number == 0:
        return client_order_id(decision_key, OURS)
    return client_order_id(f"{decision_key}#{purpose}#{number}", OURS)


def is_ours(name: str) -> bool:
    """Whether this product gave out the id."""
    return name.startswith(OURS)

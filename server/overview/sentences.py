"""The steps of an order's journey as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.instants import iso
from server.orders.intent import Event

Details = Mapping[str, Any]


def sentence(event: Event) -> str:
    """One line about one event: what happened, with the numbers that matter. Unknown details are left out."""
    told = event.details
    return _SENTENCES[event.kind].format_map(_Words(told)) + _tail(event.kind, told)


_SENTENCES: Mapping[str, str] = {
    "decided": "verdict READY {side} on {execution_tf}",
    "rejected": "not entered: {reason}",
    "recorded": "planned: {size} at {price}, stop {stop}",
    "leverage_set": "leverage is {leverage}x",
    "leverage_refused": "the venue did not set the leverage to {leverage}x",
    "submitting": "sending {size} at {price}",
    "accepted": "the venue accepted the order",
    "refused": "the venue refused the order",
    "unknown": "no answer: nobody knows yet whether the order is there",
    "settled": "settled by looking at the venue: the order is {placed}",
    "requoted": "refused for its price, quoted again",
    "filled": "{filled} of {of} filled",
    "protected": "the stop stands at {stop}",
    "unprotected": "the position has no stop",
    "amended": "{trigger} moved from {before} to {after}",
    "cancelling": "being cancelled: {cause}",
    "cancelled": "cancelled: {reason}",
    "converted": "the rest is sent again, to fill at once",
    "closing": "being closed at the market: {reason}",
    "reduced": "part of the position is closed: {left} of {of} left",
    "closed": "closed: {cause}",
    "adopted": "taken up by the guardian",
    "operator": "{actor} asked to {action} it: {reason}",
    "failed": "the workflow broke: {error}",
    "retried": "{actor} had it tried again: {reason}",
}
"""By kind of event, with the details they name."""


class _Words(dict[str, str]):
    """Details as words; what an event does not say is ``?``."""

    def __init__(self, details: Details) -> None:
        super().__init__({name: _word(value) for name, value in details.items()})
        # An order that was found is told by its number, one that was not by saying so.
        self["placed"] = "not there" if details.get("placed") is False else "there"

    def __missing__(self, key: str) -> str:
        return "?"


_TAILS: Mapping[str, tuple[str, ...]] = {
    "decided": ("price",),
    "rejected": ("stage", "blocked_by"),
    "submitting": ("send", "client_order_id"),
    "accepted": ("order_id",),
    "refused": ("cause", "venue_code", "detail"),
    "leverage_refused": ("detail",),
    "unknown": ("detail",),
    "filled": ("price",),
    "protected": ("unprotected_sec",),
    "unprotected": ("detail",),
    "closing": ("detail",),
    "closed": ("price", "realised_pnl_usdt"),
    "cancelled": ("filled",),
    "amended": ("by",),
}
"""Details that are appended where they are known."""


def _tail(kind: str, told: Details) -> str:
    parts = [
        f"{name.replace('_', ' ')} {_word(told[name])}"
        for name in _TAILS.get(kind, ())
        if told.get(name) not in (None, "", 0)
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _word(value: Any) -> str:
    match value:
        case None:
            return "?"
        case bool():
            return "yes" if value else "no"
        case int() if value > 1_000_000_000_000:  # an instant
            return iso(value)
        case dict() | list():
            return "…"
        case _:
            return " ".join(str(value).split())

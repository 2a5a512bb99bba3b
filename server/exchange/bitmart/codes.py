"""BitMart's error codes, and what each proves about a request that changes something: a table, as data."""

from __future__ import annotations

from typing import Literal

from server.exchange.trading import Refusal, Refused, Unknown

OK = 1000
CLOCK = 30007
"""The timestamp is outside the window: the request was turned away before it was looked at."""

TOO_MANY = frozenset({30013, 40013})
"""Turned away for the number of requests; the venue was not asked."""

NO_SUCH_CONTRACT = 40034

OUT_OF_RANGE = 40044

Proof = Refusal | Literal["unknown"]

PROOFS: dict[int, Proof] = {
    # Transport and authentication. Turned away at the door, except where the door itself is not sure.
    30000: "other",  # no such path
    30001: "not_permitted",
    30002: "not_permitted",
    30003: "not_permitted",
    30004: "not_permitted",
    30005: "not_permitted",
    30006: "not_permitted",
    CLOCK: "not_sent",
    30008: "not_permitted",
    30010: "not_permitted",
    30011: "not_permitted",
    30012: "not_permitted",
    30013: "not_sent",
    30014: "unknown",  # unavailable: it may have been passed on before that was found
    30016: "not_sent",  # maintenance
    30017: "not_permitted",
    30018: "other",  # the body is not JSON
    30019: "not_permitted",
    30030: "other",
    30031: "other",
    # Contracts.
    40001: "not_permitted",
    40002: "other",
    40003: "other",
    40004: "other",
    40005: "other",
    40006: "not_permitted",
    40007: "other",
    40008: "other",
    40009: "other",
    40010: "other",
    40011: "other",
    40012: "leverage",  # "system error": in practice leverage or margin mode differ from the position's
    40013: "not_sent",
    40014: "symbol_unavailable",
    40015: "symbol_unavailable",
    40016: "other",
    40017: "other",
    40018: "no_position",
    40019: "other",
    40020: "invalid_size",
    40021: "no_position",
    40022: "other",
    40023: "other",
    40024: "other",
    40025: "other",
    40026: "other",
    40027: "insufficient_margin",
    40028: "other",
    40029: "leverage",
    40030: "leverage",
    40031: "invalid_price",
    40032: "other",
    40033: "other",
    NO_SUCH_CONTRACT: "symbol_unavailable",
    40035: "no_such_order",
    40036: "no_such_order",  # there is one, but none that is still open
    40037: "no_such_order",
    40038: "other",
    40039: "other",
    40040: "leverage",
    40041: "other",
    40042: "other",
    40043: "invalid_price",
    OUT_OF_RANGE: "invalid_size",
    40045: "other",
    40046: "not_permitted",
    40047: "not_permitted",
    40048: "other",
    40049: "other",
    40050: "duplicate_client_order_id",
    40059: "other",
    42000: "insufficient_margin",
    49998: "other",
}

_CONTRACT_CODES = range(40000, 50000)


def refusal(http_status: int, code: int, detail: str) -> Refused | Unknown:
    """What an answer with ``code`` (not `OK`) proves.

    A status of 500 or above proves nothing, whatever the body says, except that a body without JSON or a
    turn-away for too many requests was never looked at. A contract code without a name here is a refusal for
    a cause without a name; any other code without a name is unknown.
    """
    proof = PROOFS.get(code, "other" if code in _CONTRACT_CODES else "unknown")
    certain = http_status < 500 or code in TOO_MANY or code == 30018
    if proof == "unknown" or not certain:
        return Unknown(f"HTTP {http_status}, code {code}: {detail}")
    return Refused(proof, detail, str(code))


def of_price(refused: Refused) -> Refused:
    """The refusal of a body that has a price and no size: what is out of range then is the price."""
    if refused.venue_code == str(OUT_OF_RANGE):
        return Refused("invalid_price", refused.detail, refused.venue_code)
    return refused


def turned_away(http_status: int) -> Refused | None:
    """What the HTTP status alone proves, for an answer without an envelope."""
    if http_status == 429:
        return Refused("not_sent", "HTTP 429: too many requests", "429")
    if http_status == 418:
        return Refused("not_permitted", "HTTP 418: rejected for too many requests", "418")
    return None

"""Control endpoints under ``/_control``: drive market, clock and faults, and read what happened.

No key, no signature, no limits, never a fault. Answers are JSON objects; a mistake is 400 with ``error``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from .faults import Fault
from .messages import JSON_HEADERS, Call, Reply

if TYPE_CHECKING:
    from .server import BitMart

PREFIX = "/_control"

Handler = Callable[["BitMart", Mapping[str, Any]], Any]


def answer(server: BitMart, call: Call) -> Reply:
    status, content = 200, None
    try:
        handler = HANDLERS.get((call.method, call.path.removeprefix(PREFIX)))
        if handler is None:
            known = sorted(f"{method} {PREFIX}{path}" for method, path in HANDLERS)
            status, content = 404, {"error": f"no {call.method} {call.path}", "known": known}
        else:
            given: Any = dict(parse_qsl(call.query))
            if call.body:
                given |= msgspec.json.decode(call.body)
            with server.venue.lock:
                server.run_due()
                content = handler(server, given)
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        status, content = 400, {"error": f"{type(error).__name__}: {error}"}
    return Reply(status, msgspec.json.encode(content), JSON_HEADERS)


def _price(server: BitMart, given: Mapping[str, Any]) -> Any:
    """``symbol``, ``bid``; ``ask``, ``last``, ``mark`` where they are not next to it; sizes of the levels."""
    prices = {name: str(given[name]) for name in ("last", "mark") if given.get(name) is not None}
    sizes = {name: int(given[name]) for name in ("bid_size", "ask_size") if given.get(name) is not None}
    ask = None if given.get("ask") is None else str(given["ask"])
    server.venue.set_price(given["symbol"], str(given["bid"]), ask, **prices, **sizes)  # type: ignore[arg-type]
    return _quote(server, given["symbol"])


def _quote(server: BitMart, symbol: str) -> Any:
    quote = server.venue.quotes[symbol]
    return {"symbol": symbol, "bid": quote.bid, "ask": quote.ask, "last": quote.last, "mark": quote.mark}


def _prices(server: BitMart, given: Mapping[str, Any]) -> Any:
    return {"prices": [_quote(server, symbol) for symbol in server.venue.quotes]}


def _clock(server: BitMart, given: Mapping[str, Any]) -> Any:
    """``set`` (ms: stands still there), ``advance`` (ms), or ``run`` (with real time, plus ``offset``)."""
    clock = server.clock
    if given.get("set") is not None:
        clock.set(int(given["set"]))
    if given.get("run"):
        clock.run(int(given.get("offset", 0)))
    if given.get("advance") is not None:
        clock.advance(int(given["advance"]))
    server.run_due()
    return {"now_ms": clock.now_ms(), "manual": clock.manual}


FAULT_FIELDS = frozenset(field.name for field in fields(Fault))


def _plan_fault(server: BitMart, given: Mapping[str, Any]) -> Any:
    """The fields of a `Fault`; several under ``faults``; or ``random``: ``{seed, rates, endpoints}``."""
    if "random" in given:
        server.faults.randomly(**given["random"])
        return {"random": given["random"]}
    for one in given.get("faults", [given]):
        unknown = set(one) - FAULT_FIELDS
        if unknown:
            raise ValueError(f"a fault has no {sorted(unknown)}")
        details = dict(one)
        if "share" in details:
            details["share"] = Decimal(str(details["share"]))
        server.faults.plan(**details)
    return _faults(server, given)


def _faults(server: BitMart, given: Mapping[str, Any]) -> Any:
    return {"pending": [asdict(fault) for fault in server.faults.pending]}


def _clear_faults(server: BitMart, given: Mapping[str, Any]) -> Any:
    server.faults.clear()
    return _faults(server, given)


def _fill_share(server: BitMart, given: Mapping[str, Any]) -> Any:
    """``share`` of a size that one price move fills; with ``order_id``, ``contracts`` it may fill at most."""
    if "order_id" in given:
        most = given.get("contracts")
        server.venue.set_fill_cap(int(given["order_id"]), None if most is None else int(most))
    else:
        server.venue.fill_share = Decimal(str(given["share"]))
    return {"share": server.venue.fill_share}


def _limits(server: BitMart, given: Mapping[str, Any]) -> Any:
    """``enforced``: whether exceeded limits are answered 429."""
    if "enforced" in given:
        server.limits.enforced = bool(given["enforced"])
    return {
        "enforced": server.limits.enforced,
        "exceeded": dict(server.limits.exceeded),
        "peaks": dict(server.limits.peaks),
    }


def _state(server: BitMart, given: Mapping[str, Any]) -> Any:
    """Everything of an ``account`` (main): money, positions, orders, plan orders, fills."""
    account = server.venue.account(given.get("account", "main"))
    return {
        "now_ms": server.clock.now_ms(),
        "wallet": account.wallet,
        "balances": server.venue.balances(account),
        "position_mode": account.position_mode,
        "positions": [asdict(position) for position in account.positions.values() if position.amount],
        "orders": [asdict(order) for order in account.orders.values()],
        "plans": [asdict(plan) for plan in account.plans.values()],
        "trades": [asdict(trade) for trade in account.trades],
        "timers": account.timers,
    }


def _journal(server: BitMart, given: Mapping[str, Any]) -> Any:
    """The counts, and the newest ``last`` (50) requests."""
    journal = server.journal
    last = int(given.get("last", 50))
    return {
        "total": journal.total,
        "requests": dict(journal.requests),
        "codes": {f"{path} {code}": count for (path, code), count in journal.codes.items()},
        "faults": dict(journal.faults),
        "attempts": dict(journal.attempts),
        "accepted": dict(journal.accepted),
        "undocumented": dict(journal.undocumented),
        "without_id": journal.without_id,
        "default_agents": journal.default_agents,
        "expired": journal.expired,
        "authentication_failures": journal.authentication_failures,
        "signature_failures": journal.signature_failures,
        "exceeded": dict(server.limits.exceeded),
        "last": [asdict(entry) for entry in list(journal.entries)[-last:]] if last else [],
    }


def _funding(server: BitMart, given: Mapping[str, Any]) -> Any:
    """``symbol`` and ``rate``: longs pay it to shorts."""
    server.venue.pay_funding(given["symbol"], Decimal(str(given["rate"])))
    return {"symbol": given["symbol"], "rate": str(given["rate"])}


HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", "/price"): _prices,
    ("POST", "/price"): _price,
    ("GET", "/clock"): _clock,
    ("POST", "/clock"): _clock,
    ("GET", "/faults"): _faults,
    ("POST", "/faults"): _plan_fault,
    ("DELETE", "/faults"): _clear_faults,
    ("POST", "/fills"): _fill_share,
    ("GET", "/limits"): _limits,
    ("POST", "/limits"): _limits,
    ("POST", "/funding"): _funding,
    ("GET", "/state"): _state,
    ("GET", "/journal"): _journal,
}

"""The server: one request in, one answer out, with faults, limits, keys and the journal in between.

`BitMart` is an ASGI application; `venues.bitmart.transport` gives httpx the same without HTTP in between, and
`venues.bitmart.serving` puts it on a loopback port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from . import auth, control
from .auth import Key
from .clock import Clock
from .codes import ApiError
from .faults import CREATES, NOTHING, Chosen, Fault, Faults
from .journal import Entry, Journal
from .limits import RateLimits
from .messages import JSON_HEADERS, Answer, Call, Reply
from .params import Params
from .routes import ROUTES, Route
from .transport import deliver
from .venue import Options, Venue

HTML = b"<html><head><title>503 Service Unavailable</title></head><body>error code: 1010</body></html>"
DEFAULT_AGENTS = ("python-httpx", "python-requests", "python-urllib", "aiohttp", "curl/")

DEMO_KEY = Key("demo-access-key", "demo-secret-key", "demo-memo")


@dataclass(order=True, slots=True)
class _Late:
    due_ms: int
    number: int
    call: Call = field(compare=False)
    chosen: Chosen = field(compare=False)


class BitMart:
    """A venue behind BitMart's futures v2 REST interface.

    ``keys`` default to `DEMO_KEY`, whose account ``main`` starts with ``usdt``. ``window_ms`` is the receive
    window. ``strict``: parameters that the document does not know are refused (49998), not only counted.
    """

    def __init__(
        self,
        *,
        keys: Iterable[Key] = (DEMO_KEY,),
        usdt: Decimal | str = "10000",
        clock: Clock | None = None,
        options: Options | None = None,
        venue: Venue | None = None,
        limits: bool = True,
        window_ms: int = auth.DEFAULT_WINDOW_MS,
        strict: bool = False,
    ) -> None:
        self.venue = venue or Venue(clock=clock or Clock(), options=options or Options())
        self.keys = {key.access: key for key in keys}
        for key in self.keys.values():
            if key.account not in self.venue.accounts:
                self.venue.add_account(key.account, Decimal(usdt))
        self.window_ms = window_ms
        self.strict = strict
        self.faults = Faults()
        self.journal = Journal()
        self.limits = RateLimits(enforced=limits)
        self._late: list[_Late] = []
        self._last: dict[tuple[str, str, str], Reply] = {}

    @property
    def clock(self) -> Clock:
        return self.venue.clock

    def add_key(self, key: Key, usdt: Decimal | str = "10000") -> None:
        """A key (of a new account where its name is new); an old key of that name is replaced."""
        with self.venue.lock:
            self.keys[key.access] = key
            if key.account not in self.venue.accounts:
                self.venue.add_account(key.account, Decimal(usdt))

    async def answer(self, call: Call, patience_s: float | None = None) -> Answer:
        """What becomes of a request. ``patience_s`` is how long the caller waits for a reply, if it says so.

        A delay passes on the venue's clock: a standing clock is moved, a real one is waited for. A delay
        longer than the caller's patience is not waited for: the caller has gone by then.
        """
        if call.path.startswith(control.PREFIX):
            return Answer(control.answer(self, call))
        with self.venue.lock:
            route = ROUTES.get(call.path)
            chosen = NOTHING
            if route is not None:
                chosen = self.faults.choose(route.name, call.method, _lenient(call))
        fault = chosen.reply
        if fault is None or fault.kind != "delay":
            return self._process(call, chosen)
        gone = patience_s is not None and fault.ms >= patience_s * 1000
        if gone and fault.before:
            return self._postpone(call, chosen, fault)
        if fault.before:
            await self._pass(fault.ms)
            return self._process(call, chosen)
        answer = self._process(call, chosen)
        if gone:
            return Answer(None, "timeout")
        await self._pass(fault.ms)
        return answer

    async def _pass(self, ms: int) -> None:
        if self.clock.manual:
            self.clock.advance(ms)
        else:
            await asyncio.sleep(ms / 1000)

    def _postpone(self, call: Call, chosen: Chosen, fault: Fault) -> Answer:
        with self.venue.lock:
            self.journal.total += 1
            due = self.clock.now_ms() + fault.ms
            self._late.append(_Late(due, self.journal.total, call, Chosen(None, chosen.effects)))
            self._note(call, Reply(0, b"", []), chosen)
        return Answer(None, fault.ending)

    def run_due(self) -> None:
        """Processes late requests whose time has come, and dead-man timers; every request does so first."""
        with self.venue.lock:
            now = self.clock.now_ms()
            for late in sorted(late for late in self._late if late.due_ms <= now):
                self._late.remove(late)
                reply = self._reply(late.call, late.chosen, late.due_ms)
                self._note(late.call, reply, late.chosen, late=True)
            self.venue.run_timers()
            if self.venue.options.follow_candles:
                self.venue.follow()

    def _process(self, call: Call, chosen: Chosen) -> Answer:
        with self.venue.lock:
            self.run_due()
            fault = chosen.reply
            if fault is not None and fault.kind == "late":
                return self._postpone(call, chosen, fault)
            self.journal.total += 1
            reply = self._before(call, fault)
            if reply is None:
                reply = self._reply(call, chosen, self.clock.now_ms())
                reply = self._after(call, fault, reply)
            lost = fault is not None and fault.kind in ("drop_before", "drop_after")
            self._note(call, reply, chosen)
            if fault is not None and lost:
                return Answer(None, fault.ending)
            return Answer(reply, cut=fault is not None and fault.kind == "cut")

    def _before(self, call: Call, fault: Fault | None) -> Reply | None:
        """The answer of a fault that keeps the request from being processed."""
        if fault is None:
            return None
        if fault.kind == "drop_before":
            return Reply(0, b"", [])
        if fault.kind == "throttle":
            return self._error(call, ApiError(30013), [])
        if fault.kind == "reject":
            reply = self._error(call, ApiError(fault.code), [])
            return Reply(fault.status or reply.status, reply.body, reply.headers, reply.code)
        if fault.kind == "error_before":
            return self._failure(call, fault)
        if fault.kind == "stale":
            return self._last.get(_same(call))
        return None

    def _after(self, call: Call, fault: Fault | None, reply: Reply) -> Reply:
        """The answer of a fault that comes after the request was processed."""
        if fault is not None and fault.kind == "error_after":
            return self._failure(call, fault)
        if fault is not None and fault.kind == "duplicate_ack" and reply.code == 1000:
            route = ROUTES[call.path]
            if route.name in CREATES and _lenient(call).get("client_order_id"):
                return self._error(call, ApiError(40050), reply.headers)
        if reply.code == 1000 and call.method == "GET":
            self._last[_same(call)] = reply
        return reply

    def _failure(self, call: Call, fault: Fault) -> Reply:
        status = fault.status or 503
        if fault.html:
            return Reply(status, HTML, [(b"content-type", b"text/html")])
        reply = self._error(call, ApiError(30014), [])
        return Reply(status, reply.body, reply.headers, 30014)

    def _reply(self, call: Call, chosen: Chosen, now_ms: int) -> Reply:
        """The venue's own answer, the request having arrived at ``now_ms``."""
        headers: list[tuple[bytes, bytes]] = []
        try:
            route = ROUTES.get(call.path)
            if route is None or route.method != call.method:
                raise ApiError(30000)
            caller = call.peer if route.level == "none" else call.headers.get("x-bm-key", call.peer)
            admitted, used = self.limits.admit(call.path, caller, now_ms)
            headers = self.limits.headers(call.path, used)
            if not admitted:
                raise ApiError(30013)
            return self._success(self._handle(route, call, chosen, now_ms), headers)
        except ApiError as error:
            return self._error(call, error, headers)

    def _handle(self, route: Route, call: Call, chosen: Chosen, now_ms: int) -> Any:
        agent = call.headers.get("user-agent", "").lower()
        if not agent or agent.startswith(DEFAULT_AGENTS):
            self.journal.default_agents += 1
        if route.level == "none":
            return route.handler(self.venue, self._params(route, call))
        key = auth.keyed(self.keys, call.headers)
        account = self.venue.account(key.account)
        if route.level == "keyed":
            return route.handler(self.venue, account, self._params(route, call))
        auth.signed(key, call.headers, call.body, now_ms, self.window_ms)
        params = self._params(route, call)
        client_id = str(params.values.get("client_order_id") or "")
        if route.name == "submit-order":
            self.journal.attempts[client_id] += 1
        elif route.name == "cancel-order" and not client_id and not params.values.get("order_id"):
            self.journal.without_id += 1
        data = route.handler(self.venue, account, params, chosen.as_effects())
        if route.name == "submit-order":
            self.journal.accepted[client_id] += 1
        return data

    def _params(self, route: Route, call: Call) -> Params:
        """Raises `ApiError` 30018 for a body that is no JSON, 40007 for JSON that is no object."""
        if call.method == "GET":
            values: dict[str, Any] = dict(parse_qsl(call.query, keep_blank_values=True))
        else:
            kind = call.headers.get("content-type", "").split(";")[0].strip().lower()
            if kind != "application/json":
                raise ApiError(30018, "content-type")
            try:
                decoded = msgspec.json.decode(call.body)
            except msgspec.DecodeError:
                raise ApiError(30018) from None
            if not isinstance(decoded, dict):
                raise ApiError(40007, "the body must be an object")
            values = decoded
        unknown = [name for name in values if name not in route.fields]
        for name in unknown:
            self.journal.undocumented[f"{route.path} {name}"] += 1
        if unknown and self.strict:
            raise ApiError(49998, unknown[0])
        return Params(values, query=call.method == "GET")

    def _success(self, data: Any, headers: list[tuple[bytes, bytes]]) -> Reply:
        number = self.journal.total
        if number % 2:
            body = {"code": 1000, "message": "Ok", "data": data, "trace": _trace(number)}
        else:
            body = {"code": 1000, "trace": _trace(number), "message": "OK", "data": data}
        return Reply(200, msgspec.json.encode(body), [*JSON_HEADERS, *headers], 1000)

    def _error(self, call: Call, error: ApiError, headers: list[tuple[bytes, bytes]]) -> Reply:
        number = self.journal.total
        body: dict[str, Any] = {"code": error.code, "message": error.message, "trace": _trace(number)}
        if number % 2:
            body["data"] = {}
        return Reply(error.status, msgspec.json.encode(body), [*JSON_HEADERS, *headers], error.code)

    def _note(self, call: Call, reply: Reply, chosen: Chosen, *, late: bool = False) -> None:
        self.journal.add(
            Entry(
                self.journal.total,
                self.clock.now_ms(),
                call.method,
                call.path,
                _lenient(call),
                call.headers.get("x-bm-key", ""),
                reply.status,
                reply.code,
                chosen.label,
                late,
            )
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        await deliver(self, scope, receive, send)


def _trace(number: int) -> str:
    return f"{number:032x}.{number % 100}.17230279047760209"


def _same(call: Call) -> tuple[str, str, str]:
    return call.headers.get("x-bm-key", ""), call.path, call.query


def _lenient(call: Call) -> Mapping[str, Any]:
    """The parameters as far as they can be read."""
    if call.method == "GET":
        return dict(parse_qsl(call.query)) if call.query else {}
    try:
        decoded = msgspec.json.decode(call.body)
    except msgspec.DecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}

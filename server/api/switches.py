"""What keeps a symbol out: switches, the queue of the next run, the blacklist, the locks of runs."""

from __future__ import annotations

import re
from typing import Any, get_args

from server.api.caller import known_caller
from server.api.endpoint import Endpoint
from server.api.history import PAGE_PARAMETERS, PAGE_SIZE
from server.api.parameters import Parameter, choice, reason, shaped
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.instants import machine_ms
from server.journal.answers import Page
from server.overview.switches import (
    BlacklistedSymbol,
    BlacklistEntry,
    BlacklistPage,
    LockEntry,
    LockPage,
    QueuedSymbol,
    QueuePage,
    SwitchPage,
    TurnedSwitch,
    entry_json,
    lock_json,
    queued_json,
    spelling,
    switch_json,
    turned_json,
)
from server.service import Service
from server.switches.durations import PATTERN, duration_ms
from server.switches.reading import SwitchFilter
from server.switches.switch import (
    KEY_PATTERN,
    SYMBOL_PATTERN,
    SwitchCause,
    SwitchKey,
    SwitchScope,
    symbol_name,
)

_LOCK_PATTERN = r"[A-Za-z0-9_.\-]{1,64}(:[A-Za-z0-9_.\-]{1,64}){2,3}"


def _lock_name(text: str) -> str:
    if not re.fullmatch(_LOCK_PATTERN, text):
        raise ValueError("expected the name of a lock, such as paper:perpetual:scalper_micro")
    return text


def _symbol(summary: str, *, required: bool = False) -> Parameter:
    return shaped("symbol", summary, SYMBOL_PATTERN, symbol_name, "XYZUSDT", required=required)


def _duration(summary: str) -> Parameter:
    return shaped("duration", summary, PATTERN, duration_ms, "15m")


def _lock(summary: str, *, required: bool = False) -> Parameter:
    example = "paper:perpetual:my_profile"
    return shaped("key", summary, _LOCK_PATTERN, _lock_name, example, required=required)


KEY = shaped(
    "key",
    "`GLOBAL`, `SYMBOL:<symbol>` or `SYMBOL_TF:<symbol>:<timeframe>`.",
    KEY_PATTERN,
    SwitchKey.parse,
    "SYMBOL:XYZUSDT",
    required=True,
)


async def switches(request: AnyRequest, service: Service, values: Values) -> Any:
    now_ms, state = machine_ms(), values.get("state")
    wanted = SwitchFilter(
        scope=values.get("scope"),
        symbol=values.get("symbol"),
        cause=values.get("cause"),
        off=None if state is None else state == "off",
    )
    found = await service.switches.page(wanted, now_ms=now_ms, **_paged(values))
    return found.to_json(lambda switch: dict(switch_json(switch, now_ms)))


async def switch_off(request: AnyRequest, service: Service, values: Values) -> TurnedSwitch:
    return await _turn(request, service, values, on=False)


async def switch_on(request: AnyRequest, service: Service, values: Values) -> TurnedSwitch:
    return await _turn(request, service, values, on=True)


async def _turn(request: AnyRequest, service: Service, values: Values, *, on: bool) -> TurnedSwitch:
    key, now_ms = values["key"], machine_ms()
    warnings = await spelling(service.database, key.symbol)
    turned = await service.switches.turn(
        key,
        on=on,
        reason=values["reason"],
        actor=known_caller(request).name,
        now_ms=now_ms,
        for_ms=values.get("duration"),
    )
    return turned_json(turned, now_ms, warnings)


async def queued(request: AnyRequest, service: Service, values: Values) -> Any:
    state, symbol = await service.switches.state(machine_ms()), values.get("symbol")
    waiting = tuple(one for one in state.queued if symbol in (None, one.symbol))
    page, size = values.get("page", 1), values.get("page_size", PAGE_SIZE)
    shown = waiting[(page - 1) * size : page * size]
    return Page(shown, page, size, len(waiting)).to_json(lambda one: dict(queued_json(one)))


async def queue(request: AnyRequest, service: Service, values: Values) -> QueuedSymbol:
    symbol = values["symbol"]
    warnings = await spelling(service.database, symbol)
    done = await service.switches.queue(
        symbol, reason=values["reason"], actor=known_caller(request).name, now_ms=machine_ms()
    )
    return {**queued_json(done), "warnings": warnings}


async def blacklist(request: AnyRequest, service: Service, values: Values) -> Any:
    found = await service.blacklist.page(values.get("symbol"), now_ms=machine_ms(), **_paged(values))
    return found.to_json(lambda entry: dict(entry_json(entry)))


async def blacklist_add(request: AnyRequest, service: Service, values: Values) -> BlacklistedSymbol:
    symbol = values["symbol"]
    warnings = await spelling(service.database, symbol)
    entry = await service.blacklist.add(
        symbol,
        reason=values["reason"],
        actor=known_caller(request).name,
        now_ms=machine_ms(),
        for_ms=values.get("duration"),
    )
    return {**entry_json(entry), "warnings": warnings}


async def blacklist_remove(request: AnyRequest, service: Service, values: Values) -> BlacklistEntry:
    gone = await service.blacklist.remove(
        values["symbol"], reason=values["reason"], actor=known_caller(request).name
    )
    return entry_json(gone)


async def locks(request: AnyRequest, service: Service, values: Values) -> Any:
    found = await service.run_locks.page(values.get("key"), now_ms=machine_ms(), **_paged(values))
    return found.to_json(lambda lock: dict(lock_json(lock)))


async def lock_release(request: AnyRequest, service: Service, values: Values) -> LockEntry:
    gone = await service.run_locks.force_release(
        values["key"], actor=known_caller(request).name, reason=values["reason"], now_ms=machine_ms()
    )
    return lock_json(gone)


def _paged(values: Values) -> dict[str, int]:
    return {"page": values.get("page", 1), "page_size": values.get("page_size", PAGE_SIZE)}


_CHANGED = (400, 413, 415, 503)

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/switches",
        name="switches",
        tag="switches",
        summary="Switches that were ever turned, with who turned them, why and until when",
        description="A switch that is not listed is on, and so is one whose time is over.",
        needs="read",
        handler=switches,
        answers={200: SwitchPage},
        parameters=(
            choice("scope", "Only switches of this kind.", get_args(SwitchScope)),
            _symbol("Only those of this symbol."),
            choice("state", "Only those that are so now.", ("on", "off")),
            choice("cause", "Only those turned by an operator, or by a run.", get_args(SwitchCause)),
            *PAGE_PARAMETERS,
        ),
        problems=(400, 503),
    ),
    Endpoint(
        method="POST",
        path="/api/switches/off",
        name="switch_off",
        tag="switches",
        summary="Switch everything, a symbol, or a timeframe of a symbol off",
        description="No order is recorded against it once this has answered; orders that have left are not "
        "touched. Without a duration it stays off until it is switched on; whatever end it had is replaced.",
        needs="trade",
        handler=switch_off,
        answers={200: TurnedSwitch},
        parameters=(KEY, _duration("How long, from now."), reason("Why it is switched off.")),
        problems=_CHANGED,
    ),
    Endpoint(
        method="POST",
        path="/api/switches/on",
        name="switch_on",
        tag="switches",
        summary="Switch it on again",
        description="A symbol that would have come on by itself later is queued for the next run besides.",
        needs="trade",
        handler=switch_on,
        answers={200: TurnedSwitch},
        parameters=(KEY, reason("Why it is switched on.")),
        problems=_CHANGED,
    ),
    Endpoint(
        method="GET",
        path="/api/switches/queue",
        name="queued",
        tag="switches",
        summary="Symbols that the next run looks at",
        needs="read",
        handler=queued,
        answers={200: QueuePage},
        parameters=(_symbol("Only this symbol."), *PAGE_PARAMETERS),
        problems=(400, 503),
    ),
    Endpoint(
        method="POST",
        path="/api/switches/queue",
        name="queue",
        tag="switches",
        summary="Have the next run look at a symbol, whether or not it would have selected it",
        description="Once: the next run takes it out of the queue. What is switched off stays out.",
        needs="trade",
        handler=queue,
        answers={200: QueuedSymbol},
        parameters=(_symbol("Which symbol.", required=True), reason("Why it is looked at.")),
        problems=_CHANGED,
    ),
    Endpoint(
        method="GET",
        path="/api/blacklist",
        name="blacklist",
        tag="switches",
        summary="Symbols that no run looks at",
        description="A profile's own blacklist, in its contracts.yaml, counts besides.",
        needs="read",
        handler=blacklist,
        answers={200: BlacklistPage},
        parameters=(_symbol("Only this symbol."), *PAGE_PARAMETERS),
        problems=(400, 503),
    ),
    Endpoint(
        method="POST",
        path="/api/blacklist/add",
        name="blacklist_add",
        tag="switches",
        summary="Put a symbol on the blacklist",
        needs="trade",
        handler=blacklist_add,
        answers={200: BlacklistedSymbol},
        parameters=(
            _symbol("Which symbol.", required=True),
            _duration("How long, from now; without it, for ever."),
            reason("Why it is not to be looked at."),
        ),
        problems=_CHANGED,
    ),
    Endpoint(
        method="POST",
        path="/api/blacklist/remove",
        name="blacklist_remove",
        tag="switches",
        summary="Take a symbol off the blacklist",
        needs="trade",
        handler=blacklist_remove,
        answers={200: BlacklistEntry},
        parameters=(_symbol("Which symbol.", required=True), reason("Why it may be looked at again.")),
        problems=(*_CHANGED, 404),
    ),
    Endpoint(
        method="GET",
        path="/api/locks",
        name="locks",
        tag="switches",
        summary="Locks that runs hold, with the run, since when and until when",
        needs="read",
        handler=locks,
        answers={200: LockPage},
        parameters=(_lock("Only this lock."), *PAGE_PARAMETERS),
        problems=(400, 503),
    ),
    Endpoint(
        method="POST",
        path="/api/locks/release",
        name="lock_release",
        tag="switches",
        summary="Take a lock from its run",
        description="For a run that hangs: it places nothing once it notices. One that has died needs none "
        "of this, its lock ends by itself.",
        needs="trade",
        handler=lock_release,
        answers={200: LockEntry},
        parameters=(_lock("Which lock.", required=True), reason("Why it is released.")),
        problems=(*_CHANGED, 404),
    ),
)

"""Whether all is well: one finding for each thing that has to be, with what to do where it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.candles import STEP_MS
from engine.ruleset import RulesetError
from server.database import DatabaseError, pending
from server.exchange.errors import ExchangeError
from server.exchange.paper.errors import VENUE as PAPER
from server.exchange.paper.errors import MarketDataError
from server.exchange.port import Exchange
from server.exchange.selection import GATE, select_contracts
from server.execution.desk import Desk
from server.execution.watch_lease import lease_of
from server.instants import iso
from server.orders.errors import OrdersUnavailable
from server.orders.reading import Standing
from server.overview import waiting
from server.overview.finding import Finding
from server.overview.looking import Look, looking
from server.overview.positions import open_positions
from server.overview.scheduled import scheduled
from server.settings import Settings

OFFSET_MS = 1_000
"""A clock further away than this is wrong: requests to a venue carry its time."""

SETTLED_WITHIN_SEC = 60
"""An order of which nothing is known for longer needs a person."""

STALE_STEPS = 3
"""A newest candle that closed more steps ago than this is old."""

AT_ONCE = 16


async def examine(settings: Settings) -> Sequence[Finding]:
    """Everything there is to find, in the order in which it should be mended. Changes nothing that trades."""
    found = [await asyncio.to_thread(_database, settings)]
    if found[0].level == "fail":
        return found
    try:
        async with looking(settings) as look:
            found.append(_rules(look))
            for check in OF_ALL:
                found.append(await _tried(check, look, look.default, settings))
            standings = await look.service.orders.standings()
            for desk in _used(look, standings):
                for check in OF_A_VENUE:
                    found.append(await _tried(check, look, desk, settings))
                if desk is look.default or desk.venue.name in standings:
                    found.append(await _tried(_candles, look, desk, settings))
            found += _out_of_reach(look, standings)
            found.append(await scheduled(look, settings))
    except OrdersUnavailable as error:
        found.append(Finding("database", "fail", str(error), "see that the database answers"))
    except RulesetError as error:
        found.append(Finding("rules", "fail", str(error.problems[0]), "entrygate check shows all problems"))
    except MarketDataError as error:
        found.append(Finding("venue paper", "fail", str(error), "correct ENTRYGATE_MARKET_DATA"))
    except ExchangeError as error:
        found.append(Finding(f"venue {error.venue}", "fail", str(error), "look at the venue and its keys"))
    return found


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether nothing has failed; warnings are for a person to judge."""
    return all(finding.level != "fail" for finding in findings)


Check = Callable[[Look, Desk, Settings], Coroutine[Any, Any, Finding]]


async def _tried(check: Check, look: Look, desk: Desk, settings: Settings) -> Finding:
    """What the check finds; of one venue among several, under the venue's name."""
    name = check.__name__.strip("_")
    try:
        found = await check(look, desk, settings)
    except ExchangeError as error:
        found = Finding(
            name, "fail", str(error), "wait, or look at the venue: positions stay protected there"
        )
    except OrdersUnavailable as error:
        found = Finding(name, "fail", str(error), "see that the database of ENTRYGATE_DATABASE_URL answers")
    return found if check in OF_ALL else replace(found, name=f"{found.name} {desk.venue.name}")


def _used(look: Look, standings: Mapping[str, Standing]) -> Sequence[Desk]:
    """The venue of runs, every other that is set up, and paper also where orders are under way there."""
    others = [
        desk
        for name, desk in look.desks.items()
        if desk is not look.default and (name != PAPER or name in standings)
    ]
    return [look.default, *others]


def _out_of_reach(look: Look, standings: Mapping[str, Standing]) -> Sequence[Finding]:
    """Orders under way at a venue that is not set up here: nothing can be said of them."""
    return [
        Finding(
            f"venue {name}",
            "fail",
            f"{standing.under_way} order(s) under way there, and it is not set up here",
            "give this command the settings of the process that trades there",
        )
        for name, standing in standings.items()
        if name not in look.desks
    ]


def _database(settings: Settings) -> Finding:
    try:
        missing = pending(settings.database)
    except DatabaseError as error:
        return Finding("database", "fail", str(error), "see that the database answers")
    if missing:
        detail = f"{settings.database} is {len(missing)} migration(s) behind"
        return Finding("database", "fail", detail, "entrygate migrate")
    return Finding("database", "ok", f"{settings.database} is at head")


def _rules(look: Look) -> Finding:
    ruleset = look.service.rulesets.current
    detail = f"{look.service.rulesets.folder}, default profile {ruleset.default_profile}"
    return Finding("rules", "ok", detail)


async def _halt(look: Look, desk: Desk, settings: Settings) -> Finding:
    halt = await look.service.orders.halted()
    if not halt.halted:
        return Finding("halt", "ok", "trading is not halted")
    detail = f"halted by {halt.actor} at {iso(halt.recorded_at)}: {halt.reason}"
    return Finding("halt", "warn", detail, "entrygate resume --reason TEXT, once the cause is gone")


async def _workflows(look: Look, desk: Desk, settings: Settings) -> Finding:
    from server.durable import DurableError
    from server.durable.engine import open_durable

    try:
        async with open_durable(settings.database, {}, takes_work=False) as durable:
            failed, unfinished = await durable.failed(), await durable.unfinished()
    except (DurableError, DatabaseError) as error:
        return Finding("workflows", "fail", str(error), "see that the database answers")
    if failed:
        detail = f"{len(failed)} failed, the newest at {iso(failed[0].failed_at)}: {failed[0].error}"
        remedy = "entrygate orders shows them; entrygate retry ID --reason TEXT has one decided again"
        return Finding("workflows", "fail", detail, remedy)
    if (waits := waiting.told(unfinished)) is not None:
        return Finding(
            "workflows", "fail", waits, "start entrygate worker, or serve without ENTRYGATE_DISPATCH"
        )
    return Finding("workflows", "ok", f"{len(unfinished)} under way, none failed")


async def _watch(look: Look, desk: Desk, settings: Settings) -> Finding:
    until = await look.service.orders.leased_until(lease_of(desk.venue.name, desk.account))
    if until is not None and until > time.time_ns() // 1_000_000:
        return Finding("watch", "ok", f"a process looks after {desk.venue.name}")
    under_way = await look.service.orders.under_way(desk.venue.name, desk.account)
    if not under_way:
        return Finding("watch", "ok", "no process runs, and no order needs one")
    detail = f"no process looks after {len(under_way)} order(s): {', '.join(i.symbol for i in under_way)}"
    remedy = "entrygate serve, or entrygate worker"
    if not desk.may_change:
        remedy += ", with ENTRYGATE_LIVE=1 and a key of role trade"
    return Finding("watch", "fail", detail, remedy)


async def _unsettled(look: Look, desk: Desk, settings: Settings) -> Finding:
    name = "unsettled"
    under_way = await look.service.orders.under_way(desk.venue.name, desk.account)
    since = [intent.updated_at for intent in under_way if intent.state == "submitting"]
    if not since:
        return Finding(name, "ok", "every order that has left is known to the venue, or known not to be")
    waits = (await desk.now() - min(since)) / 1000
    detail = f"{len(since)} order(s), the oldest for {waits:.0f} s"
    if waits <= SETTLED_WITHIN_SEC:
        return Finding(name, "ok", detail)
    return Finding(name, "fail", detail, "keep serve or worker running; look at the venue")


async def _holds(look: Look, desk: Desk, settings: Settings) -> Finding:
    holds = await look.service.orders.holds(desk.venue.name, desk.account, await desk.now())
    if not holds:
        return Finding("holds", "ok", "no symbol is held")
    told = ", ".join(f"{hold.symbol} ({hold.cause.replace('_', ' ')})" for hold in holds)
    return Finding("holds", "ok", told)


async def _venue(look: Look, desk: Desk, settings: Settings) -> Finding:
    name = "venue"
    now_ms, obstacle = await desk.now(), desk.venue.orders_obstacle()
    detail = f"its clock says {iso(now_ms)}"
    if desk.venue.name != PAPER:
        offset = now_ms - time.time_ns() // 1_000_000
        detail = f"reachable, its clock is {offset:+d} ms from this machine's"
        if abs(offset) > OFFSET_MS:
            return Finding(name, "warn", detail, "set this machine's clock by a time server")
    if obstacle is not None:
        return Finding(name, "ok" if desk.venue.name == PAPER else "warn", f"{detail}; {obstacle}")
    return Finding(name, "ok", f"{detail}; takes orders")


async def _positions(look: Look, desk: Desk, settings: Settings) -> Finding:
    found = await open_positions(desk)
    naked = [f"{one.position.symbol} {one.position.side}" for one in found if not one.covered]
    if naked:
        remedy = "keep serve or worker running: it places stops; else place them at the venue"
        return Finding("positions", "fail", f"without a stop: {', '.join(naked)}", remedy)
    foreign = [f"{one.position.symbol} {one.position.side}" for one in found if one.intent is None]
    if foreign:
        detail = f"{len(found)} open; not opened from here: {', '.join(foreign)}"
        return Finding("positions", "warn", detail, "they are only given a stop; close them at the venue")
    return Finding("positions", "ok", f"{len(found)} open, each with its stop" if found else "none open")


async def _candles(look: Look, desk: Desk, settings: Settings) -> Finding:
    ruleset = look.service.rulesets.current
    profile = ruleset.profiles[ruleset.default_profile]
    timeframe = min(profile.validation.execution_timeframes, key=lambda tf: STEP_MS[tf])
    step, now_ms = STEP_MS[timeframe], await desk.now()
    listings = await desk.venue.contracts()
    symbols = select_contracts(listings, profile.contracts, profile.gates[GATE], now_ms).symbols
    slots = asyncio.Semaphore(AT_ONCE)

    async def closed_at(venue: Exchange, symbol: str) -> int:
        async with slots:
            try:
                candles = await venue.candles(symbol, timeframe, now_ms - 100 * step, now_ms)
            except ExchangeError:
                return 0
        times = [int(at) + step for at in candles.ts.tolist() if int(at) + step <= now_ms]
        return max(times, default=0)

    newest = dict(
        zip(symbols, await asyncio.gather(*(closed_at(desk.venue, s) for s in symbols)), strict=True)
    )
    if not newest:
        return Finding("candles", "warn", f"{ruleset.default_profile} selects no symbol", "see its contracts")
    old = sorted(s for s, at in newest.items() if now_ms - at > STALE_STEPS * step)
    if len(old) == len(newest):
        detail = f"none of {len(newest)} symbols has a recent {timeframe} candle"
        remedy = "see that the venue or the recording goes on: nothing can be decided"
        return Finding("candles", "fail", detail, remedy)
    if old:
        detail = (
            f"{len(old)} of {len(newest)} symbols have no recent {timeframe} candle: {', '.join(old[:5])}"
        )
        return Finding("candles", "warn", detail, "see that the venue or the recording still has them")
    age = (now_ms - min(newest.values())) / 1000
    detail = f"{len(newest)} symbols, each has a {timeframe} candle of the last {age:.0f} s"
    return Finding("candles", "ok", detail)


OF_ALL: Sequence[Check] = (_halt, _workflows)
OF_A_VENUE: Sequence[Check] = (_venue, _watch, _unsettled, _holds, _positions)

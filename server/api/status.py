"""Whether the service lives, and whether it can work."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from litestar import Response

from engine import __version__
from server.api.caller import caller_of
from server.api.encoding import json_response
from server.api.endpoint import Endpoint
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.shapes import (
    DatabaseReport,
    Health,
    Readiness,
    RulesReport,
    TradingReport,
    VenueReport,
)
from server.database import DatabaseError, pending
from server.durable import DurableError
from server.exchange.errors import ExchangeError
from server.exchange.port import Exchange
from server.instants import iso
from server.metrics import CONTENT_TYPE
from server.orders.errors import OrdersUnavailable
from server.overview import waiting
from server.overview.gauges import rendered
from server.service import Service


async def health(request: AnyRequest, service: Service, values: Values) -> Health:
    return {"status": "ok", "version": __version__}


async def ready(request: AnyRequest, service: Service, values: Values) -> Response[Any]:
    rules, database, trading = await asyncio.gather(_rules(service), _database(service), _trading(service))
    venues = {name: await _venue(venue) for name, venue in service.venues.items()}
    parts = (rules, database, trading, *venues.values())
    usable = all(part["ok"] for part in parts)
    report: Readiness = {"status": "ready" if usable else "not_ready", "version": __version__}
    if caller_of(request) is not None:
        report["rules"], report["database"] = rules, database
        report["venues"], report["trading"] = venues, trading
    return json_response(report, HTTPStatus.OK if usable else HTTPStatus.SERVICE_UNAVAILABLE)


async def _rules(service: Service) -> RulesReport:
    ruleset, warnings = await service.rules.now()
    return {
        "ok": True,
        "state": "last_good" if warnings else "current",
        "folder": str(service.rules.store.folder),
        "default_profile": ruleset.default_profile,
        "fingerprints": {name: profile.fingerprint for name, profile in ruleset.profiles.items()},
        "warnings": list(warnings),
    }


async def _database(service: Service) -> DatabaseReport:
    try:
        missing = await asyncio.to_thread(pending, service.database.address)
        await service.database.check()
    except DatabaseError as error:
        return {"ok": False, "at_head": False, "detail": str(error)}
    detail = f"revisions missing: {', '.join(missing)}" if missing else str(service.database.address)
    return {"ok": not missing, "at_head": not missing, "detail": detail}


async def _trading(service: Service) -> TradingReport:
    durable = service.trading is not None and service.trading.durable.healthy
    detail = "" if durable else "durable execution has lost its lease, or was not opened"
    waits = await _waits(service)
    try:
        halt, tally = await service.orders.halted(), await service.orders.tally()
    except OrdersUnavailable as error:
        return {"ok": False, "durable": durable, "halted": None, "unsettled": None, "detail": str(error)}
    if halt.halted:
        detail = detail or f"halted by {halt.actor}: {halt.reason}"
    detail = detail or waits or ""
    return {
        "ok": durable and waits is None,
        "durable": durable,
        "halted": halt.halted,
        "unsettled": tally.unsettled,
        "detail": detail,
    }


async def _waits(service: Service) -> str | None:
    if service.trading is None:
        return None
    try:
        return waiting.told(await service.trading.durable.unfinished())
    except DurableError:
        return None  # what keeps the process from working is told already


async def metrics(request: AnyRequest, service: Service, values: Values) -> Response[bytes]:
    page = await rendered(service.metrics, service.orders, service.venues)
    return Response(page, media_type=CONTENT_TYPE)


async def _venue(venue: Exchange) -> VenueReport:
    try:
        return {"ok": True, "clock": iso(await venue.now_ms()), "detail": ""}
    except ExchangeError as error:
        return {"ok": False, "clock": None, "detail": str(error)}


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/health",
        name="health",
        tag="status",
        summary="The process answers",
        needs=None,
        handler=health,
        answers={200: Health},
        problems=(400,),
    ),
    Endpoint(
        method="GET",
        path="/ready",
        name="ready",
        tag="status",
        summary="Rules, database and venues are usable",
        description="A rules folder that has gone bad does not make the service unready: the last good rules "
        "stay in force, and this says so.",
        needs=None,
        handler=ready,
        answers={200: Readiness, 503: Readiness},
        problems=(400,),
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        name="metrics",
        tag="status",
        summary="Counters and gauges for Prometheus",
        description="Decisions by stage and reason, what venues answered, how orders ended, alarms, time "
        "from verdict to acknowledgement, seconds without a stop.",
        needs="read",
        handler=metrics,
        answers={200: str},
        media_type="text/plain",
        problems=(400,),
    ),
)

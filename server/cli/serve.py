"""``entrygate serve``: the HTTP API, until it is told to stop."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from server.cli.errors import CommandError, wrong_use
from server.cli.instant import instant
from server.cli.options import JsonOption, MarketDataOption, RulesOption
from server.cli.output import count, say, say_json
from server.cli.rules import rules_folder

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.types import LifeSpanScope, LifeSpanSendMessage, Scope

    from server.schedule.timetable import Timetable
    from server.service import Service
    from server.settings import Settings

Announce = Callable[["Service", str | None], Awaitable[None]]
"""Told the service and its schedule, in words, once it answers."""

GRACE_SEC = 5
"""What a request that is under way gets when the service is told to stop."""

HostOption = Annotated[
    str | None, typer.Option("--host", metavar="ADDRESS", help="Listen here. Without it: 127.0.0.1.")
]
PortOption = Annotated[int | None, typer.Option("--port", metavar="N", help="Without it: 8321.")]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="The paper venue's clock stands at this instant.")
]
StartOption = Annotated[
    str | None,
    typer.Option("--start", metavar="TIME", help="The paper venue's clock runs from this instant."),
]
SpeedOption = Annotated[
    float | None,
    typer.Option("--speed", metavar="X", help="With --start: recorded seconds per second. Without it: 1."),
]
EveryOption = Annotated[
    str | None,
    typer.Option("--every", metavar="TIME", help="Run by itself once in so long: 1m, 5m, 1h."),
]
ProfilesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="With --every: run this profile; may be repeated. Without it: the default one.",
    ),
]
LiveOption = Annotated[bool, typer.Option("--live", metavar="", help="With --every: place orders.")]


def serve(
    context: typer.Context,
    host: HostOption = None,
    port: PortOption = None,
    at: AtOption = None,
    start: StartOption = None,
    speed: SpeedOption = None,
    rules: RulesOption = None,
    every: EveryOption = None,
    profile: ProfilesOption = None,
    live: LiveOption = False,
    market_data: MarketDataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the HTTP API and its documentation.

    Prints where they are once the service is ready, and a line of log per request on stderr. Ctrl-C stops it.
    Without --at and --start the paper venue's clock stands at the end of the recording. It carries out orders
    and looks after them; without ENTRYGATE_API_KEYS it only listens on this machine.

    With --every it runs by itself, shortly after each minute or other part of a day by the clock of the
    venue: once however many processes serve the database, and never late. Nothing is traded by that without
    --live; a real venue needs ENTRYGATE_LIVE=1 besides. entrygate schedule shows what became of each.

    Example: entrygate serve --start 2025-06-01T07:30:00Z --speed 60 --every 1m
    """
    from server import logs
    from server.cli.session import Choices

    if at is not None and (start is not None or speed is not None):
        raise wrong_use("--at lets the clock stand; --start and --speed let it run")
    choices = Choices(
        rules=rules_folder(context, rules),
        at_ms=instant(at, "--at"),
        start_ms=instant(start, "--start"),
        speed=speed,
        market_data=market_data,
        host=host,
        port=port,
        every=every,
        profiles=tuple(profile or ()),
    )
    settings = choices.settings()
    if settings.every is None and (profile or live):
        raise wrong_use(f"{'--profile' if profile else '--live'} is for --every")
    check_address(settings)
    listening = listen(settings.host, settings.port)
    address = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{settings.port}"

    async def announce(opened: Service, plan: str | None) -> None:
        where = {"api": address, "documentation": f"{address}/schema", "rules": str(settings.rules_dir)}
        session, warnings = _session(opened), await _warnings(opened)
        if as_json:
            say_json(where | {"session": session, "schedule": plan, "warnings": warnings})
            return
        say(f"Entrygate is ready: {address}", f"  documentation  {address}/schema")
        say(f"  rules          {settings.rules_dir}", "  stop           Ctrl-C")
        if session is not None:
            say(f"  paper          {session}")
        if plan is not None:
            say(f"  schedule       {plan}")
        for warning in warnings:
            say(f"  warning        {warning}")

    logs.configure(logging.INFO)
    from server.api import create_app

    _serve(create_app(settings, schedules_orders=live), listening, announce)


def listen(host: str, port: int) -> socket.socket:
    """Raises ``CommandError`` where nothing can listen there: before anything is opened."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        raise CommandError(f"cannot listen on {host} port {port}: {cause}") from error


def check_address(settings: Settings) -> None:
    """Raises ``CommandError`` where others could reach a service that asks for no key."""
    from server.api.caller import is_loopback

    if settings.api_keys is None and not is_loopback(settings.host):
        raise wrong_use(
            f"listening on {settings.host} lets others in: set ENTRYGATE_API_KEYS, or listen on 127.0.0.1"
        )


def _session(service: Service) -> str | None:
    """What the paper venue goes on with, or begins."""
    from server.exchange.paper import PaperExchange

    paper = service.venues.get("paper")
    return paper.session_note if isinstance(paper, PaperExchange) else None


async def _warnings(service: Service) -> list[str]:
    """What somebody who starts the service should know at once."""
    warnings: list[str] = []
    halt = await service.orders.halted()
    if halt.halted:
        warnings.append(f"trading is halted by {halt.actor}: {halt.reason}")
    failed = await service.trading.durable.failed() if service.trading is not None else ()
    if failed:
        broken = count(len(failed), "entry has", "entries have")
        warnings.append(f"{broken} failed; entrygate doctor says more")
    return warnings


def _serve(app: Litestar, listening: socket.socket, announce: Announce) -> None:
    import uvicorn

    from server.cli.session import reported

    log = logging.getLogger("uvicorn.error")
    log.setLevel(logging.CRITICAL)  # a failed start is told once, by its cause
    failures: list[Exception] = []

    async def watched(scope: LifeSpanScope | Scope, receive: Any, send: Any) -> None:
        """The application, but for a start that fails: its exception is kept instead of logged."""
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def told(message: LifeSpanSendMessage) -> None:
            if message["type"] == "lifespan.startup.complete":
                log.setLevel(logging.WARNING)
                schedule: Timetable | None = app.state.schedule
                await announce(app.state.service, None if schedule is None else str(schedule.plan))
            if message["type"] != "lifespan.startup.failed":
                await send(message)

        try:
            await cast(Any, app)(scope, receive, told)
        except Exception as error:
            failures.append(_cause(error))
            await send({"type": "lifespan.startup.failed", "message": ""})

    config = uvicorn.Config(
        watched,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SEC,
    )
    with suppress(SystemExit):  # how uvicorn ends when the start failed
        uvicorn.Server(config).run(sockets=[listening])
    for failure in failures:
        with reported():
            raise failure


def _cause(error: Exception) -> Exception:
    """What is inside the groups that task groups make of a single exception."""
    while isinstance(error, ExceptionGroup):
        error = cast("ExceptionGroup[Exception]", error).exceptions[0]
    return error

"""``entrygate worker``: takes queued entries and shares of runs from the database, and looks after orders."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from typing import TYPE_CHECKING

import typer

from server.cli.options import JsonOption, MarketDataOption, RulesOption
from server.cli.output import say, say_json
from server.cli.rules import rules_folder

if TYPE_CHECKING:
    from server.cli.session import Choices
    from server.settings import Settings


def worker(
    context: typer.Context,
    rules: RulesOption = None,
    market_data: MarketDataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry out entries, look after orders and decide shares of runs beside other processes.

    Takes entries of ENTRYGATE_DISPATCH=async from the database that it shares with serve, takes over those of
    a process that died, and shares the work with other workers. On PostgreSQL it also decides shares of runs
    that are split between several (workers). Prints a line when it is ready; Ctrl-C or
    SIGTERM stops it, and others go on. With ENTRYGATE_METRICS_PORT it answers /metrics for Prometheus.

    Example: entrygate worker
    """
    from server.cli.session import Choices

    choices = Choices(rules=rules_folder(context, rules), market_data=market_data)
    asyncio.run(_work(choices, as_json))


async def _work(choices: Choices, as_json: bool) -> None:
    from server import logs
    from server.cli.metrics_page import serve_page
    from server.cli.session import reported
    from server.service import service

    settings = choices.settings()
    listening = _listening(settings)
    logs.configure(logging.INFO)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    with reported():
        async with service(settings, trades=True, joins=True) as made:
            page = None if listening is None else asyncio.create_task(serve_page(made, listening))
            metrics = None if listening is None else f"http://{settings.host}:{settings.metrics_port}/metrics"
            if as_json:
                say_json(
                    {"database": str(settings.database), "venues": list(made.venues), "metrics": metrics}
                )
            else:
                where = f"{settings.database}, {', '.join(made.venues)}"
                say(f"Entrygate worker is ready: {where}; Ctrl-C stops it")
            await ended.wait()
            if page is not None:
                page.cancel()
                await asyncio.gather(page, return_exceptions=True)


def _listening(settings: Settings) -> socket.socket | None:
    """Where the metrics are asked for; None where they are not. Raises ``CommandError``."""
    from server.cli.serve import check_address, listen

    if settings.metrics_port is None:
        return None
    check_address(settings)
    return listen(settings.host, settings.metrics_port)

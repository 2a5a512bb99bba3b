"""``entrygate worker``: takes queued entries from the shared database, and looks after orders."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

import typer

from server.cli.options import JsonOption, MarketDataOption, RulesOption
from server.cli.output import say, say_json
from server.cli.rules import rules_folder

if TYPE_CHECKING:
    from server.cli.session import Choices


def worker(
    context: typer.Context,
    rules: RulesOption = None,
    market_data: MarketDataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry out entries and look after orders beside other processes.

    Takes entries of ENTRYGATE_DISPATCH=async from the database that it shares with serve, takes over those of
    a process that died, and shares the work with other workers. Prints a line when it is ready; Ctrl-C or
    SIGTERM stops it, and others go on.

    Example: entrygate worker
    """
    from server.cli.session import Choices

    choices = Choices(rules=rules_folder(context, rules), market_data=market_data)
    asyncio.run(_work(choices, as_json))


async def _work(choices: Choices, as_json: bool) -> None:
    from server import logs
    from server.cli.session import reported
    from server.service import service

    settings = choices.settings()
    logs.configure(logging.INFO)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    with reported():
        async with service(settings, trades=True, joins=True) as made:
            if as_json:
                say_json({"database": str(settings.database), "venues": list(made.venues)})
            else:
                where = f"{settings.database}, {', '.join(made.venues)}"
                say(f"Entrygate worker is ready: {where}; Ctrl-C stops it")
            await ended.wait()

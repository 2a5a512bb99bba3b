"""``entrygate queue``: what waits to be carried out, what failed, and the symbols of the next run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from server.cli.asking import LastOption, PageOption, check_page, kept
from server.cli.options import JsonOption
from server.cli.output import Answer, count, say_json

if TYPE_CHECKING:
    from server.settings import Settings

Json = dict[str, Any]


def queue(page: PageOption = 1, last: LastOption = 20, as_json: JsonOption = False) -> None:
    """Show what waits to be carried out and since when, what failed, and the symbols of the next run.

    Reads the database: no service has to run.

    Example: entrygate queue --last 5
    """
    from server.cli.session import settings_or_refuse

    check_page(page, last)
    found = asyncio.run(_ask(settings_or_refuse(), page, last))
    say_json(found) if as_json else _print(found)


async def _ask(settings: Settings, page: int, last: int) -> Json:
    from server.durable.engine import open_durable
    from server.overview.queue import queue_state
    from server.switches.store import Switches

    async with kept() as held, open_durable(settings.database, {}, takes_work=False) as durable:
        return await queue_state(durable, held.orders, Switches(held.database), page=page, page_size=last)


def _print(found: Json) -> None:
    from rich.text import Text

    console = Answer()
    if not found["queues"]:
        console.print("nothing waits and nothing is under way")
    for one in found["queues"]:
        parts = [
            f"{one[key]} {word}, the oldest for {one[f'oldest_{key}_sec']:.0f} s"
            for key, word in (("waiting", "waiting"), ("under_way", "under way"))
            if one[key]
        ]
        console.print(f"{one['queue']}: {'; '.join(parts)}")
    for one in found["failed"]:
        told = Text(f"failed at {one['failed_at']}: {one['symbol'] or one['queue']}", style="bold red")
        console.print(told)
        console.print(f"  {one['error']}")
        if one["client_order_id"] is not None:
            console.print(f"  entrygate retry {one['client_order_id']} --reason TEXT", style="dim")
    if found["total"] > len(found["failed"]):
        console.print(f"{len(found['failed'])} of {found['total']} that failed; --page N shows the others")
    for one in found["symbols"]:
        told = f"{one['symbol']} for {one['age_sec']:.0f} s, by {one['actor']}: {one['reason']}"
        console.print(f"queued for the next run: {told}")
    if not found["symbols"]:
        console.print(f"{count(0, 'symbol')} queued for the next run")

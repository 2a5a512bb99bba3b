"""``entrygate schedule``: what became of the slots of ``serve --every``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.instant import instant
from server.cli.options import JsonOption
from server.cli.output import Answer, say, say_json
from server.cli.switch_options import (
    PAGE_SIZE,
    PageOption,
    action_of,
    page_of,
    second,
    shown_of,
    table_of,
)

if TYPE_CHECKING:
    from server.overview.schedule import SlotEntry
    from server.schedule.slots import SlotFilter
    from server.settings import Settings

ProfileOption = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Only slots of this profile.")
]
ExchangeOption = Annotated[
    str | None, typer.Option("--exchange", metavar="NAME", help="Only slots of this venue.")
]
StatusOption = Annotated[
    str | None,
    typer.Option(
        "--status", metavar="STATUS", help="Only begun, done, failed, skipped, missed or died ones."
    ),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="From here on, by the clock of the venue.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Up to here, by the clock of the venue.")
]


def schedule(
    profile: ProfileOption = None,
    exchange: ExchangeOption = None,
    status: StatusOption = None,
    since: FromOption = None,
    until: ToOption = None,
    page: PageOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Show what became of each slot that serve --every ran, newest first.

    A slot is run once however many processes serve the database. One that was skipped, because the run before
    was still going, missed, because nobody was there in time, or whose process died is not run later.

    Example: entrygate schedule --status skipped
    """
    from server.cli.session import settings_or_refuse
    from server.schedule.slots import STATUSES, SlotFilter

    wanted = SlotFilter(
        exchange=exchange,
        profile=profile,
        status=None if status is None else action_of("--status", status, STATUSES),
        from_ms=instant(since, "--from"),
        to_ms=instant(until, "--to"),
    )
    asyncio.run(_show(settings_or_refuse(), wanted, page_of(page), as_json))


async def _show(settings: Settings, wanted: SlotFilter, page: int, as_json: bool) -> None:
    from server.cli.session import kept
    from server.instants import machine_ms
    from server.overview.schedule import slot_json
    from server.schedule.slots import Slots

    async with kept(settings) as database:
        found = await Slots(database).page(wanted, now_ms=machine_ms(), page=page, page_size=PAGE_SIZE)
    shown = [slot_json(one) for one in found.items]
    if as_json:
        say_json({"slots": shown, "total": found.total})
        return
    if not found.total:
        say("no such slot; entrygate serve --every 1m takes one a minute")
        return
    table = table_of("slot", "profile", "what became of it")
    for one in shown:
        table.add_row(second(one["slot"]), one["profile"], "\n".join(_told(one)))
    Answer().print(table)
    say(*shown_of(len(shown), page, found.total))


def _told(slot: SlotEntry) -> list[str]:
    kind = "dry" if slot["dry_run"] else "with orders"
    first = f"{slot['status']}, {kind} on {slot['exchange']}, {slot['late_sec']:.1f} s late"
    return [first, *(text for text in (slot["run_id"], slot["reason"]) if text is not None)]

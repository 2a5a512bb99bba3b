"""``entrygate locks``: which runs keep others of their kind waiting, and taking the lock from one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import wrong_use
from server.cli.operate import given_reason
from server.cli.options import JsonOption
from server.cli.output import Answer, say, say_json
from server.cli.switch_options import (
    PAGE_SIZE,
    PageOption,
    ReasonOption,
    action_of,
    only_for,
    page_of,
    second,
    shown_of,
    table_of,
    until_text,
)

if TYPE_CHECKING:
    from server.settings import Settings

ACTIONS = ("list", "release")

ActionArgument = Annotated[
    str, typer.Argument(metavar="[list|release]", help="What to do; without it: list.")
]
LockArgument = Annotated[
    str | None, typer.Argument(metavar="[LOCK]", help="Which lock; with list, only this one.")
]


def locks(
    action: ActionArgument = "list",
    lock: LockArgument = None,
    reason: ReasonOption = None,
    page: PageOption = 1,
    as_json: JsonOption = False,
) -> None:
    """List the locks that runs hold; take one away.

    One run at a time may place orders per exchange, market and profile. The lock of a run that has died ends
    by itself; one that hangs can be released, and places nothing any more once it notices.

    Example: entrygate locks release paper:perpetual:scalper_micro --reason "it hangs"
    """
    from server.cli.session import settings_or_refuse

    action = action_of("locks", action, ACTIONS)
    if action == "list":
        only_for("locks release", {"--reason": reason})
        asyncio.run(_list(settings_or_refuse(), lock, page_of(page), as_json))
        return
    only_for("locks list", {"--page": None if page == 1 else page})
    if lock is None:
        raise wrong_use("locks release which one? entrygate locks lists them")
    text = given_reason(reason)
    asyncio.run(_release(settings_or_refuse(), lock, text, as_json))


async def _list(settings: Settings, lock: str | None, page: int, as_json: bool) -> None:
    from server.cli.session import kept
    from server.instants import machine_ms
    from server.overview.switches import lock_json
    from server.switches.run_locks import RunLocks

    async with kept(settings) as database:
        found = await RunLocks(database).page(lock, now_ms=machine_ms(), page=page, page_size=PAGE_SIZE)
    shown = [lock_json(one) for one in found.items]
    if as_json:
        say_json({"locks": shown, "total": found.total})
        return
    if not found.total:
        say("no run holds a lock" if lock is None else f"no run holds the lock '{lock}'")
        return
    table = table_of("lock", "held by")
    for one in shown:
        told = (one["run_id"], f"of {one['holder']}", f"since {second(one['since'])}")
        table.add_row(one["key"], "\n".join((*told, until_text(one["until"]))))
    Answer().print(table)
    say(*shown_of(len(shown), page, found.total))


async def _release(settings: Settings, lock: str, reason: str, as_json: bool) -> None:
    from server.cli.session import kept, operator_name
    from server.instants import machine_ms
    from server.overview.switches import lock_json
    from server.switches.run_locks import RunLocks

    async with kept(settings) as database:
        gone = await RunLocks(database).force_release(
            lock, actor=operator_name(), reason=reason, now_ms=machine_ms()
        )
    say_json(lock_json(gone)) if as_json else say(f"{lock} is free; it was held by {gone.run_id}")

"""``entrygate blacklist``: symbols that no run looks at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import wrong_use
from server.cli.operate import given_reason
from server.cli.options import JsonOption
from server.cli.output import Answer, complain, say, say_json
from server.cli.switch_options import (
    PAGE_SIZE,
    ForOption,
    PageOption,
    ReasonOption,
    action_of,
    length_ms,
    only_for,
    page_of,
    second,
    shown_of,
    symbol_of,
    table_of,
    until_text,
)

if TYPE_CHECKING:
    from server.overview.switches import BlacklistEntry
    from server.settings import Settings

ACTIONS = ("list", "add", "remove")

ActionArgument = Annotated[
    str, typer.Argument(metavar="[list|add|remove]", help="What to do; without it: list.")
]
SymbolArgument = Annotated[
    str | None, typer.Argument(metavar="[SYMBOL]", help="Which symbol; with list, only this one.")
]


def blacklist(
    action: ActionArgument = "list",
    symbol: SymbolArgument = None,
    for_: ForOption = None,
    reason: ReasonOption = None,
    page: PageOption = 1,
    as_json: JsonOption = False,
) -> None:
    """List symbols that no run looks at; add or remove one.

    Without --for a symbol stays on the list until it is removed. A profile's own blacklist, in its
    contracts.yaml, counts besides. Works on the database, so it needs no running service.

    Example: entrygate blacklist add BTCUSDT --reason "delisted on Friday"
    """
    from server.cli.session import settings_or_refuse

    action = action_of("blacklist", action, ACTIONS)
    if action != "add":
        only_for("blacklist add", {"--for": for_})
    if action == "list":
        only_for("blacklist add and remove", {"--reason": reason})
        named = None if symbol is None else symbol_of(symbol)
        asyncio.run(_list(settings_or_refuse(), named, page_of(page), as_json))
        return
    only_for("blacklist list", {"--page": None if page == 1 else page})
    if symbol is None:
        raise wrong_use(f"blacklist {action} which symbol? For example: entrygate blacklist {action} BTCUSDT")
    named, length = symbol_of(symbol), length_ms(for_)
    text = given_reason(reason)
    settings = settings_or_refuse()
    if action == "add":
        asyncio.run(_add(settings, named, length, text, as_json))
    else:
        asyncio.run(_remove(settings, named, text, as_json))


async def _list(settings: Settings, symbol: str | None, page: int, as_json: bool) -> None:
    from server.cli.session import kept
    from server.instants import machine_ms
    from server.overview.switches import entry_json
    from server.switches.store import Blacklist

    async with kept(settings) as database:
        found = await Blacklist(database).page(symbol, now_ms=machine_ms(), page=page, page_size=PAGE_SIZE)
    shown = [entry_json(entry) for entry in found.items]
    if as_json:
        say_json({"blacklist": shown, "total": found.total})
        return
    if not found.total:
        say("the blacklist is empty" if symbol is None else f"{symbol} is not on the blacklist")
        return
    table = table_of("symbol", "why")
    for entry in shown:
        told = (entry["reason"], until_text(entry["until"]), _by(entry))
        table.add_row(entry["symbol"], "\n".join(told))
    Answer().print(table)
    say(*shown_of(len(shown), page, found.total))


def _by(entry: BlacklistEntry) -> str:
    return f"by {entry['actor']} at {second(entry['added_at'])}"


async def _add(settings: Settings, symbol: str, length: int | None, reason: str, as_json: bool) -> None:
    from server.cli.session import kept, operator_name
    from server.instants import machine_ms
    from server.overview.switches import entry_json, spelling
    from server.switches.store import Blacklist

    async with kept(settings) as database:
        warnings = await spelling(database, symbol)
        entry = await Blacklist(database).add(
            symbol, reason=reason, actor=operator_name(), now_ms=machine_ms(), for_ms=length
        )
    shown = entry_json(entry)
    if as_json:
        say_json({**shown, "warnings": warnings})
        return
    complain(warnings)
    end = "" if shown["until"] is None else f" {until_text(shown['until'])}"
    say(f"{symbol} is on the blacklist{end}; no run looks at it")


async def _remove(settings: Settings, symbol: str, reason: str, as_json: bool) -> None:
    from server.cli.session import kept, operator_name
    from server.overview.switches import entry_json
    from server.switches.store import Blacklist

    async with kept(settings) as database:
        gone = await Blacklist(database).remove(symbol, reason=reason, actor=operator_name())
    say_json(entry_json(gone)) if as_json else say(f"{symbol} is off the blacklist")

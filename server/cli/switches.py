"""``entrygate switches``: what is switched off and until when; off, on, and once for the next run."""

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
    SymbolOption,
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
    from server.overview.switches import SwitchEntry
    from server.settings import Settings
    from server.switches.switch import SwitchKey

ACTIONS = ("list", "off", "on", "queue")
STATES = ("off", "on")

ActionArgument = Annotated[
    str, typer.Argument(metavar="[list|off|on|queue]", help="What to do; without it: list.")
]
KeyArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[KEY]",
        help="GLOBAL, SYMBOL:<symbol> or SYMBOL_TF:<symbol>:<timeframe>; for queue: a symbol.",
    ),
]
StateOption = Annotated[
    str | None, typer.Option("--state", metavar="STATE", help="List only what is off, or only what is on.")
]


def switches(
    action: ActionArgument = "list",
    key: KeyArgument = None,
    for_: ForOption = None,
    reason: ReasonOption = None,
    symbol: SymbolOption = None,
    state: StateOption = None,
    page: PageOption = 1,
    as_json: JsonOption = False,
) -> None:
    """List switches; turn one off or on; have the next run look at a symbol.

    Off without --for lasts until somebody turns it on. Once off has returned no order is recorded against
    it; orders that have left are not touched. On, for a symbol that would have come on by itself later, also
    queues it for the next run. Works on the database, so it needs no running service.

    Example: entrygate switches off SYMBOL:BTCUSDT --for 4h --reason "news"
    """
    from server.cli.session import settings_or_refuse

    action = action_of("switches", action, ACTIONS)
    if action != "off":
        only_for("switches off", {"--for": for_})
    if action == "list":
        only_for("switches off, on and queue", {"--reason": reason})
        if key is not None:
            raise wrong_use("switches list takes no name; --symbol shows one symbol's")
        if state is not None and state not in STATES:
            raise wrong_use(f"--state: expected off or on, not '{state}'")
        named = None if symbol is None else symbol_of(symbol)
        asyncio.run(_list(settings_or_refuse(), named, state, page_of(page), as_json))
        return
    only_for("switches list", {"--symbol": symbol, "--state": state, "--page": None if page == 1 else page})
    if key is None:
        example = "queue BTCUSDT" if action == "queue" else f"{action} SYMBOL:BTCUSDT"
        raise wrong_use(f"switches {action} what? For example: entrygate switches {example}")
    if action == "queue":
        named = symbol_of(key)
        asyncio.run(_queue(settings_or_refuse(), named, given_reason(reason), as_json))
        return
    turned, length = _key(key), length_ms(for_)
    text = given_reason(reason)
    asyncio.run(_turn(settings_or_refuse(), turned, action == "on", length, text, as_json))


def _key(text: str) -> SwitchKey:
    from server.switches.switch import SwitchKey

    try:
        return SwitchKey.parse(text)
    except ValueError as error:
        raise wrong_use(str(error)) from error


async def _list(settings: Settings, symbol: str | None, state: str | None, page: int, as_json: bool) -> None:
    from server.cli.session import kept
    from server.instants import machine_ms
    from server.overview.switches import queued_json, switch_json
    from server.switches.reading import SwitchFilter
    from server.switches.store import Switches

    async with kept(settings) as database:
        store, now_ms = Switches(database), machine_ms()
        wanted = SwitchFilter(symbol=symbol, off=None if state is None else state == "off")
        found = await store.page(wanted, now_ms=now_ms, page=page, page_size=PAGE_SIZE)
        queued = [one for one in (await store.state(now_ms)).queued if symbol in (None, one.symbol)]
    shown = [switch_json(switch, now_ms) for switch in found.items]
    if as_json:
        say_json({"switches": shown, "total": found.total, "queued": [queued_json(one) for one in queued]})
        return
    if shown:
        console = Answer()
        table = table_of("switch", "state", "why")
        for entry in shown:
            table.add_row(entry["key"], entry["state"], _why(entry))
        console.print(table)
    elif not found.total:
        say("nothing was switched" if state is None else f"nothing is switched {state}")
    say(*shown_of(len(shown), page, found.total))
    if queued:
        say(f"the next run looks at {', '.join(one.symbol for one in queued)}")


def _why(entry: SwitchEntry) -> str:
    lines = [entry["reason"], f"by {entry['actor']} at {second(entry['changed_at'])}"]
    if entry["state"] == "off":
        lines.insert(1, until_text(entry["until"]))
    return "\n".join(lines)


async def _turn(
    settings: Settings, key: SwitchKey, on: bool, length: int | None, reason: str, as_json: bool
) -> None:
    from server.cli.session import kept, operator_name
    from server.instants import machine_ms
    from server.overview.switches import spelling, turned_json
    from server.switches.store import Switches

    async with kept(settings) as database:
        now_ms = machine_ms()
        warnings = await spelling(database, key.symbol)
        turned = await Switches(database).turn(
            key, on=on, reason=reason, actor=operator_name(), now_ms=now_ms, for_ms=length
        )
    shown = turned_json(turned, now_ms, warnings)
    if as_json:
        say_json(shown)
        return
    complain(warnings)
    if on:
        say(f"{key} is on" + (", and the next run looks at it" if turned.queued else ""))
    else:
        end = "" if shown["until"] is None else f" {until_text(shown['until'])}"
        say(f"{key} is off{end}", f"on again with: entrygate switches on {key} --reason TEXT")


async def _queue(settings: Settings, symbol: str, reason: str, as_json: bool) -> None:
    from server.cli.session import kept, operator_name
    from server.instants import machine_ms
    from server.overview.switches import queued_json, spelling
    from server.switches.store import Switches

    async with kept(settings) as database:
        warnings = await spelling(database, symbol)
        queued = await Switches(database).queue(
            symbol, reason=reason, actor=operator_name(), now_ms=machine_ms()
        )
    if as_json:
        say_json({**queued_json(queued), "warnings": warnings})
        return
    complain(warnings)
    say(f"the next run looks at {symbol}, once")

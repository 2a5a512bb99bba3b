"""``entrygate halt``, ``resume``, ``cancel`` and ``retry``: what an operator does, on the database itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import CommandError, wrong_use
from server.cli.options import JsonOption
from server.cli.output import count, say, say_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from server.execution.operations import Operations
    from server.orders.holds import Halt
    from server.orders.intent import Intent
    from server.settings import Settings

    Action = Callable[[Operations, str, str], Awaitable[Intent]]

MOST_REASON = 500

ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded with your name.")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", metavar="", help="Let new entries leave again instead.")
]
OrderArgument = Annotated[str, typer.Argument(metavar="CLIENT_ORDER_ID", help="The order to cancel.")]
RetryArgument = Annotated[
    str, typer.Argument(metavar="CLIENT_ORDER_ID", help="The order to have decided again.")
]


def halt(reason: ReasonOption = None, resume: ResumeOption = False, as_json: JsonOption = False) -> None:
    """Stop everything new, at once and at every venue.

    Nothing new leaves once this has returned; entries that rest are cancelled by whoever watches them; stops
    and targets stay. Works on the database, so it needs no running service.

    Example: entrygate halt --reason "the venue behaves oddly"
    """
    from server.cli.session import settings_or_refuse

    text = given_reason(reason)
    asyncio.run(_turn(settings_or_refuse(), text, not resume, as_json))


def resume(reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Let new entries leave again after a halt.

    Example: entrygate resume --reason "the venue is well again"
    """
    from server.cli.session import settings_or_refuse

    asyncio.run(_turn(settings_or_refuse(), given_reason(reason), False, as_json))


def cancel(client_order_id: OrderArgument, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Cancel an entry that waits; what has filled stays, protected.

    Writes the wish down. Whoever watches the order carries it out at its next look: a running serve or
    worker, else the next one that starts.

    Exit code 1: the order stands so that it cannot be cancelled.

    Example: entrygate cancel EGABCDEFGHIJKLMNOPQRSTUVWX --reason "news"
    """
    from server.cli.session import settings_or_refuse

    text = given_reason(reason)
    intent = asyncio.run(_cancel(settings_or_refuse(), client_order_id, text))
    if as_json:
        from server.overview.orders import order_json

        say_json(order_json(intent))
    else:
        say(f"{intent.symbol} {intent.client_order_id}: asked to be cancelled; it is {intent.state}")


def retry(client_order_id: RetryArgument, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Have an entry decided again that broke, or that was turned away because something did not answer.

    Nothing is tried again by itself. A running serve or worker, else the next one, decides it; a signal that
    is too old by then comes to nothing.

    Exit code 1: the order stands so that there is nothing to try again.

    Example: entrygate retry EGABCDEFGHIJKLMNOPQRSTUVWX --reason "the venue answers again"
    """
    from server.cli.session import settings_or_refuse

    text = given_reason(reason)
    intent = asyncio.run(_retry(settings_or_refuse(), client_order_id, text))
    if as_json:
        from server.overview.orders import order_json

        say_json(order_json(intent))
    else:
        say(f"{intent.symbol} {intent.client_order_id}: will be decided again; it is {intent.state}")


def given_reason(text: str | None) -> str:
    """What stands behind ``--reason``. Raises ``CommandError`` where that is nothing, or no line."""
    if text is None or not text.strip():
        raise wrong_use("--reason TEXT has to be given: it is recorded with what you do")
    if len(text) > MOST_REASON or not text.isprintable():
        raise wrong_use(f"--reason: expected one line of up to {MOST_REASON} characters")
    return text.strip()


async def _turn(settings: Settings, reason: str, halted: bool, as_json: bool) -> None:
    from server.cli.session import kept_orders, operator_name
    from server.overview.orders import halt_json

    async with kept_orders(settings) as orders:
        turned = await (orders.halt if halted else orders.resume)(reason, operator_name())
        resting = [count.intents for count in (await orders.tally()).counts if count.state == "resting"]
    say_json(halt_json(turned)) if as_json else say(*_told(turned, sum(resting)))


def _told(halt: Halt, resting: int) -> list[str]:
    if not halt.halted:
        return ["trading goes on"]
    lines = ["trading is halted: nothing new leaves; stops and targets stay"]
    if resting:
        lines.append(
            f"{count(resting, 'resting entry', 'resting entries')} will be cancelled by serve or worker"
        )
    return [*lines, "go on with: entrygate resume --reason TEXT"]


async def _cancel(settings: Settings, client_order_id: str, reason: str) -> Intent:
    return await _operate(settings, client_order_id, lambda o, name, by: o.cancel(name, reason, by))


async def _retry(settings: Settings, client_order_id: str, reason: str) -> Intent:
    return await _operate(settings, client_order_id, lambda o, name, by: o.retry(name, reason, by))


async def _operate(settings: Settings, client_order_id: str, action: Action) -> Intent:
    import logging

    from server import logs
    from server.cli.session import operator_name, reported
    from server.durable.engine import open_durable
    from server.execution.operations import NotPossible, Operations
    from server.overview.looking import looking
    from server.overview.orders import find

    logs.configure(logging.ERROR)
    with reported():
        async with looking(settings) as look:
            orders = look.service.orders
            intent = await find(orders, client_order_id)
            async with open_durable(settings.database, {}, takes_work=False) as durable:
                try:
                    operations = Operations(orders, look.desks, {}, durable)
                    return await action(operations, intent.client_order_id, operator_name())
                except NotPossible as error:
                    raise CommandError(f"{intent.client_order_id}: {error}") from error

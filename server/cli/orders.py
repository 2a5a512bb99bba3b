"""``entrygate orders``: what was ordered, and the journey of one order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import wrong_use
from server.cli.options import JsonOption
from server.cli.output import Answer, count, say, say_json

if TYPE_CHECKING:
    from rich.table import Table

    from server.orders.intent import Event, Intent
    from server.overview.orders import Journey
    from server.settings import Settings

MOST = 500

OrderArgument = Annotated[
    str | None, typer.Argument(metavar="CLIENT_ORDER_ID", help="Show the journey of this order.")
]
SymbolOption = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol.")]
NumberOption = Annotated[int, typer.Option("--last", metavar="N", help="So many orders, the newest.")]

STYLES = {"open": "bold green", "failed": "bold red", "closing": "bold red", "submitting": "yellow"}


def orders(
    client_order_id: OrderArgument = None,
    symbol: SymbolOption = None,
    last: NumberOption = 20,
    as_json: JsonOption = False,
) -> None:
    """List what was ordered, or show the journey of one order.

    Prints the newest orders with their state and reason; with CLIENT_ORDER_ID every event of that one, from
    its verdict to its close, by the venue's clock. Reads the database: no service has to run.

    Example: entrygate orders --last 5
    """
    from server.cli.session import settings_or_refuse

    if not 1 <= last <= MOST:
        raise wrong_use(f"--last: expected 1 to {MOST}, not {last}")
    settings = settings_or_refuse()
    if client_order_id is not None:
        asyncio.run(_one(settings, client_order_id, as_json))
    else:
        asyncio.run(_list(settings, None if symbol is None else symbol.upper(), last, as_json))


async def _list(settings: Settings, symbol: str | None, last: int, as_json: bool) -> None:
    from server.cli.session import kept_orders
    from server.orders.reading import OrderFilter
    from server.overview.orders import order_json

    async with kept_orders(settings) as kept:
        page = await kept.page(OrderFilter(symbol=symbol), page_size=last)
    if as_json:
        say_json({"orders": [order_json(intent) for intent in page.items], "total": page.total})
        return
    if not page.items:
        say("no orders")
        return
    console = Answer()
    console.print(_table(page.items))
    if page.total > len(page.items):
        console.print(f"{len(page.items)} of {count(page.total, 'order')}; --last N shows more")


async def _one(settings: Settings, client_order_id: str, as_json: bool) -> None:
    from server.cli.session import kept_orders
    from server.overview.orders import find, journey, journey_json

    async with kept_orders(settings) as kept:
        found = await journey(kept, await find(kept, client_order_id))
    say_json(journey_json(found)) if as_json else _print(found)


def _table(intents: tuple[Intent, ...]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from server.instants import iso
    from server.overview.orders import order_json

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("decided", "symbol", "side", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("what came of it", overflow="fold")
    for intent in intents:
        shown = order_json(intent)
        told = Text(intent.reason or ("" if shown["size"] is None else _filled(intent)))
        told.append(f"\n{intent.client_order_id}", style="dim")
        table.add_row(
            iso(intent.created_at).split(".")[0].rstrip("Z"),
            intent.symbol,
            intent.side,
            Text(intent.state, style=STYLES.get(intent.state, "")),
            told,
        )
    return table


def _filled(intent: Intent) -> str:
    from server.overview.orders import order_json

    shown = order_json(intent)
    average = f" at {shown['average_price']}" if shown["average_price"] else ""
    return f"{shown['filled_size']} of {shown['size']} filled{average}"


def _print(found: Journey) -> None:
    from rich.table import Table
    from rich.text import Text

    from server.instants import iso
    from server.overview.orders import order_json

    intent, console = found.intent, Answer()
    shown = order_json(intent)
    head = Text(f"{intent.symbol} {intent.side}  ", style="bold")
    head.append(intent.state, style=STYLES.get(intent.state, "bold"))
    if intent.reason:
        head.append(f"  {intent.reason}", style="yellow")
    console.print(head)
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "order id": intent.client_order_id,
        "at the venue": intent.exchange_order_id or "no id yet",
        "decision": intent.decision_key,
        "run": f"{intent.run_id} by {intent.actor}",
    }
    if shown["size"] is not None:
        rows["planned"] = f"{shown['size']} at {shown['price']}, stop {shown['stop']}, {shown['leverage']}x"
        rows["filled"] = _filled(intent)
    for name, text in rows.items():
        table.add_row(f"  {name}", text)
    console.print(table)
    console.print()
    for line in event_lines(found.events, found.events[0].at):
        console.print(line)
    console.print()
    console.print(f"by the clock of {intent.exchange}, from {iso(found.events[0].at)}", style="dim")


def event_lines(events: Sequence[Event], began_at: int, symbol: str = "") -> list[str]:
    """A line for each event: the venue's time of day, how long after the verdict, what happened."""
    from server.instants import iso
    from server.overview.sentences import sentence

    def line(event: Event) -> str:
        time_of_day = iso(event.at).partition("T")[2].rstrip("Z")
        after = f"+{(event.at - began_at) / 1000:.1f} s"
        return f"{time_of_day:<12}  {after:>10}  {symbol + '  ' if symbol else ''}{sentence(event)}"

    return [line(event) for event in events]

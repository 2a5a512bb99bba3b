"""``entrygate why``: why there was no order for a symbol between two instants."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.asking import (
    FromOption,
    OfProfileOption,
    ToOption,
    compile_profile,
    kept,
    minute,
    or_refuse_symbol,
    period,
    upper,
    whole_period,
)
from server.cli.errors import wrong_use
from server.cli.options import JsonOption
from server.cli.output import Answer, count, say_json

if TYPE_CHECKING:
    from rich.table import Table

Json = dict[str, Any]

SymbolArgument = Annotated[str, typer.Argument(metavar="SYMBOL", help="For example BTCUSDT.")]
NearestOption = Annotated[int, typer.Option("--nearest", metavar="N", help="So many near misses.")]
RowsOption = Annotated[
    int,
    typer.Option("--rows", metavar="N", help="So many lines of the sequence, the newest, and conditions."),
]

KINDS = {
    "not_in_run": "run without this symbol",
    "no_run": "nothing ran",
    "running": "run under way",
    "interrupted": "run interrupted",
    "failed": "run failed",
}


def why(
    symbol: SymbolArgument,
    begin: FromOption = None,
    end: ToOption = None,
    profile: OfProfileOption = None,
    nearest: NearestOption = 5,
    rows: RowsOption = 20,
    as_json: JsonOption = False,
) -> None:
    """Say why there was no order for a symbol between two instants.

    Prints what every run said in turn, which conditions stood in the way and how often, how near it came to a
    signal, what trade entry made of it, and the orders there were. Reads the database: no service has to run.

    Example: entrygate why BTCUSDT --from 2025-06-01T07:00:00Z --to 2025-06-01T08:00:00Z
    """
    if not 0 <= nearest <= 100:
        raise wrong_use(f"--nearest: expected 0 to 100, not {nearest}")
    if rows < 1:
        raise wrong_use(f"--rows: expected 1 or more, not {rows}")
    first, last = period(begin, end)
    found = asyncio.run(_ask(upper(symbol) or "", first, last, profile, nearest))
    say_json(found) if as_json else _print(found, rows)


async def _ask(symbol: str, first: int | None, last: int | None, profile: str | None, nearest: int) -> Json:
    from server.journal import RunFilter
    from server.overview.why import why as asked

    async with kept() as held:
        wanted = await whole_period(held.journal, RunFilter(profile=profile, from_ms=first, to_ms=last))
        found = await asked(held.journal, held.orders, compile_profile, symbol, wanted, nearest)
        await or_refuse_symbol(held, symbol, lambda: any(_looked_at(one) for one in found["profiles"]))
    return found


def _looked_at(profile: Json) -> bool:
    return any(segment["kind"] in ("decided", "excluded") for segment in profile["sequence"])


def _print(found: Json, rows: int) -> None:
    from rich.text import Text

    console = Answer()
    console.print(Text(f"{found['symbol']} from {found['from']} to {found['to']}", style="bold"))
    if not found["profiles"]:
        console.print("nothing ran in this time")
    for profile in found["profiles"]:
        _profile(console, profile, rows)
    console.print()
    _orders(console, found)
    for lost in found["not_restored"]:
        console.print(Text(f"{count(lost['runs'], 'run')} left out: {lost['cause']}", style="yellow"))


def _profile(console: Answer, profile: Json, rows: int) -> None:
    from rich.text import Text

    counts = [f"{number} {KINDS.get(name, name)}" for name, number in profile["by_status"].items() if number]
    console.print(
        f"profile {profile['profile']}, {count(profile['runs'], 'run')}: {', '.join(counts) or 'none'}"
    )
    console.print()
    console.print(_sequence(profile["sequence"][-rows:]))
    if len(profile["sequence"]) > rows:
        console.print(f"and {len(profile['sequence']) - rows} lines before; --rows N shows more", style="dim")
    if profile["switched_off"]:
        console.print()
        for off in profile["switched_off"]:
            when = " to ".join(dict.fromkeys((minute(off["first"]), minute(off["last"]))))
            told = f"{off['timeframe']} was switched off: {count(off['runs'], 'run')}, {when}"
            console.print(Text(told, style="yellow"))
    if profile["blockers"]:
        console.print()
        console.print(Text("stood in the way", style="bold"))
        console.print(_blockers(profile["blockers"][:rows]))
    if profile["nearest"]:
        console.print()
        console.print(Text("nearest to a signal", style="bold"))
        for miss in profile["nearest"]:
            _miss(console, miss)
    if profile["trade_entry"]:
        console.print()
        console.print(Text("trade entry", style="bold"))
        for entry in profile["trade_entry"]:
            _entry(console, entry)


def _plain_table(*names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in names[:-1]:
        table.add_column(name, no_wrap=True, justify="right" if name in ("runs", "alone") else "left")
    table.add_column(names[-1], overflow="fold")
    return table


def _sequence(segments: list[Json]) -> Table:
    table = _plain_table("from", "to", "runs", "what was said")
    for segment in segments:
        told = KINDS.get(segment["kind"])
        if told is None:
            side = f" {segment['side']}" if segment["side"] else ""
            behind = f" ({segment['blocked_by']})" if segment["blocked_by"] else ""
            told = f"{segment['status']}{side}: {segment['reason']}{behind}"
        until = minute(segment["to"])
        same_day = until[:10] == segment["from"][:10]
        table.add_row(
            minute(segment["from"]), until[11:] if same_day else until, str(segment["runs"] or ""), told
        )
    return table


def _blockers(blockers: list[Json]) -> Table:
    table = _plain_table("runs", "alone", "tf", "side", "condition")
    for blocker in blockers:
        unknown = f" (unknown {blocker['unknown']}x)" if blocker["unknown"] else ""
        table.add_row(
            str(blocker["runs"]),
            str(blocker["alone"] or ""),
            blocker["timeframe"],
            blocker["side"],
            f"{blocker['condition']}{unknown}",
        )
    return table


def _miss(console: Answer, miss: Json) -> None:
    from server.cli.wording import shorten

    away = count(len(miss["obstacles"]), "condition")
    console.print(f"  {minute(miss['at'])}  {miss['side']} on {miss['timeframe']}, {away} away")
    for obstacle in miss["obstacles"]:
        console.print(f"    {shorten(obstacle['sentence'])}  ({obstacle['label']})")


def _entry(console: Answer, entry: Json) -> None:
    from rich.padding import Padding

    reason = f": {entry['reason']}" if entry["reason"] else ""
    behind = f" ({entry['blocked_by']})" if entry["blocked_by"] else ""
    times = f"{entry['runs']}x, last {minute(entry['last'])}"
    console.print(f"  {entry['status']}{reason}{behind}  {times}")
    zone: Json | None = entry["zone"]
    if zone is not None:
        words = (("slightly_over", "slightly over"), ("over", "over"), ("far", "far over"))
        far = [f"{zone[key]}x {word}" for key, word in words if zone[key]]
        if zone["within_limit"]:
            far.append(f"{zone['within_limit']}x within it, on the side no resting order can enter from")
        console.print(f"    beyond the allowed deviation: {', '.join(far)}")
        console.print(
            f"    nearest {zone['nearest_deviation_ratio']} of at most {zone['max_deviation_ratio']}"
            f" at {minute(zone['at'])}"
        )
    elif entry["status"] in ("skipped", "error") and entry["facts"]:
        facts = ", ".join(f"{name} {value}" for name, value in entry["facts"].items() if value is not None)
        console.print(Padding(facts, (0, 0, 0, 4)))


def _orders(console: Answer, found: Json) -> None:
    if not found["orders"]:
        entries = [entry for profile in found["profiles"] for entry in profile["trade_entry"]]
        dry = any(entry["status"] == "simulated" for entry in entries)
        console.print("no order was placed" + ("; dry runs simulate theirs" if dry else ""))
        return
    console.print(f"{count(found['orders_total'], 'order')}:")
    for order in found["orders"]:
        reason = f"  {order['reason']}" if order["reason"] else ""
        console.print(f"  {minute(order['created_at'])}  {order['side']}  {order['state']}{reason}")
        console.print(f"    entrygate orders {order['client_order_id']}", style="dim")

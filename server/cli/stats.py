"""``entrygate stats``: what decisions of a period add up to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.asking import (
    FromOption,
    OfProfileOption,
    OfSymbolOption,
    ToOption,
    compile_profile,
    kept,
    or_refuse_symbol,
    period,
    upper,
    whole_period,
)
from server.cli.options import JsonOption
from server.cli.output import Answer, count, say_json

if TYPE_CHECKING:
    from rich.table import Table

Json = dict[str, Any]

RulesFlag = Annotated[bool, typer.Option("--rules-only", metavar="", help="Only the table of conditions.")]


def stats(
    profile: OfProfileOption = None,
    symbol: OfSymbolOption = None,
    begin: FromOption = None,
    end: ToOption = None,
    rules_only: RulesFlag = False,
    as_json: JsonOption = False,
) -> None:
    """Count the decisions of a period by reason, by timeframe and by rule.

    By reason: what symbols ended with. By timeframe: what each said, and how often it is the one that turned
    a symbol away. By rule: how often each condition passed, failed or was unknown, per side.

    Example: entrygate stats --from 2025-06-01T07:00:00Z --to 2025-06-01T08:00:00Z
    """
    first, last = period(begin, end)
    found = asyncio.run(_ask(profile, upper(symbol), first, last))
    say_json(found) if as_json else _print(found, rules_only)


async def _ask(profile: str | None, symbol: str | None, first: int | None, last: int | None) -> Json:
    from server.journal import RunFilter
    from server.overview.statistics import statistics

    async with kept() as held:
        wanted = await whole_period(held.journal, RunFilter(profile=profile, from_ms=first, to_ms=last))
        found = await statistics(held.journal, compile_profile, symbol, wanted)
        await or_refuse_symbol(held, symbol, lambda: bool(found["decisions"]))
    return found


def _print(found: Json, rules_only: bool) -> None:
    from rich.text import Text

    console = Answer()
    about = f"{count(found['runs'], 'run')}, {count(found['decisions'], 'decision')}"
    if not rules_only:
        console.print(Text(f"{found['from']} to {found['to']}", style="bold"))
        console.print(about)
        _counts(console, found)
    if found["by_rule"]:
        if not rules_only:
            console.print()
        console.print(_rules(found["by_rule"]))
    for lost in found["not_restored"]:
        console.print(Text(f"{count(lost['runs'], 'run')} left out: {lost['cause']}", style="yellow"))


def _counts(console: Answer, found: Json) -> None:
    for one in found["by_reason"]:
        console.print(f"{one['decisions']:>8}  {one['status']}{' ' + one['reason'] if one['reason'] else ''}")
    for one in found["trade_entry"]:
        reason = f": {one['reason']}" if one["reason"] else ""
        behind = f" ({one['blocked_by']})" if one["blocked_by"] else ""
        console.print(f"{one['decisions']:>8}  trade entry {one['status']}{reason}{behind}")
    for one in found["excluded"]:
        console.print(f"{one['symbols']:>8}  excluded {one['reason']}")
    if found["by_timeframe"]:
        console.print()
        console.print(_timeframes(found["by_timeframe"]))
        for one in found["by_timeframe"]:
            reasons = ", ".join(f"{reason} {number}" for reason, number in one["reasons"].items())
            if reasons:
                console.print(f"  {one['timeframe']} {one['phase']} invalid: {reasons}")


def _table(texts: int, *names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for index, name in enumerate(names):
        table.add_column(name, justify="left" if index < texts else "right", overflow="fold")
    return table


def _timeframes(entries: list[Json]) -> Table:
    table = _table(2, "tf", "phase", "asked", "blocked", "long", "short", "neutral", "invalid")
    for one in entries:
        numbers = ("decisions", "blocked", "long", "short", "neutral", "invalid")
        table.add_row(one["timeframe"], one["phase"], *(str(one[name]) for name in numbers))
    return table


def _rules(entries: list[Json]) -> Table:
    table = _table(3, "tf", "side", "condition", "passes", "fails", "unknown")
    for one in entries:
        numbers = ("passes", "fails", "unknowns")
        table.add_row(one["timeframe"], one["side"], one["condition"], *(str(one[name]) for name in numbers))
    return table

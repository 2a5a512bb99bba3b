"""``entrygate run``: candles become verdicts, and READY ones become plans, in the terminal."""

from __future__ import annotations

import asyncio
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import OK, PROBLEMS, wrong_use
from server.cli.instant import instant
from server.cli.options import (
    AtOption,
    JsonOption,
    MarketDataOption,
    ModeOption,
    NoJournalOption,
    ProfileOption,
    RulesOption,
)
from server.cli.output import Answer, say_json
from server.cli.rules import rules_folder

if TYPE_CHECKING:
    from server.cli.activity import Activity
    from server.cli.session import Choices
    from server.run import RunRequest

MOST_MINUTES = 1440
"""A day."""

SymbolsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="SYMBOL", help="Symbols to decide on. Without any: all the profile selects."),
]
MinutesOption = Annotated[
    int, typer.Option("--minutes", metavar="N", help="Run N minutes in a row, up to --at.")
]
WorkersOption = Annotated[
    int, typer.Option("--workers", metavar="N", help="Shares the symbols are split into.")
]


def run(
    context: typer.Context,
    symbols: SymbolsArgument = None,
    profile: ProfileOption = None,
    at: AtOption = None,
    minutes: MinutesOption = 1,
    mode: ModeOption = None,
    workers: WorkersOption = 1,
    rules: RulesOption = None,
    market_data: MarketDataOption = None,
    no_journal: NoJournalOption = False,
    as_json: JsonOption = False,
) -> None:
    """Decide on symbols now, or at an instant, and show why.

    Prints a table of verdicts with the reason and the nearest miss of each symbol, and the simulated order
    plan of every READY one. With --minutes it prints a line for each minute before that.

    Exit code 0: the run succeeded, whatever the verdicts; 1: a symbol failed.

    Example: entrygate run BTCUSDT SUIUSDT --at 2025-06-01T07:46:00Z
    """
    from server.cli.activity import Activity
    from server.cli.session import Choices
    from server.run import RunRequest

    if not 1 <= minutes <= MOST_MINUTES:
        raise wrong_use(f"--minutes: expected 1 to {MOST_MINUTES}, not {minutes}")
    at_ms = instant(at, "--at")
    folder = rules_folder(context, rules)
    choices = Choices(rules=folder, at_ms=at_ms, market_data=market_data, journal=not no_journal)
    request = RunRequest(
        actor="cli",
        symbols=tuple(symbols or ()),
        profile=profile,
        mode=mode,
        workers=workers,
        as_of_ms=at_ms,
    )
    given = {
        "--rules": rules or context.obj,
        "--profile": profile,
        "--mode": mode,
        "--market-data": market_data,
    }
    same = "".join(f" {option} {quote(str(value))}" for option, value in given.items() if value is not None)
    with Activity("reading rules and candles") as activity:
        success = asyncio.run(_run(choices, request, minutes, activity, None if as_json else same))
    raise typer.Exit(OK if success else PROBLEMS)


async def _run(
    choices: Choices, request: RunRequest, minutes: int, activity: Activity, same: str | None
) -> bool:
    """Whether all went well. ``same`` is None where JSON is wanted."""
    from dataclasses import replace

    from server.cli.minutes import Passing, instants
    from server.cli.session import opened, present
    from server.cli.verdict_table import print_run
    from server.instants import iso

    console = Answer()
    async with opened(choices) as service:
        last_ms = await present(service) if request.as_of_ms is None else request.as_of_ms
        passing = Passing(service.rulesets.current.reasons)
        success = True
        result = None
        if minutes > 1 and same is not None:
            activity.aside(console, f"{minutes} minutes up to {iso(last_ms)}")
        for at_ms in instants(last_ms, minutes):
            result = await service.runner.run(replace(request, as_of_ms=at_ms), activity.tell)
            line = passing.add(result)
            success = success and result.status == "success"
            if minutes > 1 and same is not None:
                activity.aside(console, line)
        activity.done()
        if result is None:
            raise ValueError("a run has at least one minute")
        if same is None:
            said = result.to_json()
            say_json(said if minutes == 1 else {"minutes": passing.minutes, "last": said})
            return success
        if minutes > 1:
            console.print()
            for text in passing.summary():
                console.print(text)
            console.print()
        print_run(console, result, same)
        return success

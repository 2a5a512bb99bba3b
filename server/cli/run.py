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
LiveOption = Annotated[
    bool, typer.Option("--live", metavar="", help="Place orders, and follow them to their end.")
]
SpeedOption = Annotated[
    float | None,
    typer.Option(
        "--speed", metavar="X", help="With --live --at: recorded seconds per second. Without it: 20."
    ),
]
TimeframeOption = Annotated[
    str | None, typer.Option("--current-tf", metavar="TF", help="With --json: detail only this timeframe.")
]
SkipOpenStateOption = Annotated[
    bool,
    typer.Option(
        "--skip-open-state-filter", metavar="", help="Look at symbols that have something open, too."
    ),
]
NoSyncOption = Annotated[
    bool,
    typer.Option(
        "--no-sync-tables", metavar="", help="Do not ask the venue what is open; go by what is stored."
    ),
]
LockPerSymbolOption = Annotated[
    bool,
    typer.Option("--lock-per-symbol", metavar="", help="With --live: lock each symbol, not the whole run."),
]
NoTpSlOption = Annotated[
    bool,
    typer.Option("--no-tp-sl", metavar="", help="With --live: leave stops and targets where they stand."),
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
    current_tf: TimeframeOption = None,
    skip_open_state_filter: SkipOpenStateOption = False,
    no_sync_tables: NoSyncOption = False,
    lock_per_symbol: LockPerSymbolOption = False,
    no_tp_sl: NoTpSlOption = False,
    live: LiveOption = False,
    speed: SpeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide on symbols now, or at an instant, and show why.

    Prints a table of verdicts with the reason and the nearest miss of each symbol, and the simulated order
    plan of every READY one. With --minutes it prints a line for each minute before that.

    With --live orders are placed, and followed to their end. On the paper venue the clock then runs from
    --at, and nothing is at stake; a real venue needs ENTRYGATE_LIVE=1 and a key of role trade in
    ENTRYGATE_API_KEYS.

    Exit code 0: the run succeeded, whatever the verdicts; 1: a symbol or an order failed.

    Example: entrygate run BTCUSDT SUIUSDT --at 2025-06-01T07:46:00Z

    Example: entrygate run LINKUSDT --at 2025-06-01T07:46:00Z --live --speed 60
    """
    from server.cli.activity import Activity
    from server.cli.session import Choices
    from server.run import RunRequest

    if not 1 <= minutes <= MOST_MINUTES:
        raise wrong_use(f"--minutes: expected 1 to {MOST_MINUTES}, not {minutes}")
    at_ms = instant(at, "--at")
    folder = rules_folder(context, rules)
    if live and (minutes > 1 or no_journal):
        raise wrong_use("--live decides once and keeps it: leave out --minutes and --no-journal")
    if speed is not None and not live:
        raise wrong_use("--speed is for --live")
    if current_tf is not None and not as_json:
        raise wrong_use("--current-tf is for --json")
    for option, given in (("--lock-per-symbol", lock_per_symbol), ("--no-tp-sl", no_tp_sl)):
        if given and not live:
            raise wrong_use(f"{option} is for --live")
    if live:
        _import_trading()
        choices = Choices(rules=folder, start_ms=at_ms, speed=_speed(at_ms, speed), market_data=market_data)
    else:
        choices = Choices(rules=folder, at_ms=at_ms, market_data=market_data, journal=not no_journal)
    request = RunRequest(
        actor="cli",
        symbols=tuple(symbols or ()),
        profile=profile,
        mode=mode,
        workers=workers,
        as_of_ms=at_ms,
        dry_run=not live,
        sync_tables=not no_sync_tables,
        skip_open_state_filter=skip_open_state_filter,
        lock_per_symbol=lock_per_symbol,
        process_tp_sl=not no_tp_sl,
        current_tf=current_tf,
    )
    given = {
        "--rules": rules or context.obj,
        "--profile": profile,
        "--mode": mode,
        "--market-data": market_data,
    }
    same = "".join(f" {option} {quote(str(value))}" for option, value in given.items() if value is not None)
    with Activity("reading rules and candles") as activity:
        wanted = None if as_json else same
        work = _live(choices, request, activity, wanted) if live else None
        success = asyncio.run(work or _run(choices, request, minutes, activity, wanted))
    raise typer.Exit(OK if success else PROBLEMS)


def _speed(at_ms: int | None, speed: float | None) -> float | None:
    """A clock that runs from an instant runs fast unless it is told otherwise."""
    from server.cli.live import SPEED

    return SPEED if at_ms is not None and speed is None else speed


def _import_trading() -> None:
    """Before the paper venue's clock starts to run: while modules are read, minutes would pass."""
    import server.trading  # noqa: F401  # pyright: ignore[reportUnusedImport]


async def _live(choices: Choices, request: RunRequest, activity: Activity, same: str | None) -> bool:
    """Places orders and follows them; whether all went well. ``same`` is None where JSON is wanted."""
    from dataclasses import replace

    from server.cli.live import Following, left_over, placed
    from server.cli.session import opened, operator_name
    from server.cli.verdict_table import print_run

    console = Answer()
    async with opened(choices, trades=True) as service:
        keys = service.settings.keys
        asked = replace(request, actor=operator_name(), may_trade=keys is None or keys.can("trade"))
        result = await service.runner.run(asked, activity.tell)
        activity.done()
        following = Following(service, placed(result))
        if same is not None:
            print_run(console, result, same)
        if same is not None and following.keys:
            console.print()
            console.print("the orders, until they are done (Ctrl-C leaves them to serve or worker):")
        early = "nobody waits any longer"
        try:
            early = await following.to_the_end(console if same is not None else None)
        finally:
            left = await following.left() if early is not None else []
            if same is not None and left:
                console.print()
                for line in (early or "", *left_over(left, _serve(choices))):
                    console.print(line, wrap=False)
        if same is None:
            say_json({"run": result.to_json(), "orders": await following.journeys()})
        return result.status == "success" and not await following.failed()


def _serve(choices: Choices) -> str:
    """The command that goes on with the same paper session."""
    from server.instants import iso

    if choices.start_ms is None:
        return "entrygate serve"
    return f"entrygate serve --start {iso(choices.start_ms)} --speed {choices.speed:g}"


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

"""``entrygate runs``: what was run, and one run with everything it did."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.asking import (
    FromOption,
    LastOption,
    OfProfileOption,
    PageOption,
    ToOption,
    check_page,
    chosen,
    kept,
    minute,
    or_refuse_profile,
    period,
)
from server.cli.errors import wrong_use
from server.cli.options import JsonOption
from server.cli.output import Answer, count, say, say_json

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from server.journal import Page, RunFilter, RunSummary

Json = dict[str, Any]

RunArgument = Annotated[str | None, typer.Argument(metavar="RUN_ID", help="Show everything about this run.")]
ExchangeOption = Annotated[
    str | None, typer.Option("--exchange", metavar="NAME", help="Only runs at this venue.")
]
StatusOption = Annotated[
    str | None,
    typer.Option("--status", metavar="STATUS", help="running, success, partial_success, error, interrupted."),
]
LiveOption = Annotated[
    bool | None,
    typer.Option("--live/--dry", metavar="", help="Only runs that placed orders, or only dry ones."),
]

STYLES = {
    "success": "green",
    "partial_success": "yellow",
    "running": "bold",
    "error": "bold red",
    "interrupted": "bold red",
    "READY": "bold green",
    "INVALID": "yellow",
    "ERROR": "bold red",
}


def runs(
    run_id: RunArgument = None,
    profile: OfProfileOption = None,
    exchange: ExchangeOption = None,
    status: StatusOption = None,
    live: LiveOption = None,
    begin: FromOption = None,
    end: ToOption = None,
    page: PageOption = 1,
    last: LastOption = 20,
    as_json: JsonOption = False,
) -> None:
    """List what was run, or show one run with its symbols, exclusions and stage times.

    A run is listed from its start; interrupted means that it was stopped, or that its process was gone before
    its end. Reads the database: no service has to run.

    Example: entrygate runs --last 5
    """
    if run_id is not None:
        asyncio.run(_one(run_id.strip().lower(), as_json))
        return
    check_page(page, last)
    states = ("running", "success", "partial_success", "error", "interrupted")
    wanted = (profile, exchange, chosen(status, "--status", states), live, *period(begin, end))
    asyncio.run(_list(wanted, page, last, as_json))


async def _list(wanted: tuple[Any, ...], page: int, last: int, as_json: bool) -> None:
    from server.journal import RunFilter, RunSummary

    profile, exchange, status, live, first, end = wanted
    asked = RunFilter(profile, exchange, status, None if live is None else not live, first, end)
    async with kept() as held:
        await or_refuse_profile(held.journal, profile)
        found = await held.journal.runs(asked, page=page, page_size=last)
    if as_json:
        say_json(found.to_json(RunSummary.to_json))
    else:
        _print_list(found, asked)


def _print_list(found: Page[RunSummary], asked: RunFilter) -> None:
    if not found.items:
        say("no runs" if found.total == 0 else f"{count(found.total, 'run')}, none on page {found.page}")
        return
    console = Answer()
    shown = [summary.to_json() for summary in found.items]
    width = max(len(run["profile"]) for run in shown)
    for run in shown:
        console.print(_line(run, width))
        console.print(f"  {run['run_id']}", style="dim")
    if found.total > len(found.items):
        console.print(
            f"{len(found.items)} of {count(found.total, 'run')}; --page {found.page + 1} shows more"
        )


def _line(run: Json, width: int) -> Text:
    from rich.text import Text

    kind = "dry" if run["dry_run"] else "live"
    line = Text(f"{minute(run['as_of'])}  {run['profile']:<{width}}  {kind} {run['exchange']}  ")
    line.append(run["status"].replace("_", " "), style=STYLES.get(run["status"], ""))
    if run["execution_time_seconds"] is not None:
        line.append(f" in {run['execution_time_seconds']:.1f} s")
    if run["degraded"]:
        line.append(", degraded", style="yellow")
    return line.append(f"  {_symbols(run)}")


def _symbols(run: Json) -> str:
    counts = (("READY", "ready"), ("INVALID", "invalid"), ("ERROR", "failed"), ("excluded", "excluded"))
    return (
        ", ".join(f"{run[f'symbols_{key}']} {name}" for name, key in counts if run[f"symbols_{key}"]) or "0"
    )


async def _one(run_id: str, as_json: bool) -> None:
    from server.journal import NoSuchRun
    from server.overview.pending import become

    async with kept() as held:
        try:
            found = (await held.journal.run(run_id)).to_json()
        except NoSuchRun as error:
            raise wrong_use(f"{error}; entrygate runs lists them") from error
        await become(found["decisions"], held.orders)
    say_json(found) if as_json else _print(found)


def _print(run: Json) -> None:
    from rich.table import Table
    from rich.text import Text

    console = Answer()
    head = Text(f"{run['profile']} at {run['as_of']}  ", style="bold")
    head.append(run["status"].replace("_", " "), style=STYLES.get(run["status"], "bold"))
    console.print(head)
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    kind = "dry run" if run["dry_run"] else "orders placed"
    rows = {
        "run": run["run_id"],
        "by": f"{run['actor']}, {kind} on {run['exchange']}, {count(run['workers'], 'worker')}",
        "started": f"{run['started_at']}, ended {run['finished_at'] or 'never'}",
        "symbols": _symbols(run),
        "stages": ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in run["timings"].items()),
    }
    for name, text in rows.items():
        if text:
            table.add_row(f"  {name}", text)
    console.print(table)
    lines = [f"excluded: {one['symbol']} ({one['reason']})" for one in run["excluded"]]
    lines += [f"failed: {e['symbol'] or 'the run'}: {e['code']}: {e['message']}" for e in run["errors"]]
    lines += [f"warning: {warning}" for warning in run["warnings"]]
    if run["degraded"]:
        lines.append("degraded: it did not know all it should, and placed nothing")
    for line in lines:
        console.print(line)
    if run["decisions"]:
        console.print()
        console.print(_decisions(run["decisions"]))
        console.print()
        first = run["decisions"][0]["symbol"]
        console.print("ask why, for example:")
        console.print(f"  entrygate explain --decision {run['run_id']}.{first}", wrap=False)


def _decisions(decisions: list[Json]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("symbol", "verdict", "side", "tf"):
        table.add_column(name, no_wrap=True)
    table.add_column("reason", overflow="fold")
    for decision in decisions:
        trade: Json | None = decision["trading_decision"]
        reason = decision["reason"] or ""
        if trade is not None:
            reason = trade["status"] + (f": {trade['reason']}" if trade["reason"] else "")
        table.add_row(
            decision["symbol"],
            Text(decision["status"], style=STYLES[decision["status"]]),
            decision["signal_side"] or "",
            decision["execution_tf"] or decision["blocking_tf"] or "",
            reason,
        )
    return table

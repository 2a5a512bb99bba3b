"""``entrygate audit``: what each timeframe said, and what operators did."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from server.cli.asking import (
    FromOption,
    LastOption,
    OfProfileOption,
    OfSymbolOption,
    PageOption,
    ToOption,
    check_page,
    chosen,
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
from server.cli.output import Answer, count, say, say_json

Json = dict[str, Any]

TimeframeOption = Annotated[
    str | None, typer.Option("--timeframe", metavar="TF", help="Only this timeframe, such as 5m.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="CODE", help="Only timeframes that were invalid for this.")
]
RuleOption = Annotated[
    str | None, typer.Option("--rule", metavar="NAME", help="Only where this condition did not pass.")
]
RunOption = Annotated[str | None, typer.Option("--run", metavar="RUN_ID", help="Only this run.")]
ActionsOption = Annotated[
    bool, typer.Option("--actions", metavar="", help="What operators did, and why, instead.")
]
ActionOption = Annotated[
    str | None, typer.Option("--action", metavar="NAME", help="Only such actions, such as halt.")
]
ActorOption = Annotated[
    str | None, typer.Option("--actor", metavar="NAME", help="Only actions of this caller, such as cli:ada.")
]
AboutOption = Annotated[
    str | None, typer.Option("--about", metavar="TEXT", help="Only actions with this in their subject.")
]


def audit(
    symbol: OfSymbolOption = None,
    timeframe: TimeframeOption = None,
    reason: ReasonOption = None,
    rule: RuleOption = None,
    profile: OfProfileOption = None,
    run_id: RunOption = None,
    begin: FromOption = None,
    end: ToOption = None,
    actions: ActionsOption = False,
    action: ActionOption = None,
    actor: ActorOption = None,
    about: AboutOption = None,
    page: PageOption = 1,
    last: LastOption = 20,
    as_json: JsonOption = False,
) -> None:
    """Search what each timeframe said of each symbol, newest first.

    One line per run, symbol and timeframe: its signal, or the reason why it has none and the conditions that
    failed. With --actions: what operators did; --action, --actor, --about, --from and --to narrow it down.

    Example: entrygate audit --symbol BTCUSDT --timeframe 5m --last 5
    """
    from engine.candles import TIMEFRAMES

    check_page(page, last)
    of_verdicts = (symbol, timeframe, reason, rule, profile, run_id)
    of_actions = (action, actor, about)
    if actions:
        if any(option is not None for option in of_verdicts):
            raise wrong_use("--actions goes with --action, --actor, --about, --from and --to only")
        asyncio.run(_actions(of_actions, period(begin, end), page, last, as_json))
        return
    if any(option is not None for option in of_actions):
        raise wrong_use("--action, --actor and --about need --actions")
    parts: Json = {
        "symbol": upper(symbol),
        "timeframe": chosen(timeframe, "--timeframe", tuple(TIMEFRAMES)),
        "reason": reason,
        "rule": rule,
        "run_id": run_id,
    }
    asyncio.run(_search(parts, profile, period(begin, end), page, last, as_json))


async def _search(
    parts: Json,
    profile: str | None,
    ends: tuple[int | None, int | None],
    page: int,
    last: int,
    as_json: bool,
) -> None:
    from server.cli.errors import unknown
    from server.journal import RunFilter
    from server.overview.audit import AuditFilter
    from server.overview.audit import audit as searched

    async with kept() as held:
        runs = RunFilter(profile=profile, from_ms=ends[0], to_ms=ends[1])
        if parts["run_id"] is None:
            runs = await whole_period(held.journal, runs)
        found = await searched(held.journal, compile_profile, AuditFilter(**parts), runs, page, last)
        if not found.page.total:
            await or_refuse_symbol(held, parts["symbol"], lambda: False)
    for name, known in (("rule", found.known_rules), ("reason", found.known_reasons)):
        if parts[name] is not None and known and parts[name] not in known:
            raise unknown(name, parts[name], sorted(known))
    say_json(found.to_json()) if as_json else _print(found.to_json())


def _print(found: Json) -> None:
    from rich.padding import Padding
    from rich.text import Text

    if not found["total"]:
        say("nothing found")
    console = Answer()
    for row in found["items"]:
        head = Text(f"{minute(row['as_of'])}  {row['symbol']}  {row['timeframe']} {row['phase']}: ")
        head.append(row["signal"], style="bold green" if row["valid"] else "yellow")
        head.append(f" {row['invalid_reason']}" if row["invalid_reason"] else "")
        console.print(head)
        for name, rules in (("failed", row["rules_failed"]), ("unknown", row["rules_unknown"])):
            if rules:
                console.print(Padding(Text(f"{name}: {', '.join(rules)}", style="dim"), (0, 0, 0, 2)))
    if not found["items"] and found["total"]:
        console.print(f"{found['total']:,} in all, none on page {found['page']}")
    elif found["total"] > len(found["items"]):
        told = f"{len(found['items'])} of {found['total']:,}, page {found['page']}"
        console.print(f"{told}; --page {found['page'] + 1} shows more")
    for lost in found["not_restored"]:
        console.print(Text(f"{count(lost['runs'], 'run')} left out: {lost['cause']}", style="yellow"))


async def _actions(
    parts: tuple[str | None, str | None, str | None],
    ends: tuple[int | None, int | None],
    page: int,
    last: int,
    as_json: bool,
) -> None:
    from server.orders.operator import ACTION_NAMES, ActionFilter
    from server.overview.orders import action_json

    action, actor, about = parts
    wanted = ActionFilter(chosen(action, "--action", ACTION_NAMES), actor, about, *ends)
    async with kept() as held:
        found = await held.orders.actions(wanted, page=page, page_size=last)
    if as_json:
        say_json(found.to_json(lambda one: dict(action_json(one))))
        return
    if not found.items:
        say("nobody has done anything" if wanted == ActionFilter() else "nobody has done that")
    for one in (action_json(action) for action in found.items):
        say(f"{one['recorded_at'].split('.')[0].rstrip('Z')}  {one['action']}  {one['subject']}")
        say(f"  {one['actor']}: {one['reason']}")

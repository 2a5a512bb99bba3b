"""``entrygate contracts``: which contracts a profile selects, and what stands in the way of the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import unknown, wrong_use
from server.cli.options import AtOption, JsonOption, MarketDataOption, ProfileOption, RulesOption
from server.cli.output import Answer, say, say_json
from server.cli.rules import rules_folder
from server.cli.switch_options import PAGE_SIZE, page_of, symbol_of, table_of

if TYPE_CHECKING:
    from server.cli.session import Choices
    from server.overview.contracts import ContractEntry, ContractFilter, ContractPage

STATES = ("selected", "left_out")

SymbolArgument = Annotated[
    str | None, typer.Argument(metavar="[SYMBOL]", help="Only this one, with everything its filters read.")
]
StateOption = Annotated[
    str | None, typer.Option("--state", metavar="STATE", help="Only selected ones, or only left_out ones.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="CODE", help="Only those left out for this reason.")
]
PageOption = Annotated[
    int, typer.Option("--page", metavar="N", help=f"Page of the list; {PAGE_SIZE} entries each.")
]


def contracts(
    context: typer.Context,
    symbol: SymbolArgument = None,
    profile: ProfileOption = None,
    state: StateOption = None,
    reason: ReasonOption = None,
    page: PageOption = 1,
    at: AtOption = None,
    market_data: MarketDataOption = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the venue's contracts: which a profile selects, and which filter rejects each of the others.

    Selected ones come first, in the order a run takes them; then the others with the reason and the value
    that their filter read.

    Exit code 1: SYMBOL is left out.

    Example: entrygate contracts --profile scalper_micro --state left_out
    """
    from server.cli.instant import instant
    from server.cli.session import Choices
    from server.overview.contracts import ContractFilter

    if state is not None and state not in STATES:
        raise wrong_use(f"--state {state}: expected {' or '.join(STATES)}")
    wanted = ContractFilter(
        symbol=None if symbol is None else symbol_of(symbol),
        selected=None if state is None else state == "selected",
        reason=reason,
    )
    choices = Choices(rules=rules_folder(context, rules), at_ms=instant(at, "--at"), market_data=market_data)
    found = asyncio.run(_find(choices, profile, wanted, page_of(page)))
    say_json(found) if as_json else _show(found, wanted.symbol)
    if wanted.symbol is not None and not found["items"][0]["selected"]:
        raise typer.Exit(1)


async def _find(choices: Choices, profile: str | None, wanted: ContractFilter, page: int) -> ContractPage:
    from server.cli.session import opened
    from server.overview.contracts import selected

    async with opened(choices) as service:
        ruleset = service.rulesets.current
        name = profile or ruleset.default_profile
        if name not in ruleset.profiles:
            raise unknown("profile", name, ruleset.profiles)
        if wanted.reason is not None and wanted.reason not in ruleset.reasons:
            raise unknown("reason code", wanted.reason, ruleset.reasons, listed_by="entrygate reasons")
        found = await selected(service, service.runner.default_venue(ruleset), ruleset.profiles[name])
        if wanted.symbol is not None and wanted.symbol not in found.listed.listings:
            raise unknown("symbol", wanted.symbol, found.listed.listings)
        return found.page(wanted, page, PAGE_SIZE)


def _show(found: ContractPage, symbol: str | None) -> None:
    items = found["items"]
    if symbol is not None:
        say(*_one(items[0]))
        return
    if items:
        table = table_of("", "symbol", "bucket", "turnover 24h", "why not")
        for item in items:
            turnover = item["turnover_24h_usdt"]
            table.add_row(
                str(item["place"] or ""),
                item["symbol"],
                item["bucket"] if item["bucket"] != "unranked" else "",
                "" if turnover is None else f"{float(turnover):,.0f}",
                _why(item),
            )
        Answer().print(table)
    pages = -(-found["total"] // PAGE_SIZE)
    if pages > 1:
        say(f"page {found['page']} of {pages}, {found['total']} in all")
    left_out = sum(found["left_out"].values())
    sides = f"{found['selected']} selected, {left_out} left out"
    say(
        "",
        f"profile {found['profile']} at {found['exchange']}: {sides}",
        *(f"  {number:>4} {reason}" for reason, number in found["left_out"].items()),
    )
    if not found["current"]:
        say(f"the venue does not answer; its contracts are those of {found['read_at']}")


def _why(item: ContractEntry) -> str:
    if item["reason"] is None:
        return ""
    told = ", ".join(f"{name} {_shown(value)}" for name, value in item["values"].items())
    return f"{item['reason']} ({told})"


def _one(item: ContractEntry) -> list[str]:
    if item["selected"]:
        place = f"selected, at place {item['place']}"
        rank = item["rank"]
        return [
            f"{item['symbol']}: {place}" + ("" if rank is None else f" ({item['bucket']} bucket, {rank})")
        ]
    values = [f"  {name} {_shown(value)}" for name, value in item["values"].items()]
    return [f"{item['symbol']}: left out, {item['reason']}", *values]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    return "unknown" if value is None else str(value)

"""``entrygate explain``: why one verdict came out as it did."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import wrong_use
from server.cli.instant import instant
from server.cli.options import AtOption, JsonOption, MarketDataOption, ModeOption, ProfileOption, RulesOption
from server.cli.output import Answer, say_json
from server.cli.rules import rules_folder

if TYPE_CHECKING:
    from engine.explain import Explanation
    from server.cli.session import Choices
    from server.run import RunRequest

Json = dict[str, Any]
Why = tuple["Explanation | None", Json]
"""The explanation, None where there was no verdict to explain, and the decision in the types of JSON."""

SymbolArgument = Annotated[str | None, typer.Argument(metavar="SYMBOL", help="For example BTCUSDT.")]
DecisionOption = Annotated[
    str | None,
    typer.Option(
        "--decision",
        metavar="ID",
        help="Explain this stored decision, by the rules and facts of then. ID: <run_id>.<SYMBOL>.",
    ),
]


def explain(
    context: typer.Context,
    symbol: SymbolArgument = None,
    profile: ProfileOption = None,
    at: AtOption = None,
    mode: ModeOption = None,
    decision: DecisionOption = None,
    rules: RulesOption = None,
    market_data: MarketDataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show why a symbol is READY or not: every condition with its numbers.

    Prints a tree: per timeframe and side each condition with its value, threshold, margin and outcome
    (✓ pass, ✗ fail, ? unknown), the gate that decided, what was nearest to a signal, and the plan of a
    READY symbol. It asks the rules alone; what is switched off or open is looked at by a run.

    Example: entrygate explain BTCUSDT --at 2025-06-01T07:46:00Z
    """
    from server.cli.activity import Activity
    from server.cli.session import Choices
    from server.run import RunRequest

    at_ms = instant(at, "--at")
    folder = rules_folder(context, rules)
    choices = Choices(rules=folder, at_ms=at_ms, market_data=market_data, journal=decision is not None)
    if decision is not None:
        if symbol is not None or any(option is not None for option in (profile, at, mode, market_data)):
            raise wrong_use("--decision names everything by itself; leave out the rest")
        with Activity("reading the journal"):
            why = asyncio.run(_stored(choices, decision))
    elif symbol is None:
        raise wrong_use("explain which symbol? For example: entrygate explain BTCUSDT")
    else:
        request = RunRequest(actor="cli", symbols=(symbol,), profile=profile, mode=mode, as_of_ms=at_ms)
        with Activity("reading rules and candles"):
            why = asyncio.run(_now(choices, request))
    say_json(_json(why)) if as_json else _print(why)


async def _now(choices: Choices, request: RunRequest) -> Why:
    from engine.explain import explain as explained
    from server.cli.session import opened

    async with opened(choices) as service:
        result = await service.runner.run(request)
        for excluded in result.run.excluded:
            raise wrong_use(f"{excluded.symbol} is not looked at: {excluded.reason}")
        (symbol,) = result.symbols
        judged = result.findings.judged.get(symbol)
        decision: Json = dict(result.symbols[symbol])
        if judged is None:
            return None, decision
        return explained(judged.batch, judged.row), decision


async def _stored(choices: Choices, decision_id: str) -> Why:
    from engine.explain import explain as explained
    from engine.ruleset import Profile
    from server.cli.session import opened

    async with opened(choices) as service:
        decision = await service.journal.decision(decision_id)
        if decision.status == "ERROR":
            return None, decision.to_json()
        found = await service.journal.restored(
            decision_id, lambda canonical: Profile.from_canonical(canonical).rules
        )
        return explained(found.batch, found.row), decision.to_json()


def _json(why: Why) -> Json:
    explanation, decision = why
    return {"decision": decision, "explanation": None if explanation is None else explanation.to_json()}


def _print(why: Why) -> None:
    from rich.text import Text

    from server.cli.plan_view import plan_block
    from server.cli.tree_view import LEGEND, explanation_tree, nearest_lines

    explanation, decision = why
    out = Answer()
    if explanation is None:
        error: Json = decision.get("error") or {}
        out.print(Text(f"{decision['symbol']}: {decision['status']} {decision['reason']}", style="bold red"))
        out.print(Text(error.get("message", "there was no verdict to explain")))
        return
    out.print(explanation_tree(explanation))
    out.print(Text(LEGEND, style="dim"))
    misses = nearest_lines(explanation)
    if misses:
        out.print()
        out.print(Text("nearest to a signal", style="bold"))
        for line in misses:
            out.print(line)
    if decision["trading_decision"] is not None:
        out.print()
        out.print(plan_block(decision["symbol"], decision["trading_decision"]))

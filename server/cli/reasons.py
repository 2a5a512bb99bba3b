"""``entrygate reasons``: what a reason code means and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from server.cli.errors import unknown, wrong_use
from server.cli.options import JsonOption, RulesOption
from server.cli.output import Answer, say, say_json
from server.cli.rules import read_rules, rules_folder

if TYPE_CHECKING:
    from engine.models.reasons import ReasonDefinition

Reasons = Mapping[str, "ReasonDefinition"]

CodeArgument = Annotated[
    str | None, typer.Argument(metavar="CODE", help="One code, such as not_enough_klines.")
]
MarkdownOption = Annotated[
    bool, typer.Option("--markdown", metavar="", help="Print docs/reason-codes.md, the same list as a page.")
]

HEAD = """\
# Reason codes

Everything Entrygate says no with, by the stage that says it. Made from `rules/reasons.yaml` by
`entrygate reasons --markdown`; edit that file, not this one.

A status in capitals (`INVALID`, `ERROR`) is the symbol's, `excluded` is a symbol that is not looked at,
`invalid` is that of one timeframe, and `skipped` and `error` are those of a trade entry. Where a code stands
under `blocked_by`, the gate that gave it speaks with one outward code, and `blocked_by` names the check.
"""

REPLACED = """\
## Codes of other systems

What is known by another name elsewhere; `entrygate reasons CODE` finds these too.
"""


def reasons(
    context: typer.Context,
    code: CodeArgument = None,
    rules: RulesOption = None,
    markdown: MarkdownOption = False,
    as_json: JsonOption = False,
) -> None:
    """List every reason code, or say what one means and what to do.

    Prints a table by stage of the pipeline; with CODE the meaning and the remedy of that one.

    Example: entrygate reasons klines_stale
    """
    if markdown and (as_json or code is not None):
        raise wrong_use("--markdown prints the whole list; leave out CODE and --json")
    known = read_rules(rules_folder(context, rules)).reasons
    if code is not None:
        named = code if code in known else next((c for c, r in known.items() if code in r.replaces), None)
        if named is None:
            raise unknown("reason code", code, known, listed_by="entrygate reasons")
        say_json(_json(named, known[named])) if as_json else say(*_one(named, known[named]))
    elif as_json:
        say_json([_json(name, reason) for name, reason in known.items()])
    elif markdown:
        say(page(known).rstrip("\n"))
    else:
        _print(known)


def by_stage(reasons: Reasons) -> Iterable[tuple[str, list[tuple[str, ReasonDefinition]]]]:
    """Reasons of each stage that has any, stages in the order of the pipeline."""
    from engine.models.reasons import Stage

    order: tuple[str, ...] = get_args(Stage)
    items = sorted(reasons.items(), key=lambda item: order.index(item[1].stage))
    for stage, group in groupby(items, key=lambda item: item[1].stage):
        yield stage, list(group)


def page(reasons: Reasons) -> str:
    """The list as Markdown."""
    parts = [HEAD]
    for stage, group in by_stage(reasons):
        rows = [f"| `{c}` | {_statuses(r)} | {_cell(r.meaning)} | {_cell(r.remedy)} |" for c, r in group]
        head = ["| code | status | meaning | what to do |", "|---|---|---|---|"]
        parts.append("\n".join([f"## {stage.replace('_', ' ').capitalize()}", "", *head, *rows, ""]))
    old = sorted((code, new) for new, reason in reasons.items() for code in reason.replaces)
    if old:
        rows = [f"| `{code}` | `{new}` |" for code, new in old]
        parts.append("\n".join([REPLACED, "| code | here |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def _print(reasons: Reasons) -> None:
    from rich.table import Table

    console = Answer()
    for stage, group in by_stage(reasons):
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(overflow="fold")
        for code, reason in group:
            table.add_row(code, reason.meaning)
        console.print(stage.replace("_", " "), style="bold")
        console.print(table)
        console.print()
    console.print("entrygate reasons CODE says what to do about one.")


def _one(code: str, reason: ReasonDefinition) -> list[str]:
    return [
        code,
        f"  stage    {reason.stage.replace('_', ' ')}",
        f"  status   {reason.status}{_elsewhere(reason)}",
        f"  meaning  {reason.meaning}",
        f"  remedy   {reason.remedy}",
        *([f"  replaces {', '.join(reason.replaces)}"] if reason.replaces else []),
    ]


def _json(code: str, reason: ReasonDefinition) -> dict[str, object]:
    return {"code": code, **reason.model_dump(mode="json")}


def _statuses(reason: ReasonDefinition) -> str:
    return f"`{reason.status}`" + "".join(f", `{other.status}` by {other.stage}" for other in reason.also)


def _elsewhere(reason: ReasonDefinition) -> str:
    return "".join(f", {other.status} where {other.stage} says it" for other in reason.also)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

"""``entrygate conditions``: what every condition asks, with which numbers, and which profiles use it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import unknown, wrong_use
from server.cli.options import JsonOption, RulesOption
from server.cli.output import Answer, count, say, say_json
from server.cli.rules import read_rules, rules_folder

if TYPE_CHECKING:
    from engine.ruleset import Described

NameArgument = Annotated[str | None, typer.Argument(metavar="NAME", help="One condition, such as near_vwap.")]
UsedByOption = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Only conditions that this profile uses.")
]
FactOption = Annotated[
    str | None, typer.Option("--fact", metavar="NAME", help="Only conditions that read this fact.")
]
MarkdownOption = Annotated[
    bool, typer.Option("--markdown", metavar="", help="Print docs/conditions.md, the same list as a page.")
]

HEAD = """\
# Conditions

Every condition that a profile may use, by the file that it is written in; at the end those that a profile
has for itself, under `rules` in its `validation.yaml`. Made by `entrygate conditions --markdown`; edit those
files, not this one.

A parameter is shown with its default, its unit and its bounds. [The rule language](rule-language.md) says
what the formulas mean, and `entrygate conditions NAME` shows one condition in full.
"""


def conditions(
    context: typer.Context,
    name: NameArgument = None,
    profile: UsedByOption = None,
    fact: FactOption = None,
    rules: RulesOption = None,
    markdown: MarkdownOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the conditions, or show one: formula, parameters, facts, and which profiles use it.

    Prints a line each by file; with NAME everything about that one and the line it is written on.

    Example: entrygate conditions near_vwap
    """
    from engine.ruleset import described
    from server.overview.conditions import condition_json, facts_read, select

    if name is not None and (profile is not None or fact is not None):
        raise wrong_use("NAME shows one condition; leave out --profile and --fact")
    if markdown and (as_json or name is not None or profile is not None or fact is not None):
        raise wrong_use("--markdown prints the whole list; leave out NAME and the other options")
    ruleset = read_rules(rules_folder(context, rules))
    if profile is not None and profile not in ruleset.profiles:
        raise unknown("profile", profile, ruleset.profiles)
    known = described(ruleset)
    facts = facts_read(ruleset, known)
    if fact is not None and fact not in facts:
        raise unknown("fact", fact, facts)
    found = select(known, profile=profile, fact=fact)
    if name is not None:
        named = [entry for entry in known if entry.name == name]
        if not named:
            names = [entry.name for entry in known]
            raise unknown("condition", name, names, listed_by="entrygate conditions")
        if as_json:
            say_json(condition_json(named[0]))
        else:
            say(*(line for entry in named for line in _one(entry)))
    elif as_json:
        say_json([condition_json(entry) for entry in found])
    elif markdown:
        say(page(found).rstrip("\n"))
    else:
        _print(found)


def page(known: Sequence[Described]) -> str:
    """The list as Markdown."""
    parts = [HEAD]
    for file, group in groupby(known, key=lambda entry: entry.file):
        title = _title(file)
        head = ["| condition | asks | formula | parameters | used by |", "|---|---|---|---|---|"]
        parts.append("\n".join([f"## {title}", "", *head, *(_row(entry) for entry in group), ""]))
    return "\n".join(parts)


def _title(file: str) -> str:
    folder, _, name = file.rpartition("/")
    if folder.startswith("profiles/"):
        return f"Of profile {folder.removeprefix('profiles/')}"
    title = name.removesuffix(".yaml").replace("_", " ")
    return title.upper() if title in ("rsi", "macd") else title.capitalize()


def _row(entry: Described) -> str:
    formula = f"`{entry.formula}`" + (f"<br>where `{entry.requires}`" if entry.requires else "")
    parameters = "<br>".join(_parameters(entry, "`"))
    used = "<br>".join(_used(entry, "`"))
    return f"| `{entry.name}` | {entry.summary or ''} | {formula} | {parameters} | {used} |"


def _parameters(entry: Described, quote: str = "") -> list[str]:
    from engine.ruleset.described import setting_text

    lines: list[str] = []
    for name, parameter in entry.params.items():
        text = f"{quote}{name}{quote} {setting_text(parameter.default)}"
        elsewhere = [f"{setting_text(v)} on {tf}" for tf, v in parameter.by_timeframe.items()]
        text += "".join(f", {each}" for each in elsewhere) + f" ({parameter.unit}"
        bounds = [
            f"{word} {setting_text(bound)}"
            for word, bound in (("from", parameter.minimum), ("to", parameter.maximum))
            if bound is not None
        ]
        lines.append(f"{text}{', ' if bounds else ''}{' '.join(bounds)})")
    return lines


def _used(entry: Described, quote: str = "") -> list[str]:
    lines: list[str] = []
    for use in entry.uses:
        places = list(use.places)
        if use.through:
            places.append("through " + ", ".join(f"{quote}{name}{quote}" for name in use.through))
        lines.append(f"{use.profile}: {', '.join(places)}")
    return lines


def _print(found: Sequence[Described]) -> None:
    from rich.table import Table

    console = Answer()
    for file, group in groupby(found, key=lambda entry: entry.file):
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(overflow="fold")
        for entry in group:
            table.add_row(entry.name, entry.summary or entry.formula)
        console.print(file, style="bold")
        console.print(table)
        console.print()
    console.print(f"{count(len(found), 'condition')}; entrygate conditions NAME shows one of them.")


def _one(entry: Described) -> list[str]:
    rows = [("asks", entry.summary or ""), ("formula", entry.formula), ("requires", entry.requires or "")]
    rows += [("parameters" if first else "", line) for first, line in _marked(_parameters(entry))]
    rows += [("facts", ", ".join(entry.facts))]
    rows += [("used by" if first else "", line) for first, line in _marked(_used(entry) or ["no profile"])]
    rows += [("written in", f"{entry.file}:{entry.line}")]
    return [entry.name, *(f"  {head:<10}  {line}" for head, line in rows if line)]


def _marked(lines: Sequence[str]) -> list[tuple[bool, str]]:
    return [(number == 0, line) for number, line in enumerate(lines)]

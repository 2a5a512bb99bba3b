"""``entrygate profiles``: which profiles there are, and what one of them comes to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import unknown
from server.cli.options import JsonOption, RulesOption
from server.cli.output import Answer, say, say_json
from server.cli.rules import read_rules, rules_folder

if TYPE_CHECKING:
    from engine.ruleset import Profile, Ruleset

NameArgument = Annotated[str | None, typer.Argument(metavar="NAME", help="Show this profile's values.")]


def profiles(
    context: typer.Context, name: NameArgument = None, rules: RulesOption = None, as_json: JsonOption = False
) -> None:
    """List the profiles, or show every value of one with the line it comes from.

    With NAME it prints the effective configuration, after `extends` and defaults: path, value, file:line.

    Example: entrygate profiles scalper_micro
    """
    ruleset = read_rules(rules_folder(context, rules))
    if name is None:
        say_json([_json(ruleset, entry.name) for entry in ruleset.service.profiles]) if as_json else _list(
            ruleset
        )
        return
    if name not in ruleset.profiles:
        raise unknown("profile", name, ruleset.profiles)
    if as_json:
        say_json(_json(ruleset, name) | {"values": _values(ruleset.profiles[name])})
    else:
        _show(ruleset, name)


def _list(ruleset: Ruleset) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("profile", "", "context", "execution", "mode", "fingerprint"):
        table.add_column(column, no_wrap=True, style="cyan" if column == "profile" else "")
    for entry in ruleset.service.profiles:
        profile = ruleset.profiles[entry.name]
        rules = profile.validation
        table.add_row(
            entry.name,
            _standing(ruleset, entry.name),
            " ".join(rules.context_timeframes),
            " ".join(rules.execution_timeframes),
            rules.mode,
            profile.fingerprint[:16],
        )
    Answer().print(table)


def _show(ruleset: Ruleset, name: str) -> None:
    from rich.table import Table
    from rich.text import Text

    profile = ruleset.profiles[name]
    say(
        f"{name} {profile.validation.version} ({_standing(ruleset, name)})",
        f"fingerprint {profile.fingerprint}",
    )
    console = Answer()
    for kind in dict.fromkeys(value.path.split(".", 1)[0] for value in profile.values):
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", justify="right", no_wrap=True)
        table.add_column(overflow="fold")
        file = ""
        for value in profile.values:
            head, _, path = value.path.partition(".")
            if head != kind:
                continue
            file = file or value.file or ""
            line = Text(f"{path}: ", style="cyan").append(_text(value.value), style="default")
            table.add_row(_origin(value.file, value.line, file), line)
        console.print()
        console.print(f"{kind}  {file}", style="bold")
        console.print(table)


def _origin(file: str | None, line: int | None, usual: str) -> str:
    """The line, with its file where that is another than the heading's."""
    if file is None:
        return "default"
    return f":{line}" if file == usual else f"{file}:{line}"


def _standing(ruleset: Ruleset, name: str) -> str:
    if name == ruleset.default_profile:
        return "default"
    enabled = any(entry.enabled for entry in ruleset.service.profiles if entry.name == name)
    return "enabled" if enabled else "disabled"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json(ruleset: Ruleset, name: str) -> dict[str, object]:
    profile = ruleset.profiles[name]
    entry = next(entry for entry in ruleset.service.profiles if entry.name == name)
    rules = profile.validation
    return {
        "name": name,
        "enabled": entry.enabled,
        "default": name == ruleset.default_profile,
        "version": rules.version,
        "summary": rules.summary,
        "mode": rules.mode,
        "context_timeframes": rules.context_timeframes,
        "execution_timeframes": rules.execution_timeframes,
        "fingerprint": profile.fingerprint,
    }


def _values(profile: Profile) -> list[dict[str, object]]:
    return [
        {"path": value.path, "value": value.value, "file": value.file, "line": value.line}
        for value in profile.values
    ]

"""``entrygate check``: every problem of a folder of rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.errors import PROBLEMS
from server.cli.options import JsonOption, RulesOption
from server.cli.output import count, say, say_json
from server.cli.rules import rules_folder

if TYPE_CHECKING:
    from engine.documents import Problem
    from engine.ruleset import Ruleset

FolderArgument = Annotated[
    Path | None, typer.Argument(metavar="PATH", help="Folder of rules. Without it: --rules.")
]


def check(
    context: typer.Context,
    path: FolderArgument = None,
    rules: RulesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find every mistake in a folder of rules.

    Prints one line per problem (file:line:column: message; what to do), then how many there are. Without
    problems it prints what the folder holds and the fingerprint of each profile.

    Exit code 0: none, 1: problems.

    Example: entrygate check rules
    """
    from engine.ruleset import RulesetError, load
    from server.fixed_code import FIXED_CODE

    folder = rules_folder(context, path or rules)
    try:
        ruleset = load(folder, FIXED_CODE)
    except RulesetError as error:
        say_json(_bad_json(folder, error.problems)) if as_json else say(*_bad(folder, error.problems))
        raise typer.Exit(PROBLEMS) from error
    say_json(_good_json(folder, ruleset)) if as_json else say(*_good(folder, ruleset))


def _bad(folder: Path, problems: tuple[Problem, ...]) -> list[str]:
    return [*(str(problem) for problem in problems), f"{count(len(problems), 'problem')} in {folder}"]


def _good(folder: Path, ruleset: Ruleset) -> list[str]:
    held = ", ".join(
        count(number, noun)
        for number, noun in (
            (len(ruleset.profiles), "profile"),
            (len(ruleset.conditions), "condition"),
            (len(ruleset.facts.facts), "fact"),
            (len(ruleset.gates), "gate"),
            (len(ruleset.reasons), "reason"),
        )
    )
    return [
        f"{folder}: ok ({held})",
        *(
            f"  {name}  {profile.fingerprint[:16]}{'  (default)' if name == ruleset.default_profile else ''}"
            for name, profile in ruleset.profiles.items()
        ),
    ]


def _bad_json(folder: Path, problems: tuple[Problem, ...]) -> dict[str, object]:
    listed = [
        {"file": p.file, "line": p.line, "column": p.column, "message": p.message, "hint": p.hint}
        for p in problems
    ]
    return {"ok": False, "folder": str(folder), "problems": listed}


def _good_json(folder: Path, ruleset: Ruleset) -> dict[str, object]:
    return {
        "ok": True,
        "folder": str(folder),
        "problems": [],
        "default_profile": ruleset.default_profile,
        "profiles": {name: profile.fingerprint for name, profile in ruleset.profiles.items()},
        "counts": {
            "profiles": len(ruleset.profiles),
            "conditions": len(ruleset.conditions),
            "facts": len(ruleset.facts.facts),
            "gates": len(ruleset.gates),
            "reasons": len(ruleset.reasons),
        },
    }

"""Which folder of rules a command works on, and reading it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from server.cli.errors import PROBLEMS, CommandError, wrong_use
from server.cli.output import count
from server.shipped import shipped_rules

if TYPE_CHECKING:
    import typer

    from engine.ruleset import Ruleset

SERVICE_FILE = "service.yaml"
"""By this file a folder of rules is known."""


def rules_folder(context: typer.Context, given: Path | None) -> Path:
    """The command's own folder, else the one given before the command, else the shipped one.

    Raises ``CommandError`` when it is not a folder of rules.
    """
    chosen = given if given is not None else context.obj
    if chosen is None:
        return _near(shipped_rules())
    folder = Path(chosen)
    if not folder.exists():
        raise wrong_use(f"there is no folder '{folder}'")
    if not folder.is_dir():
        inside = next((parent for parent in folder.parents if (parent / SERVICE_FILE).is_file()), None)
        hint = f"; did you mean the folder '{inside}'?" if inside is not None else ""
        raise wrong_use(f"'{folder}' is a file, not a folder of rules{hint}")
    if not (folder / SERVICE_FILE).is_file() and (folder / "rules" / SERVICE_FILE).is_file():
        raise wrong_use(f"'{folder}' is not a folder of rules; did you mean '{folder / 'rules'}'?")
    return folder


def read_rules(folder: Path) -> Ruleset:
    """The folder's rules. Raises ``CommandError`` with a line per problem when it has any."""
    from engine.ruleset import RulesetError, load
    from server.fixed_code import FIXED_CODE

    try:
        return load(folder, FIXED_CODE)
    except RulesetError as error:
        lines = [str(problem) for problem in error.problems]
        raise CommandError(*lines, f"{count(len(lines), 'problem')} in {folder}", code=PROBLEMS) from error


def _near(folder: Path) -> Path:
    """Relative to the working directory where it is inside it: shorter lines, and they can be clicked."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder

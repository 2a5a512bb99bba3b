"""``entrygate migrate``: the database to the schema this version needs."""

from __future__ import annotations

from typing import Annotated

import typer

from server.cli.errors import OK, PROBLEMS
from server.cli.options import JsonOption
from server.cli.output import count, say, say_json

CheckOption = Annotated[
    bool, typer.Option("--check", metavar="", help="Change nothing; exit code 1 if the database is behind.")
]


def migrate(check: CheckOption = False, as_json: JsonOption = False) -> None:
    """Bring the database to the schema of this version.

    Opening a service does the same; run this to do it beforehand, as on a shared PostgreSQL. Prints what was
    applied. The database is the one of ENTRYGATE_DATABASE_URL, without it an SQLite file in your data
    folder.

    Exit code 0: the database is up to date; 1: with --check it is not, or it cannot be reached.

    Example: entrygate migrate --check
    """
    from server.cli.session import reported
    from server.database import current, head, pending, upgrade
    from server.settings import load_settings

    with reported():
        address = load_settings().database
        before = current(address)
        steps = pending(address) if check else upgrade(address)
    if as_json:
        said = {"database": str(address), "before": before, "head": head(), "checked_only": check}
        say_json(said | {"behind" if check else "applied": list(steps)})
    elif check:
        say(f"{address}: {_standing(len(steps))}")
    else:
        say(f"{address}: {count(len(steps), 'migration')} applied, now at {head()}")
    raise typer.Exit(PROBLEMS if check and steps else OK)


def _standing(behind: int) -> str:
    return f"{count(behind, 'migration')} behind; entrygate migrate applies them" if behind else "up to date"

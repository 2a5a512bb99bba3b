"""``python -m bench [NAME …]``: prints the table; exit code 1 when a number is not held."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.table import Row, Tell

ROOT = Path(__file__).resolve().parent.parent


_HELD = {None: "", True: "held", False: "MISSED"}


def _rules(tell: Tell) -> list[Row]:
    from bench import rules
    from bench.folder import profile

    return rules.run(profile().rules)


def _run(tell: Tell) -> list[Row]:
    from bench import run

    return run.run(tell)


def _profiles(tell: Tell) -> list[Row]:
    from bench import profiles

    return profiles.run(tell)


def _selection(tell: Tell) -> list[Row]:
    from bench import selection

    return selection.run()


def _startup(tell: Tell) -> list[Row]:
    from bench import startup

    return startup.run()


def _journal(tell: Tell) -> list[Row]:
    from bench import journal

    return journal.run(tell)


def _trading(tell: Tell) -> list[Row]:
    from bench import trading

    return trading.run(tell)


SECTIONS: dict[str, tuple[str, Callable[[Tell], list[Row]]]] = {
    "rules": ("Rule evaluation", _rules),
    "run": ("One run of 200 symbols, 1m and 5m", _run),
    "profiles": ("Runs of 200 symbols for each shipped profile, 1m to 4h", _profiles),
    "selection": ("Selection of contracts", _selection),
    "startup": ("Start-up", _startup),
    "journal": ("Journal", _journal),
    "trading": ("Trade entry at the paper venue", _trading),
}


def _told(name: str, said: str) -> None:
    print(f"{name}: {said}", file=sys.stderr, flush=True)


def main() -> int:
    """Runs the sections named on the command line, or all of them."""
    wanted = sys.argv[1:] or list(SECTIONS)
    unknown = [name for name in wanted if name not in SECTIONS]
    if unknown:
        print(f"unknown benchmark {unknown[0]!r}; there are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    console = Console(width=100)
    missed = 0
    for name in wanted:
        _told(name, "begins")
        title, measure = SECTIONS[name]
        table = Table(title=title, title_justify="left", expand=True)
        for column in ("what", "measured", "to hold", ""):
            table.add_column(column)
        for row in measure(partial(_told, name)):
            table.add_row(row.what, row.measured, row.hold, _HELD[row.held])
            missed += row.held is False
        console.print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

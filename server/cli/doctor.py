"""``entrygate doctor``: whether all is well, and what to do where it is not."""

from __future__ import annotations

import asyncio
import logging

import typer

from server.cli.errors import OK, PROBLEMS
from server.cli.options import JsonOption, RulesOption
from server.cli.output import Answer, say_json
from server.cli.rules import rules_folder

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(context: typer.Context, rules: RulesOption = None, as_json: JsonOption = False) -> None:
    """Look at everything that orders stand on, and say what to do.

    Prints a line each for the database, the rules, the kill switch, workflows, whether a process looks after
    the orders, orders that are not settled, holds, venues with their clocks, positions without a stop, and
    the age of the candles. Changes nothing.

    Exit code 0: healthy, perhaps with warnings; 1: something has failed, an entry whose workflow broke for
    example.

    Example: entrygate doctor
    """
    from server import logs
    from server.cli.session import Choices
    from server.overview.health import examine, healthy

    logs.configure(logging.CRITICAL)
    settings = Choices(rules=rules_folder(context, rules)).settings()
    findings = asyncio.run(examine(settings))
    well = healthy(findings)
    if as_json:
        say_json({"healthy": well, "findings": [finding.to_json() for finding in findings]})
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for finding in findings:
            told = Text(finding.detail)
            if finding.remedy:
                told.append(f"\n→ {finding.remedy}", style="bold")
            table.add_row(Text(finding.level, style=STYLES[finding.level]), finding.name, told)
        Answer().print(table)
    raise typer.Exit(OK if well else PROBLEMS)

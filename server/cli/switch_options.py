"""What ``switches``, ``blacklist`` and ``locks`` read and show alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import wrong_use

if TYPE_CHECKING:
    from rich.table import Table

PAGE_SIZE = 50

ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why, to change something; it is recorded with your name."),
]
ForOption = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="For how long, such as 15m, 4h or 1d.")
]
SymbolOption = Annotated[
    str | None, typer.Option("--symbol", metavar="SYMBOL", help="List only what is of this symbol.")
]
PageOption = Annotated[
    int, typer.Option("--page", metavar="N", help=f"Page of the list; {PAGE_SIZE} entries each.")
]


def action_of(command: str, given: str, actions: Sequence[str]) -> str:
    """One of the actions. Raises ``CommandError`` with the nearest."""
    if given in actions:
        return given
    from engine.documents import did_you_mean

    hint = did_you_mean(given, actions)
    told = f"expected {', '.join(actions[:-1])} or {actions[-1]}"
    raise wrong_use(f"{command} {given}: {told}" + (f"; {hint}" if hint else ""))


def only_for(command: str, given: Mapping[str, Any]) -> None:
    """Raises ``CommandError`` for the first option that was given to an action it says nothing to."""
    for option, value in given.items():
        if value is not None:
            raise wrong_use(f"{option} is for {command}")


def length_ms(text: str | None) -> int | None:
    """What ``--for`` says. Raises ``CommandError``."""
    from server.switches.durations import duration_ms

    if text is None:
        return None
    try:
        return duration_ms(text)
    except ValueError as error:
        raise wrong_use(f"--for '{text}': {error}") from error


def symbol_of(text: str) -> str:
    """A symbol in capitals. Raises ``CommandError``."""
    from server.switches.switch import symbol_name

    try:
        return symbol_name(text)
    except ValueError as error:
        raise wrong_use(str(error)) from error


def page_of(number: int) -> int:
    """What ``--page`` says. Raises ``CommandError``."""
    if number < 1:
        raise wrong_use(f"--page: expected 1 or more, not {number}")
    return number


def until_text(until: str | None) -> str:
    """When something ends by itself."""
    return "without an end" if until is None else f"until {second(until)}"


def second(instant: str) -> str:
    """An instant without its milliseconds."""
    return re.sub(r"\.\d+Z$", "Z", instant)


def table_of(*columns: str) -> Table:
    """A table whose last column takes what space there is."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns[:-1]:
        table.add_column(name, no_wrap=True)
    table.add_column(columns[-1], overflow="fold")
    return table


def shown_of(number: int, page: int, total: int) -> list[str]:
    """A last line where the list is longer than what was shown of it."""
    return [] if number == total else [f"page {page} of {-(-total // PAGE_SIZE)}, {total} in all"]

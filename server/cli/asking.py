"""What commands that ask the database share: periods, pages, and the journal without a service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import wrong_use
from server.cli.instant import instant

if TYPE_CHECKING:
    from engine.verdict import ProfileRules
    from server.database import Database
    from server.journal import Journal, RunFilter
    from server.orders.store import Orders

MOST = 500

FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="From this instant on. Without it: a day before the end."),
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Before this instant. Without it: the newest run.")
]
OfProfileOption = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Only runs of this profile.")
]
OfSymbolOption = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol.")]
PageOption = Annotated[int, typer.Option("--page", metavar="N", help="Page to show; they count from 1.")]
LastOption = Annotated[int, typer.Option("--last", metavar="N", help="So many entries a page, the newest.")]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in the database."""

    database: Database
    journal: Journal
    orders: Orders


@asynccontextmanager
async def kept() -> AsyncGenerator[Kept]:
    """The database of the settings, brought to head; nothing else is opened."""
    import logging

    from server import logs
    from server.cli.session import reported, settings_or_refuse
    from server.database import Database, upgrade
    from server.journal import Journal
    from server.orders.store import Orders

    settings = settings_or_refuse()
    logs.configure(logging.WARNING)
    with reported():
        await asyncio.to_thread(upgrade, settings.database)
        database = Database.open(settings.database)
        try:
            yield Kept(database, Journal(database), Orders(database))
        finally:
            await database.close()


def compile_profile(canonical: Mapping[str, Any]) -> ProfileRules:
    """The rules of a profile as they were recorded."""
    from engine.ruleset import Profile

    return Profile.from_canonical(canonical).rules


def period(begin: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Both ends as given, ms UTC. Raises ``CommandError``."""
    first, last = instant(begin, "--from"), instant(end, "--to")
    if first is not None and last is not None and first >= last:
        raise wrong_use(f"--to '{end}' is not after --from '{begin}'")
    return first, last


async def whole_period(journal: Journal, wanted: RunFilter) -> RunFilter:
    """The filter with both ends. Raises ``CommandError`` where there is too much in between, and for a
    profile of which no run is kept.
    """
    from server.overview.periods import TooMuch, period_of

    await or_refuse_profile(journal, wanted.profile)
    try:
        return await period_of(journal, wanted)
    except TooMuch as error:
        raise wrong_use(f"--from: {error}") from error


def check_page(page: int, last: int) -> None:
    """Raises ``CommandError`` for a page or size that there is not."""
    if page < 1:
        raise wrong_use(f"--page: expected 1 or more, not {page}")
    if not 1 <= last <= MOST:
        raise wrong_use(f"--last: expected 1 to {MOST}, not {last}")


def chosen(value: str | None, option: str, names: tuple[str, ...]) -> str | None:
    """One of ``names`` in lower case. Raises ``CommandError`` with the nearest."""
    from engine.documents import did_you_mean

    if value is None or value.lower() in names:
        return None if value is None else value.lower()
    raise wrong_use(f"{option} '{value}': {did_you_mean(value, names) or 'there is ' + ', '.join(names)}")


def upper(symbol: str | None) -> str | None:
    """A symbol as it is kept."""
    return None if symbol is None else symbol.strip().upper()


def minute(text: str) -> str:
    """An instant in a table: without seconds where there are none."""
    return text.removesuffix("Z").replace("T", " ").removesuffix(":00")


async def or_refuse_profile(journal: Journal, profile: str | None) -> None:
    """Raises ``CommandError`` where no run by the profile is kept."""
    from sqlalchemy import select

    from server.cli.errors import unknown
    from server.database import tables as t

    if profile is None:
        return
    names = sorted(set(await journal.ask(lambda c: list(c.scalars(select(t.ruleset.c.profile))))))
    if profile not in names:
        raise unknown("run of profile", profile, names)


async def or_refuse_symbol(held: Kept, symbol: str | None, found: Callable[[], bool]) -> None:
    """Raises ``CommandError`` where nothing was found and no run ever knew the symbol."""
    from sqlalchemy import select

    from server.cli.errors import unknown
    from server.database import tables as t

    if symbol is None or found():
        return
    names = await held.journal.ask(lambda c: list(c.scalars(select(t.symbol.c.name))))
    if symbol not in names:
        raise unknown("decision of", symbol, sorted(names), listed_by="entrygate runs RUN_ID")

"""The service as a command uses it: made from settings and options, asked, closed."""

from __future__ import annotations

import asyncio
import getpass
import logging
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.ruleset import RulesetError
from server import logs
from server.cli.errors import PROBLEMS, USAGE, CommandError
from server.cli.output import count
from server.database import Database, DatabaseError, upgrade
from server.exchange.errors import ExchangeError
from server.exchange.paper.errors import MarketDataError
from server.journal import JournalError, NoSuchDecision
from server.orders.errors import NoSuchOrder, OrdersUnavailable
from server.orders.store import Orders
from server.run import FieldProblem, RequestProblem, RunInProgress, RunUnavailable
from server.schedule.errors import ScheduleUnavailable
from server.service import Service, service
from server.settings import Settings, SettingsError, load_settings, variable
from server.switches.errors import NoSuchLock, NotBlacklisted, SwitchesUnavailable

OPTIONS = {
    "symbols": "SYMBOL",
    "profile": "--profile",
    "dry_run": "--live",
    "validation_mode": "--mode",
    "workers": "--workers",
    "as_of": "--at",
    "exchange": "ENTRYGATE_EXCHANGE",
    "current_tf": "--current-tf",
    "sync_tables": "--no-sync-tables",
}
"""What a request's field is called on the command line."""

UNAVAILABLE = (
    RunUnavailable,
    DatabaseError,
    JournalError,
    ExchangeError,
    OrdersUnavailable,
    SwitchesUnavailable,
    ScheduleUnavailable,
)
"""Something that a command needs does not answer."""

SETTINGS = {
    "rules_dir": "--rules",
    "market_data": "--market-data",
    "paper_at": "--at",
    "paper_start": "--start",
    "paper_speed": "--speed",
    "host": "--host",
    "port": "--port",
    "every": "--every",
}
"""Options that stand before a setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Options that win over the environment. Without ``journal`` nothing that is run is kept."""

    rules: Path
    at_ms: int | None = None
    start_ms: int | None = None
    speed: float | None = None
    market_data: Path | None = None
    host: str | None = None
    port: int | None = None
    every: str | None = None
    profiles: tuple[str, ...] = ()
    journal: bool = True

    def settings(self, **more: Any) -> Settings:
        """The environment's settings with these in front. Raises ``CommandError`` for what cannot be used."""
        given: dict[str, Any] = {"rules_dir": self.rules} | more
        if self.at_ms is not None:
            given |= {"paper_at": self.at_ms, "paper_start": None, "paper_speed": None}
        if self.start_ms is not None:
            given |= {"paper_start": self.start_ms, "paper_at": None}
        others = {
            "paper_speed": self.speed,
            "market_data": self.market_data,
            "host": self.host,
            "port": self.port,
            "every": self.every,
            "every_profiles": ",".join(self.profiles) or None,
        }
        given |= {name: value for name, value in others.items() if value is not None}
        try:
            return load_settings(**given)
        except SettingsError as error:
            lines = [_by_option(problem, given) for problem in error.problems]
            raise CommandError(*lines, code=USAGE) from error


@asynccontextmanager
async def opened(choices: Choices, *, trades: bool = False, joins: bool = False) -> AsyncGenerator[Service]:
    """The service, until the block ends; whatever it refuses inside it is a ``CommandError``.

    ``trades`` and ``joins`` are those of `server.service.service`.
    """
    logs.configure(logging.WARNING)  # stdout is the answer and nothing else
    with _database(choices) as given, reported():
        async with service(choices.settings(**given), trades=trades, joins=joins) as made:
            yield made


@asynccontextmanager
async def kept(settings: Settings) -> AsyncGenerator[Database]:
    """The database, which is brought to head; nothing else is opened."""
    logs.configure(logging.WARNING)
    with reported():
        await asyncio.to_thread(upgrade, settings.database)
        database = Database.open(settings.database)
        try:
            yield database
        finally:
            await database.close()


@asynccontextmanager
async def kept_orders(settings: Settings) -> AsyncGenerator[Orders]:
    """The orders in the database."""
    async with kept(settings) as database:
        yield Orders(database)


def settings_or_refuse(**given: Any) -> Settings:
    """The environment's settings with the given ones in front. Raises ``CommandError``."""
    with reported():
        return load_settings(**given)


def operator_name() -> str:
    """The actor of what is done on this machine's command line."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):  # an account without a name
        return "cli"


async def present(made: Service) -> int:
    """The clock of the venue that runs use, ms UTC."""
    name = made.settings.exchange or made.rulesets.current.service.default_exchange
    return await made.venues[name].now_ms()


@contextmanager
def reported() -> Generator[None]:
    """Turns what the service refuses into lines for a person."""
    try:
        yield
    except RulesetError as error:
        lines = [str(problem) for problem in error.problems]
        raise CommandError(*lines, f"{count(len(lines), 'problem')} in these rules", code=PROBLEMS) from error
    except SettingsError as error:
        raise CommandError(*error.problems, code=USAGE) from error
    except RequestProblem as error:
        raise CommandError(*(_line(problem) for problem in error.problems), code=USAGE) from error
    except NoSuchOrder as error:
        raise CommandError(f"no order '{error}'; entrygate orders lists them", code=USAGE) from error
    except NoSuchLock as error:
        raise CommandError(f"no run holds the lock '{error}'", code=USAGE) from error
    except NotBlacklisted as error:
        raise CommandError(f"{error} is not on the blacklist", code=USAGE) from error
    except (MarketDataError, NoSuchDecision) as error:
        raise CommandError(str(error), code=USAGE) from error
    except RunInProgress as error:
        raise CommandError(f"{error}; try again when it is done", code=PROBLEMS) from error
    except UNAVAILABLE as error:
        raise CommandError(str(error), code=PROBLEMS) from error


@contextmanager
def _database(choices: Choices) -> Generator[dict[str, str]]:
    """Where runs are kept: as the settings say, or in a file that is gone afterwards."""
    if choices.journal:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="entrygate-") as folder:
        yield {"database_url": f"sqlite:///{folder}/entrygate.db"}


def _by_option(problem: str, given: Mapping[str, Any]) -> str:
    """A settings problem with the option's name where the value came from an option."""
    for name, option in SETTINGS.items():
        if name in given:
            problem = problem.replace(variable(name), option)
    return problem


def _line(problem: FieldProblem) -> str:
    return f"{OPTIONS.get(problem.field, problem.field)}: {problem.message}"

"""The composition root: everything a running service is made of, for the API and the command line alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.ruleset import RulesetStore
from server.database import Database, upgrade
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.port import Exchange
from server.fixed_code import FIXED_CODE
from server.journal import Journal
from server.run.rules import RulesInForce
from server.run.runner import Runner
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """Open from `service` to its end. ``venues`` are by the name that requests use."""

    settings: Settings
    rules: RulesInForce
    venues: Mapping[str, Exchange]
    database: Database
    journal: Journal
    runner: Runner

    @property
    def rulesets(self) -> RulesetStore:
        """The rules in force and what is wrong with the folder they came from."""
        return self.rules.store


@asynccontextmanager
async def service(settings: Settings) -> AsyncGenerator[Service]:
    """Loads the rules, opens the venue and brings the database to head; closes everything at the end.

    Raises ``RulesetError`` for rules that cannot be used, ``MarketDataError`` for recorded data that cannot,
    ``DatabaseError`` for a database that does not answer or is newer than this version.
    """
    store = await asyncio.to_thread(RulesetStore, settings.rules_dir, FIXED_CODE)
    rules = RulesInForce(store)
    venues: dict[str, Exchange] = {"paper": await asyncio.to_thread(PaperExchange, paper_options(settings))}
    await asyncio.to_thread(upgrade, settings.database)
    database = Database.open(settings.database)
    journal = Journal(database)
    runner = Runner(rules, venues, journal, default_exchange=settings.exchange)
    try:
        yield Service(settings, rules, venues, database, journal, runner)
    finally:
        runner.close()
        await database.close()


def paper_options(settings: Settings) -> PaperOptions:
    """The paper venue as the settings want it."""
    return PaperOptions(
        market_data=settings.market_data,
        spread_ticks=settings.paper_spread_ticks,
        balance_usdt=settings.paper_balance_usdt,
        at_ms=settings.paper_at,
        start_ms=settings.paper_start,
        speed=settings.paper_speed,
    )

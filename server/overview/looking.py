"""Looking at the venues of a service that runs elsewhere, or nowhere: nothing is begun or taken up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.exchange.paper import PaperExchange
from server.exchange.paper.errors import VENUE
from server.exchange.paper.ledger import TableLedger
from server.exchange.port import Exchange
from server.execution.desk import Desk
from server.journal.rulesets import Rulesets
from server.service import Service, paper_options, service
from server.settings import Settings
from server.trade_entry.decide import MAIN_ACCOUNT


@dataclass(frozen=True, slots=True)
class Look:
    """``service`` does not trade. ``desks`` are by the name of their venue; the paper venue is the one that
    the serving process has, its clock included.
    """

    service: Service
    desks: Mapping[str, Desk]

    @property
    def default(self) -> Desk:
        """That of the venue of runs that name none."""
        return self.desks[self.service.runner.default_venue(self.service.rulesets.current).name]


@asynccontextmanager
async def looking(settings: Settings) -> AsyncGenerator[Look]:
    """Raises what `server.service.service` raises."""
    async with service(settings) as made:
        venues: dict[str, Exchange] = {**made.venues, VENUE: await _paper(made)}
        rules = Rulesets(made.database)
        desks = {
            name: Desk(venue, MAIN_ACCOUNT, made.orders, made.metrics, rules)
            for name, venue in venues.items()
        }
        yield Look(made, desks)


async def _paper(made: Service) -> PaperExchange:
    """The paper venue with the account and the clock that are kept in the database, if there are any."""
    paper = PaperExchange(paper_options(made.settings), ledger=TableLedger(made.database), follows=True)
    await paper.now_ms()  # also of those that ask the clock for nothing but an obstacle
    return paper

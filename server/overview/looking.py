"""Looking at the venues of a service that runs elsewhere, or nowhere: nothing is begun or taken up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from server.exchange.paper import PaperExchange
from server.exchange.paper.errors import VENUE
from server.exchange.paper.ledger import LedgerUnavailable, TableLedger
from server.exchange.paper.state import decode
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
    ledger, options = TableLedger(made.database), paper_options(made.settings)
    try:
        document = await ledger.read()
    except LedgerUnavailable:
        document = None
    session = None if document is None else decode(document).session
    if session is None:
        return PaperExchange(options)
    running = replace(options, at_ms=None, start_ms=session.start_ms, speed=session.speed)
    paper = PaperExchange(running, ledger=ledger)
    await paper.balance()  # a look at the account sets the clock to its session's
    return paper

"""The composition root: everything a running service is made of, for the API and the command line alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, cast
from uuid import uuid4

import structlog

from engine.ruleset import RulesetStore
from server.database import Database, upgrade
from server.exchange.errors import VenueUnavailable
from server.exchange.looked_at import as_allowed
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.paper.errors import SessionInUse
from server.exchange.paper.ledger import TableLedger
from server.exchange.paper.session import Others
from server.exchange.port import Exchange
from server.execution.watch_lease import LEASE_MS, lease_of, wall_ms
from server.fixed_code import FIXED_CODE
from server.journal import Journal
from server.journal.rulesets import Rulesets
from server.market.contracts import ContractBook
from server.metrics import Metrics
from server.orders.errors import OrdersUnavailable
from server.orders.store import Orders
from server.run.evaluation import Evaluation
from server.run.rules import RulesInForce
from server.run.runner import Runner
from server.settings import Settings
from server.switches.run_locks import RunLocks
from server.switches.store import Blacklist, Switches
from server.trade_entry.decide import MAIN_ACCOUNT

if TYPE_CHECKING:
    from server.run.distribution import Distribution
    from server.trading import Trading

log = structlog.get_logger(__name__)

ASK_SEC = 0.2
"""How often the lease of another process is looked at to find out whether that process lives."""


@dataclass(frozen=True, slots=True)
class Service:
    """Open from `service` to its end. ``venues`` are by the name that requests use.

    ``trading`` is what places and looks after orders; None where the service was opened to look only.
    """

    settings: Settings
    rules: RulesInForce
    venues: Mapping[str, Exchange]
    database: Database
    journal: Journal
    orders: Orders
    switches: Switches
    blacklist: Blacklist
    run_locks: RunLocks
    contracts: ContractBook
    metrics: Metrics
    runner: Runner
    trading: Trading | None

    @property
    def rulesets(self) -> RulesetStore:
        """The rules in force and what is wrong with the folder they came from."""
        return self.rules.store


@asynccontextmanager
async def service(
    settings: Settings, *, trades: bool = False, joins: bool = False
) -> AsyncGenerator[Service]:
    """Loads the rules, opens the venues and brings the database to head; closes everything at the end.

    ``trades``: orders can be placed, and those under way are looked after. ``joins``: this process works
    beside others on the same database, takes the entries they leave to it, and shares their paper venue.
    Raises ``RulesetError`` for rules that cannot be used, ``MarketDataError`` for recorded data that cannot,
    ``SessionInUse`` for a paper clock other than the one that another process goes by, ``DatabaseError`` for
    a database that does not answer or is newer than this version, ``DurableError``.
    """
    store = await asyncio.to_thread(RulesetStore, settings.rules_dir, FIXED_CODE)
    rules = RulesInForce(store)
    await asyncio.to_thread(upgrade, settings.database)
    async with AsyncExitStack() as stack:
        database = Database.open(settings.database)
        stack.push_async_callback(database.close)
        orders, metrics, journal = Orders(database), Metrics(), Journal(database)
        switches, blacklist, run_locks = Switches(database), Blacklist(database), RunLocks(database)
        contracts = ContractBook(database)
        venues, holder = await _venues(settings, database, stack, trades=trades), str(uuid4())
        evaluation, rulesets = Evaluation(venues), Rulesets(database)
        stack.callback(evaluation.close)
        trading: Trading | None = None
        distribution: Distribution | None = None
        if trades:
            # Durable execution takes a while to import, which whoever only looks does not wait for.
            from server.run.distribution import SHARE, Distribution, Sharer
            from server.trading import open_trading

            stack.push_async_callback(_give_back, orders, holder)
            shared = settings.database.file is None
            traded = {**venues, "paper": await _session(settings, venues, orders, holder, adopts=joins)}
            trading = await stack.enter_async_context(
                open_trading(
                    settings,
                    database,
                    traded,
                    orders,
                    metrics,
                    lambda: _foreign_stop(store),
                    rulesets=rulesets,
                    brief={SHARE: Sharer(evaluation, rulesets)} if shared else None,
                    holder=holder,
                    takes_work=joins or settings.dispatch == "sync",
                )
            )
            distribution = Distribution(trading.durable, evaluation, rulesets) if shared else None
        runner = Runner(
            rules,
            journal,
            orders=orders,
            switches=switches,
            locks=run_locks,
            contracts=contracts,
            metrics=metrics,
            evaluation=evaluation,
            distribution=distribution,
            dispatcher=None if trading is None else trading.dispatcher,
            align=None if trading is None else trading.operations.align,
            default_exchange=settings.exchange,
            live=settings.live,
        )
        yield Service(
            settings,
            rules,
            venues,
            database,
            journal,
            orders,
            switches,
            blacklist,
            run_locks,
            contracts,
            metrics,
            runner,
            trading,
        )


def paper_options(settings: Settings) -> PaperOptions:
    """The paper venue as the settings want it."""
    return PaperOptions(
        market_data=settings.market_data,
        spread_ticks=settings.paper_spread_ticks,
        balance_usdt=settings.paper_balance_usdt,
        at_ms=settings.paper_at,
        start_ms=settings.paper_start,
        speed=settings.paper_speed,
        volume_share=settings.paper_volume_share,
        price_limit_ratio=settings.paper_price_limit_ratio,
        seed=settings.paper_seed,
    )


async def _venues(
    settings: Settings, database: Database, stack: AsyncExitStack, *, trades: bool
) -> dict[str, Exchange]:
    """Those that runs decide at."""
    ledger = TableLedger(database) if trades else None
    paper = await asyncio.to_thread(PaperExchange, paper_options(settings), ledger=ledger)
    venues: dict[str, Exchange] = {"paper": paper}
    if settings.bitmart_api_key is not None and settings.bitmart_secret and settings.bitmart_memo:
        from server.exchange.bitmart import BitmartExchange, BitmartOptions

        bitmart = BitmartExchange(
            BitmartOptions(
                base_url=settings.bitmart_base_url,
                api_key=settings.bitmart_api_key.get_secret_value(),
                secret=settings.bitmart_secret.get_secret_value(),
                memo=settings.bitmart_memo.get_secret_value(),
                rate_factor=settings.bitmart_rate_factor,
            )
        )
        stack.push_async_callback(bitmart.aclose)
        try:
            await bitmart.open()
        except VenueUnavailable as error:
            # The rest can work; this venue says by itself why it takes no orders until it answers.
            log.error("venue.unavailable", exchange="bitmart", error=str(error))
        venues["bitmart"] = as_allowed(bitmart, live=settings.live)
    return venues


async def _session(
    settings: Settings, venues: Mapping[str, Exchange], orders: Orders, holder: str, *, adopts: bool
) -> PaperExchange:
    """The paper venue that orders are placed at and looked after: the one session that every process is in.

    A process whose own clock stands begins none, and follows those that others begin. Raises
    ``SessionInUse``, ``OrdersUnavailable``.
    """
    own = venues["paper"]
    if not isinstance(own, PaperExchange) or settings.paper_start is None:
        ledger = TableLedger(orders.database)
        return await asyncio.to_thread(PaperExchange, paper_options(settings), ledger=ledger, follows=True)
    name, others = lease_of(own.name, MAIN_ACCOUNT), cast(Others, "perhaps")
    until: int | None = None
    while True:
        # Whoever has the lease has a session that must not be begun anew under it. Taken before a session is
        # begun, so that of two processes that start together only one begins.
        if await orders.lease(name, holder, LEASE_MS, wall_ms()):
            others = "nobody"
        try:
            awaited = await _under_way(own, orders)
            await own.open(others=others, adopts=adopts, awaited=awaited)
            await _give_up_others(own, orders)
            return own
        except SessionInUse:
            if others == "somebody":
                raise
            # A lease outlives a process that was killed; one that is renewed has a living holder.
            before, until = until, await orders.leased_until(name)
            others = "perhaps" if before is None or until in (None, before) else "somebody"
        await asyncio.sleep(ASK_SEC)


async def _under_way(venue: PaperExchange, orders: Orders) -> bool:
    """Whether an entry was begun that is not done: a process that died may have left it to the next."""
    undecided = await orders.undecided(venue.name, MAIN_ACCOUNT)
    return bool(undecided or await orders.under_way(venue.name, MAIN_ACCOUNT))


async def _give_up_others(venue: PaperExchange, orders: Orders) -> None:
    """Orders of earlier sessions are gone with them, whatever became of the process that began this one."""
    ended = await orders.give_up(
        venue.name,
        MAIN_ACCOUNT,
        venue.session_began_ms,
        await venue.now_ms(),
        account_is_new=venue.begins_session,
    )
    for intent in ended:
        log.warning("order.session_given_up", symbol=intent.symbol, decision_key=intent.decision_key)


async def _give_back(orders: Orders, holder: str) -> None:
    """What was taken for a service that never came to look after anything; else nothing is left to give."""
    with suppress(OrdersUnavailable):
        await orders.release(lease_of("paper", MAIN_ACCOUNT), holder)


def _foreign_stop(store: RulesetStore) -> Decimal:
    return store.current.service.foreign_stop_ratio

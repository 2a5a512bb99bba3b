"""The account outlives the process, is shared by several, and is never half written."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from conformance_trader import Trader, accepted, refused
from driven import DrivenMarket

from server.database import Database, DatabaseAddress, upgrade
from server.exchange.errors import VenueUnavailable
from server.exchange.paper import Ledger, MemoryLedger, TableLedger
from server.exchange.trading import Unknown


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Database]:
    """A database at head."""
    address = DatabaseAddress.parse(url)
    await asyncio.to_thread(upgrade, address)
    database = Database.open(address)
    try:
        yield database
    finally:
        await database.close()


async def test_a_turn_that_ends_with_an_error_is_not_kept(database_url: str) -> None:
    async with opened(database_url) as database:
        ledgers: list[Ledger] = [MemoryLedger(), TableLedger(database)]
        for ledger in ledgers:
            assert await ledger.read() is None
            async with ledger.turn() as turn:
                assert turn.document is None
                turn.document = "first"
            with pytest.raises(ZeroDivisionError):
                async with ledger.turn() as turn:
                    turn.document = "never"
                    raise ZeroDivisionError
            assert await ledger.read() == "first"


async def test_turns_of_many_connections_follow_each_other(database_url: str) -> None:
    """Each adds one to what it read: nothing is lost, whoever comes first makes the row."""
    async with opened(database_url) as one, opened(database_url) as two:
        ledgers = [TableLedger(one), TableLedger(two)]

        async def count(ledger: Ledger) -> None:
            for _ in range(10):
                async with ledger.turn() as turn:
                    number = int(turn.document or 0)
                    await asyncio.sleep(0)
                    turn.document = str(number + 1)

        await asyncio.gather(*(count(ledger) for ledger in ledgers))
        assert [await ledger.read() for ledger in ledgers] == ["20", "20"]


async def test_ledgers_of_other_names_are_other_accounts(database_url: str) -> None:
    async with opened(database_url) as database:
        async with TableLedger(database, "a").turn() as turn:
            turn.document = "a"
        assert await TableLedger(database, "b").read() is None


async def test_two_venues_share_one_account(database_url: str) -> None:
    async with opened(database_url) as first, opened(database_url) as second:
        here, there = DrivenMarket(TableLedger(first)), DrivenMarket(TableLedger(second))
        trader = await Trader.on(here)
        order = trader.limit(-1, stop_loss=trader.price(-3))
        accepted(await here.venue.submit(order))
        assert await there.venue.order(there.symbol, order.client_order_id) == await trader.state(order)
        refused(await there.venue.submit(order), "duplicate_client_order_id")
        # What one has matched the other one reads; it does not match it again.
        await there.move(trader.price(-2))
        assert len(await there.venue.positions()) == 1
        await here.move(trader.price(-2))
        assert [p.size for p in await here.venue.positions()] == [order.size]
        assert await here.venue.fills(here.symbol, 0) == await there.venue.fills(here.symbol, 0)
        assert len(await here.venue.trigger_orders()) == 1
        accepted(await there.venue.close(trader.closing(order.size)))
        assert not await here.venue.positions()
        assert await here.venue.balance() == await there.venue.balance()


async def test_one_order_of_many_senders_is_taken(database_url: str) -> None:
    async with opened(database_url) as first, opened(database_url) as second:
        here, there = DrivenMarket(TableLedger(first)), DrivenMarket(TableLedger(second))
        order = (await Trader.on(here)).limit(-1)
        outcomes = await asyncio.gather(*(m.venue.submit(order) for m in (here, there) * 4))
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Accepted"] + ["Refused"] * 7
        assert len(await there.venue.open_orders()) == 1


async def test_a_long_past_leaves_the_document_and_is_not_forgotten(database_url: str) -> None:
    async with opened(database_url) as database:
        ledger = TableLedger(database)
        market = DrivenMarket(ledger, balance_usdt=Decimal(100_000))
        trader = await Trader.on(market)
        entries = [trader.at_market() for _ in range(120)]
        sizes: list[int] = []
        for order in entries:
            accepted(await market.venue.submit(order))
            accepted(await market.venue.close(trader.closing(order.size)))
            sizes.append(len(await ledger.read() or ""))
        assert max(sizes[-20:]) <= max(sizes[:100])
        # Also in the eyes of a process that was not there.
        for venue in (market.venue, DrivenMarket(TableLedger(database)).venue):
            first = await venue.order(market.symbol, entries[0].client_order_id)
            assert first is not None and first.filled_size == trader.size
            assert len(await venue.fills(market.symbol, 0)) == 240
            realised = await venue.realised_pnl(0)
            assert realised == (await venue.balance()).equity_usdt - 100_000 < 0
            assert await venue.realised_pnl(await venue.now_ms() + 1) == 0
            refused(await venue.submit(entries[0]), "duplicate_client_order_id")


SENDER = """
import asyncio, sys
from decimal import Decimal
from conformance_trader import Trader, accepted
from driven import DrivenMarket
from server.database import Database, DatabaseAddress
from server.exchange.paper import TableLedger

async def main():
    database = Database.open(DatabaseAddress.parse(sys.argv[1]))
    market = DrivenMarket(TableLedger(database), balance_usdt=Decimal(100_000))
    trader = await Trader.on(market)
    accepted(await market.venue.submit(trader.at_market(stop_loss=trader.price(-2))))
    while True:
        order = trader.limit(-1)
        accepted(await market.venue.submit(order))
        print(order.client_order_id, flush=True)

asyncio.run(main())
"""


def killed_while_sending(url: str) -> list[str]:
    """The client ids that a process had acknowledged when it was killed."""
    folder = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-c", SENDER, url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder.parents[1]}"},
    )
    assert process.stdout is not None
    seen = [process.stdout.readline().strip() for _ in range(5)]
    process.kill()
    seen += process.stdout.read().split("\n")[:-1]
    process.wait()
    return seen


async def test_what_was_acknowledged_survives_a_kill(database_url: str) -> None:
    async with opened(database_url) as database:
        seen = await asyncio.to_thread(killed_while_sending, database_url)
        market = DrivenMarket(TableLedger(database))
        resting = [order.client_order_id for order in await market.venue.open_orders()]
        assert seen == resting[: len(seen)]
        assert len(resting) - len(seen) <= 1, "only the last acknowledgement can have been lost"
        assert len(await market.venue.positions()) == 1
        (stop,) = await market.venue.trigger_orders()
        assert stop.trigger_price == 98_000
        # What rested fills on the way down, and the stop takes all of it.
        await market.move(Decimal(97_000))
        assert not await market.venue.open_orders()
        assert not await market.venue.positions()
        assert sum(f.size * (-1 if f.closes else 1) for f in await market.venue.fills(market.symbol, 0)) == 0


async def test_a_database_that_is_gone_makes_outcomes_unknown(tmp_path: Path) -> None:
    database = Database.open(DatabaseAddress.of_file(tmp_path / "empty.db"))  # it has no tables
    market = DrivenMarket(TableLedger(database))
    with pytest.raises(VenueUnavailable, match="no such table: paper_ledger"):
        await market.venue.balance()
    assert isinstance(await market.venue.set_leverage(market.symbol, 5, "isolated"), Unknown)
    await database.close()

"""The paper venue keeps every promise of the port, with its account in memory and in the database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from conformance import ExchangeConformance
from conformance_protection import ProtectionConformance
from conformance_trader import Market, Trader, refused
from driven import DrivenMarket

from server.database import Database, DatabaseAddress, upgrade
from server.exchange.paper import TableLedger


class TestPaperInMemory(ExchangeConformance):
    @pytest.fixture
    async def market(self) -> AsyncGenerator[Market]:
        yield DrivenMarket()


class TestPaperInTheDatabase(ExchangeConformance):
    @pytest.fixture
    async def market(self, tmp_path: Path) -> AsyncGenerator[Market]:
        address = DatabaseAddress.of_file(tmp_path / "entrygate.db")
        upgrade(address)
        database = Database.open(address)
        yield DrivenMarket(TableLedger(database))
        await database.close()


class TestPaperWithoutAttachedProtection(ProtectionConformance):
    @pytest.fixture
    async def trader(self) -> Trader:
        return await Trader.on(DrivenMarket(attaches_protection=False))

    async def test_protection_that_travels_with_an_order_is_refused(self, trader: Trader) -> None:
        order = trader.limit(-1, stop_loss=trader.price(-2))
        refused(await trader.venue.submit(order), "other")

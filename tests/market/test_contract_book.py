"""Contracts are stored with the time they were read at, and stand in for a venue that does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.models.service import ContractRules
from server.database import Database, DatabaseAddress, upgrade
from server.exchange.errors import VenueUnavailable
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.port import Contract, Listing, UnspecifiedContract
from server.market.contracts import ContractBook, decode, encode

AT_MS = 1_748_763_960_000
RULES = ContractRules(refresh_sec=3600, keep_sec=7200)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    address = DatabaseAddress.parse(database_url)
    await asyncio.to_thread(upgrade, address)
    opened = Database.open(address)
    yield opened
    await opened.close()


class Away(PaperExchange):
    """The paper venue on a day on which it does not answer about its contracts."""

    answers = False

    async def contracts(self) -> Mapping[str, Listing]:
        if not self.answers:
            raise VenueUnavailable("paper", "contracts", "it is away")
        return await super().contracts()


@pytest.fixture
def venue() -> Away:
    made = Away(PaperOptions(at_ms=AT_MS))
    made.answers = True
    return made


async def test_what_a_venue_lists_is_stored_with_its_time(database: Database, venue: Away) -> None:
    listed = await ContractBook(database).read(venue, RULES)
    stored = await ContractBook(database).stored("paper")
    assert stored is not None
    assert dict(stored.listings) == dict(listed.listings)
    assert (listed.current, stored.current) == (True, False)
    assert stored.read_at_ms == listed.read_at_ms


async def test_the_stored_ones_stand_in_for_a_venue_that_is_away(database: Database, venue: Away) -> None:
    first = await ContractBook(database).read(venue, RULES)
    venue.answers = False
    found = await ContractBook(database).read(venue, RULES)
    assert (found.current, found.read_at_ms) == (False, first.read_at_ms)
    assert dict(found.listings) == dict(first.listings)


async def test_what_is_too_old_is_of_no_use(database: Database, venue: Away) -> None:
    book = ContractBook(database)
    with pytest.raises(VenueUnavailable):
        venue.answers = False
        await book.read(venue, RULES)
    venue.answers = True
    listings = await venue.contracts()
    await book.store("paper", listings, 1)
    venue.answers = False
    with pytest.raises(VenueUnavailable):
        await book.read(venue, RULES)


async def test_they_are_stored_again_only_when_they_are_old(database: Database, venue: Away) -> None:
    book = ContractBook(database)
    first = await book.read(venue, RULES)
    await asyncio.sleep(0.01)
    await book.read(venue, RULES)
    stored = await book.stored("paper")
    assert stored is not None and stored.read_at_ms == first.read_at_ms
    await book.read(venue, RULES, refresh=True)
    again = await book.stored("paper")
    assert again is not None and again.read_at_ms > first.read_at_ms


async def test_a_contract_survives_its_storing() -> None:
    listings = await PaperExchange(PaperOptions(at_ms=AT_MS)).contracts()
    contract = next(item for item in listings.values() if isinstance(item, Contract))
    odd = replace(contract, turnover_24h_usdt=Decimal("1E+3"), expires_at_ms=7, max_size=None)
    assert decode(encode(odd)) == odd
    unspecified = UnspecifiedContract("X1", "no specification")
    assert decode(encode(unspecified)) == unspecified

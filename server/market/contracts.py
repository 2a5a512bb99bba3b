"""The contracts of the venues: read from each when they are needed, stored with the time of reading, and good
for a dry run while a venue does not answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from pydantic import TypeAdapter
from sqlalchemy import delete, insert, select

from engine.models.service import ContractRules
from server.database import Database
from server.database import contract_tables as t
from server.database.answering import failing_as
from server.exchange.errors import VenueUnavailable
from server.exchange.port import Contract, Exchange, Listing, UnspecifiedContract
from server.instants import machine_ms

SEC = 1000

_SPECIFIED: TypeAdapter[Contract] = TypeAdapter(Contract)
_UNSPECIFIED: TypeAdapter[UnspecifiedContract] = TypeAdapter(UnspecifiedContract)

log = structlog.get_logger(__name__)


class ContractsUnavailable(Exception):
    """The database does not answer about contracts."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a venue lists, by symbol; ``read_at_ms`` by this machine's clock. Not ``current``: the venue does
    not answer now, and this is what is stored.
    """

    exchange: str
    listings: Mapping[str, Listing]
    read_at_ms: int
    current: bool


class ContractBook:
    """Reads contracts of any venue; adapters keep them for a while by themselves."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stored_at: dict[str, int] = {}

    async def read(self, venue: Exchange, rules: ContractRules, *, refresh: bool = False) -> Listed:
        """What the venue lists now, stored where the stored contracts are old or ``refresh`` says so; else
        what is stored and not older than ``keep_sec``.

        A database that does not answer only costs the storing. Raises ``VenueUnavailable`` where there is
        neither.
        """
        now = machine_ms()
        try:
            listings = await venue.contracts()
        except VenueUnavailable:
            stored = await self._kept(venue.name, now - rules.keep_sec * SEC)
            if stored is None:
                raise
            return stored
        stored_at = self._stored_at.get(venue.name)
        if refresh or stored_at is None or now - stored_at >= rules.refresh_sec * SEC:
            try:
                await self.store(venue.name, listings, now)
            except ContractsUnavailable as error:
                log.warning("contracts.not_stored", exchange=venue.name, error=str(error))
        return Listed(venue.name, listings, now, current=True)

    async def store(self, exchange: str, listings: Mapping[str, Listing], now_ms: int) -> None:
        """Replaces what is stored of a venue. Raises `ContractsUnavailable`."""
        values = [
            {"exchange": exchange, "symbol": symbol, "specification": encode(listing), "read_at": now_ms}
            for symbol, listing in listings.items()
        ]
        with failing_as(ContractsUnavailable, "the contracts cannot be stored"):
            async with self._database.write() as connection:
                await connection.execute(delete(t.contract).where(t.contract.c.exchange == exchange))
                if values:
                    await connection.execute(insert(t.contract), values)
        self._stored_at[exchange] = now_ms

    async def stored(self, exchange: str) -> Listed | None:
        """What is stored of a venue. Raises `ContractsUnavailable`."""
        c = t.contract.c
        query = select(c.symbol, c.specification, c.read_at).where(c.exchange == exchange).order_by(c.symbol)
        with failing_as(ContractsUnavailable, "the stored contracts cannot be read"):
            async with self._database.read() as connection:
                found = (await connection.execute(query)).all()
        if not found:
            return None
        listings = {symbol: decode(text) for symbol, text, _ in found}
        return Listed(exchange, listings, found[0].read_at, current=False)

    async def _kept(self, exchange: str, since_ms: int) -> Listed | None:
        try:
            found = await self.stored(exchange)
        except ContractsUnavailable as error:
            log.warning("contracts.not_read", exchange=exchange, error=str(error))
            return None
        return None if found is None or found.read_at_ms < since_ms else found


def encode(listing: Listing) -> str:
    """JSON, decimals as texts."""
    if isinstance(listing, Contract):
        return _SPECIFIED.dump_json(listing).decode()
    return _UNSPECIFIED.dump_json(listing).decode()


def decode(text: str) -> Listing:
    """What `encode` made; a field that is not known any more is left out."""
    if json.loads(text)["status"] == "unspecified":
        return _UNSPECIFIED.validate_json(text)
    return _SPECIFIED.validate_json(text)

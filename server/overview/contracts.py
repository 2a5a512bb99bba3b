"""Which contracts a profile selects, and what stands in the way of the others, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

from engine.ruleset import Profile
from server.exchange.port import Contract, Exchange
from server.exchange.selection import GATE, Contender, Selection, select_contracts
from server.instants import iso, machine_ms
from server.market.contracts import Listed
from server.service import Service
from server.switches.switch import SwitchState

FactValue = bool | int | float | str | None


class ContractEntry(TypedDict):
    """One contract of the venue. ``place``: where it stands among the selected ones, from 1; null: left out,
    for ``reason``, on the ``values`` that the filter read. ``rank`` is its place in its bucket by turnover.
    """

    symbol: str
    selected: bool
    place: int | None
    bucket: Literal["top", "mid", "unranked"]
    rank: int | None
    reason: str | None
    values: dict[str, FactValue]
    status: str
    quote: str | None
    turnover_24h_usdt: str | None
    listed_at: str | None
    expires_at: str | None


class ContractPage(TypedDict):
    """Selected ones in their order, then the others by symbol. ``read_at``: when the venue was asked;
    ``current`` is false where it does not answer now. ``selected`` and ``left_out`` count the whole venue.
    """

    items: list[ContractEntry]
    page: int
    page_size: int
    total: int
    profile: str
    exchange: str
    read_at: str
    current: bool
    selected: int
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFilter:
    """Every part that is given must hold."""

    symbol: str | None = None
    selected: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """A selection and what it was made of."""

    profile: Profile
    listed: Listed
    selection: Selection

    def page(self, wanted: ContractFilter, page: int, page_size: int) -> ContractPage:
        """The contracts that pass the filter."""
        selection = self.selection
        left_out = sorted(selection.left_out)
        symbols = [symbol for symbol in (*selection.symbols, *left_out) if self._passes(symbol, wanted)]
        shown = symbols[(page - 1) * page_size : page * page_size]
        return {
            "items": [contract_json(selection.contender(symbol)) for symbol in shown],
            "page": page,
            "page_size": page_size,
            "total": len(symbols),
            "profile": self.profile.name,
            "exchange": self.listed.exchange,
            "read_at": iso(self.listed.read_at_ms),
            "current": self.listed.current,
            "selected": len(selection.symbols),
            "left_out": _counted(selection.left_out),
        }

    def _passes(self, symbol: str, wanted: ContractFilter) -> bool:
        reason = self.selection.left_out.get(symbol)
        return (
            wanted.symbol in (None, symbol)
            and wanted.selected in (None, reason is None)
            and wanted.reason in (None, reason)
        )


async def selected(service: Service, venue: Exchange, profile: Profile, *, refresh: bool = False) -> Selected:
    """What the profile selects of the venue now. Raises ``VenueUnavailable``, ``SwitchesUnavailable``."""
    ruleset = service.rulesets.current
    listed = await service.contracts.read(venue, ruleset.service.contracts, refresh=refresh)
    state = await service.switches.state(machine_ms())
    now_ms = await venue.now_ms()
    blacklisted, switched_off = kept_out(state, listed)
    selection = select_contracts(
        listed.listings,
        profile.contracts,
        profile.gates[GATE],
        now_ms,
        blacklisted=blacklisted,
        switched_off=switched_off,
    )
    return Selected(profile, listed, selection)


def kept_out(state: SwitchState, listed: Listed) -> tuple[frozenset[str], frozenset[str]]:
    """Symbols of the operators' blacklist, and those whose switch is off."""
    symbols = listed.listings
    return (
        frozenset(symbol for symbol in symbols if state.blacklisted(symbol) is not None),
        frozenset(symbol for symbol in symbols if state.symbol_off(symbol) is not None),
    )


def contract_json(one: Contender) -> ContractEntry:
    """A contract as it is shown."""
    listing, decision = one.listing, one.decision
    contract = listing if isinstance(listing, Contract) else None
    turnover = None if contract is None else contract.turnover_24h_usdt
    rank = one.facts["rank"]
    return {
        "symbol": one.symbol,
        "selected": one.place is not None,
        "place": one.place,
        "bucket": one.bucket,
        "rank": rank if isinstance(rank, int) else None,
        "reason": decision.outward,
        "values": {name: _plain(one.facts[name]) for name in decision.values},
        "status": listing.status,
        "quote": None if contract is None else contract.quote,
        "turnover_24h_usdt": None if turnover is None else f"{turnover:f}",
        "listed_at": _instant(None if contract is None else contract.listed_at_ms),
        "expires_at": _instant(None if contract is None else contract.expires_at_ms),
    }


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)


def _plain(value: object) -> FactValue:
    return value if isinstance(value, bool | int | float | str) else None


def _counted(left_out: Mapping[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reason in left_out.values():
        counts[reason] = counts.get(reason, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

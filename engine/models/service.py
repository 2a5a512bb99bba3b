"""Kind ``service``: which profiles there are, in order of priority, and the default exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from engine.models.base import Document, Model, Name
from engine.models.exact import Exact

ExchangeName = Literal["paper", "bitmart"]
"""Venues that an adapter exists for."""


class ProfileEntry(Model):
    """One profile of the service. A disabled profile is never the default but can be asked for by name."""

    name: Name
    enabled: bool


class ExclusionRules(Model):
    """How long a symbol with an open position or order is left out; its switch is off for so long."""

    off_sec: int = Field(default=300, ge=1, le=86_400, description="From the run that found it so.")
    extend_sec: int = Field(
        default=60,
        ge=1,
        le=86_400,
        description="At least so long from each later run that finds it off; never shortens what is left.",
    )


class ContractRules(Model):
    """How the contracts of a venue are kept, for the time in which it does not answer."""

    refresh_sec: int = Field(
        default=3600, ge=1, le=86_400, description="Stored again when the stored ones are so old."
    )
    keep_sec: int = Field(
        default=86_400, ge=1, le=2_592_000, description="Older ones are of no use to a dry run either."
    )


class ServiceDocument(Document):
    """The first enabled profile of the list is the default one."""

    kind: Literal["service"]
    default_exchange: ExchangeName
    profiles: list[ProfileEntry] = Field(min_length=1)
    symbol_timeout_sec: Annotated[Decimal, Exact(gt=0, le=600)] = Field(
        default=Decimal(20),
        description="So long a run waits for one symbol at a time: for its candles, its verdict, its plan.",
    )
    candle_requests_per_run: int = Field(
        default=600,
        ge=1,
        le=100_000,
        description="So often a run asks the venue for candles; symbols beyond it are left to later runs.",
    )
    open_state_max_age_sec: int = Field(
        default=90,
        ge=1,
        le=86_400,
        description="How old the stored open positions and orders may be where a live run goes by them.",
    )
    run_lock_sec: int = Field(
        default=60,
        ge=5,
        le=3_600,
        description="A run that died keeps its lock for so long; a living one renews it.",
    )
    tp_sl_every_min: int = Field(
        default=3,
        ge=1,
        le=60,
        description="Minutes of the hour in which a live run moves stops and targets to their real entries: "
        "every so many, from the full hour on.",
    )
    foreign_stop_ratio: Annotated[Decimal, Exact(gt=0, le=0.5)] = Field(
        default=Decimal("0.02"),
        description="How far from its entry an open position that nobody here opened gets a stop.",
    )
    exclusion: ExclusionRules = Field(default_factory=ExclusionRules)
    contracts: ContractRules = Field(default_factory=ContractRules)

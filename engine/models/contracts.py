"""Kind ``contracts``: which contracts of a venue a profile looks at when a run names no symbols."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from engine.models.base import Document, Model, Name, Summary
from engine.models.exact import Exact

Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{2,40}$")]
"""A contract's symbol as the venue spells it."""

TurnoverOrder = Literal["descending", "ascending"]


class SelectionOrder(Model):
    """How the contracts of a bucket are sorted by turnover; equal ones by symbol."""

    top: TurnoverOrder = "descending"
    mid: TurnoverOrder = "ascending"


class SelectionRules(Model):
    """Filters every contract must pass, and two buckets by turnover of which the first so many are taken."""

    status: Literal["trading", "suspended", "delisted"] = Field(
        default="trading", description="Status the contract must have at the venue."
    )
    quote_currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,10}$")] = Field(
        default="USDT", description="Currency the contract is quoted in."
    )
    min_turnover_usdt: Annotated[Decimal, Exact(ge=0)] = Field(description="Least turnover of 24 hours.")
    mid_max_turnover_usdt: Annotated[Decimal, Exact(ge=0)] = Field(
        description="Contracts above this turnover are the top bucket, the others the mid bucket."
    )
    require_not_expired: bool = Field(
        default=True, description="Leaves out contracts that have reached the end the venue states."
    )
    min_listing_age_hours: int = Field(
        ge=0,
        le=100_000,
        description="Hours since listing; 0: any. Also read under its old name, max_age_hours.",
    )
    when_unknown: Literal["exclude", "include"] = Field(
        default="exclude",
        description="What becomes of a contract whose turnover, listing time or specification the venue "
        "does not know: excluded, or included after the two buckets.",
    )
    top_n: int = Field(ge=0, le=10_000, description="Most contracts of the top bucket; 0 takes none.")
    mid_n: int = Field(ge=0, le=10_000, description="Most contracts of the mid bucket; 0 takes none.")
    order: SelectionOrder = Field(default_factory=SelectionOrder)

    @model_validator(mode="after")
    def _ordered(self) -> SelectionRules:
        if self.min_turnover_usdt > self.mid_max_turnover_usdt:
            raise ValueError(
                f"min_turnover_usdt {self.min_turnover_usdt:f} is above mid_max_turnover_usdt "
                f"{self.mid_max_turnover_usdt:f}"
            )
        return self


class ContractsDocument(Document):
    """Symbols a run asks for by name skip the selection; the blacklist holds for every run."""

    kind: Literal["contracts"]
    profile: Name
    extends: Name | None = None
    summary: Summary | None = None
    selection: SelectionRules
    blacklist: list[Symbol] = Field(default_factory=list[Symbol], description="Symbols never looked at.")

"""Contract specifications: a JSON document, read strictly, turned into the port's `Contract`.

A folder's own ``contracts.json`` amends the bundled one: an entry replaces the whole entry of that symbol.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from server.exchange.paper.errors import MarketDataError
from server.exchange.port import Contract, ContractStatus

Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
Ratio = Annotated[Decimal, Field(gt=-1, lt=1, allow_inf_nan=False)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Specification(_Closed):
    """One entry; the fields are those of `Contract` that do not change with the market."""

    symbol: str = Field(pattern=r"^[A-Z0-9_]+$")
    base: str
    quote: str
    status: ContractStatus = "trading"
    tick_size: Positive
    size_step: Positive
    contract_size: Positive
    min_size: Positive
    max_size: Positive | None = None
    market_max_size: Positive | None = None
    min_leverage: int = Field(ge=1)
    max_leverage: int = Field(ge=1)
    maker_fee_ratio: Ratio
    taker_fee_ratio: Ratio
    maintenance_margin_ratio: Annotated[Decimal, Field(gt=0, lt=1)]
    listed_at_ms: int | None = None
    origin: Literal["recorded", "assumed"] = Field(
        description="recorded: taken from a venue's reply. assumed: chosen to fit the recorded prices."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Specification:
        if self.min_leverage > self.max_leverage:
            raise ValueError("min_leverage is above max_leverage")
        if self.max_size is not None and self.min_size > self.max_size:
            raise ValueError("min_size is above max_size")
        return self

    def price(self, recorded: float) -> Decimal:
        """A recorded price on the nearest tick."""
        ticks = Decimal(repr(recorded)) / self.tick_size
        return ticks.to_integral_value(ROUND_HALF_EVEN) * self.tick_size

    def contracts(self, base_volume: float, share: Decimal = Decimal(1)) -> Decimal:
        """A share of a recorded volume in contracts, whole steps."""
        steps = Decimal(repr(base_volume)) * share / self.contract_size / self.size_step
        return steps.to_integral_value(ROUND_FLOOR) * self.size_step

    def contract(self, turnover_24h_usdt: Decimal | None) -> Contract:
        """The port's value, with the one figure that is not in the document."""
        return Contract(
            **self.model_dump(exclude={"origin"}),
            turnover_24h_usdt=turnover_24h_usdt,
        )


class _Document(_Closed):
    version: Literal[1]
    summary: str = ""
    contracts: list[Specification]

    @model_validator(mode="after")
    def _unique(self) -> _Document:
        seen: set[str] = set()
        for entry in self.contracts:
            if entry.symbol in seen:
                raise ValueError(f"{entry.symbol} is listed twice")
            seen.add(entry.symbol)
        return self


def read_specifications(path: Path) -> Mapping[str, Specification]:
    """Entries by symbol. Raises `MarketDataError` that names the entry and the field."""
    try:
        document = _Document.model_validate_json(path.read_bytes())
    except OSError as error:
        raise MarketDataError(path, error.strerror or str(error)) from error
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, p['loc'])) or 'document'}: {p['msg']}" for p in error.errors()]
        raise MarketDataError(path, "; ".join(problems)) from error
    return {entry.symbol: entry for entry in document.contracts}

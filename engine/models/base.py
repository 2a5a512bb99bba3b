"""What all documents share: closed vocabularies and a base that refuses unknown keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Timeframe = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d"]
"""Candle length; the step in milliseconds is ``engine.candles.STEP_MS``."""

Side = Literal["long", "short"]

Phase = Literal["context", "execution"]
"""What a timeframe is asked for: the direction, or the moment."""

Unit = Literal[
    "price",
    "ratio",
    "percent",
    "bps",
    "index",
    "volume",
    "bars",
    "seconds",
    "count",
    "usdt",
    "contracts",
    "flag",
    "name",
]
"""``flag`` is pass/fail/unknown, ``name`` is text that is only compared; every other unit is a number."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
"""Name of a fact, parameter, condition, gate or profile."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""A reason code; its spelling is part of the outward contract."""

ExpressionText = Annotated[str, StringConstraints(min_length=1)]

Summary = Annotated[str, StringConstraints(min_length=1)]


class Model(BaseModel):
    """Frozen, strict, closed: a key that is not declared is an error, a text is never read as a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Document(Model):
    """A YAML document: every one says its ``kind`` (declared by each model) and ``version``."""

    version: int | str = Field(description="Version of the document, written by its operator.")

"""Kind ``reasons``: every reason code that the product can say, with what it means and what to do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.models.base import Code, Document, Model, Summary

Stage = Literal[
    "run",
    "selection",
    "data",
    "signal",
    "context",
    "execution",
    "preconditions",
    "request",
    "guards",
    "preflight",
    "plan",
    "trade_entry",
    "order",
]

ReasonStatus = Literal[
    "excluded", "INVALID", "invalid", "ERROR", "skipped", "error", "simulated", "submitted", "pending"
]


class ReasonDefinition(Model):
    """Where a code comes from, what it does to the symbol, its meaning, and what the operator can do.

    ``replaces`` are codes by which other systems say the same, so that who knows those finds this one.
    """

    stage: Stage
    status: ReasonStatus
    meaning: Summary
    remedy: Summary
    replaces: list[Code] = Field(default_factory=list[Code])


class ReasonsDocument(Document):
    """The only list of reason codes."""

    kind: Literal["reasons"]
    reasons: dict[Code, ReasonDefinition] = Field(min_length=1)

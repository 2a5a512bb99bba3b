"""Kind ``reasons``: every reason code that the product can say, with what it means and what to do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.models.base import Code, Document, Model, Summary

Stage = Literal[
    "run",
    "selection",
    "eligibility",
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
    "submission",
    "order",
]

ReasonStatus = Literal[
    "excluded", "INVALID", "invalid", "ERROR", "skipped", "error", "simulated", "submitted", "pending"
]


class Elsewhere(Model):
    """A later stage that gives the same code, and what it does to the symbol there."""

    stage: Stage
    status: ReasonStatus


class ReasonDefinition(Model):
    """Where a code comes from, what it does to the symbol, its meaning, and what the operator can do.

    ``also``: where else it comes from. ``replaces`` are codes by which other systems say the same, so that
    who knows those finds this one.
    """

    stage: Stage
    status: ReasonStatus
    also: list[Elsewhere] = Field(default_factory=list["Elsewhere"])
    meaning: Summary
    remedy: Summary
    replaces: list[Code] = Field(default_factory=list[Code])


class ReasonsDocument(Document):
    """The only list of reason codes."""

    kind: Literal["reasons"]
    reasons: dict[Code, ReasonDefinition] = Field(min_length=1)

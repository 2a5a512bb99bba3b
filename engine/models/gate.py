"""Kind ``gate``: ordered checks over facts that fixed code hands in; the first true one rejects."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.models.base import Code, Document, ExpressionText, Model, Name, Summary, Unit

RejectsAs = Literal["excluded", "INVALID", "invalid", "skipped", "error"]
"""Status of what a gate turned away: a symbol that is not looked at, one that is, one timeframe of it, or its
trade entry.
"""


class GateFact(Model):
    """One value the gate may read. A fact of unit ``name`` that a check compares says what it can be."""

    unit: Unit
    summary: Summary
    values: list[Annotated[str, Field(min_length=1)]] | None = Field(default=None, min_length=1)


class Check(Model):
    """Rejects with ``reason`` when ``when`` is true, and when it is unknown unless told to ignore that."""

    reason: Code
    when: ExpressionText
    if_unknown: Literal["reject", "ignore"] = "reject"
    rejects_as: RejectsAs | None = None
    summary: Summary | None = None


class GateDocument(Document):
    """``reason`` is the outward code of every rejection; without it each check's own code is outward."""

    kind: Literal["gate"]
    gate: Name
    summary: Summary | None = None
    rejects_as: RejectsAs
    reason: Code | None = None
    facts: dict[Name, GateFact] = Field(min_length=1)
    checks: list[Check] = Field(min_length=1)

"""Kind ``validation``: the scenarios of a profile, per timeframe and side."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.models.base import Document, Model, Name, Phase, Side, Summary, Timeframe
from engine.models.conditions import ConditionDefinition, Tree

Mode = Literal["pragmatic", "strict"]
NeutralPolicy = Literal["reject", "tolerate"]
CandleCount = Annotated[int, Field(ge=1, le=5000)]


class HighestValid(Model):
    """The first valid execution timeframe, in the order of the profile."""

    strategy: Literal["highest_valid"]


class SelectorGroups(Model):
    """What keeps the walk on a timeframe, and what sends it down; members that are unknown are ignored."""

    stay_on_if: list[Tree] | None = Field(
        default=None, min_length=1, description="Stay when all hold; get_false marks a timeframe to leave."
    )
    drop_to_lower_if_any: list[Tree] | None = Field(
        default=None, min_length=1, description="Else go down when one holds."
    )
    forbid_drop_to_lower_if_any: list[Tree] | None = Field(
        default=None, min_length=1, description="But not when one of these holds."
    )


class OneMinuteRule(Model):
    """Whether 1m is for some moments only."""

    enabled: bool = Field(description="Select 1m only when one of the conditions holds.")
    conditions: list[Tree] = Field(min_length=1)


class Walk(Model):
    """From the first execution timeframe that is valid downwards, as the groups of each say."""

    strategy: Literal["walk"]
    per_timeframe: dict[Timeframe, SelectorGroups] = Field(min_length=1)
    execution_timeframe_default: Timeframe | None = Field(
        default=None, description="Selected, where it is valid, when the walk left every timeframe."
    )
    allow_1m_only_for: OneMinuteRule | None = None


Selector = Annotated[HighestValid | Walk, Field(discriminator="strategy")]


class ScopedFilter(Model):
    """A filter for some signals only: of one side, of some phases, of some timeframes; absent is all."""

    filter: Tree
    side: Side | None = None
    phases: list[Phase] | None = Field(default=None, min_length=1)
    timeframes: list[Timeframe] | None = Field(default=None, min_length=1)


class TimeframeRules(Model):
    """Alternatives per side: one passing scenario makes the side pass; an absent side is disabled."""

    long: list[Tree] = Field(default_factory=list[Tree])
    short: list[Tree] = Field(default_factory=list[Tree])


class ValidationDocument(Document):
    """What must hold before an entry of this profile may be placed."""

    kind: Literal["validation"]
    profile: Name
    extends: Name | None = None
    summary: Summary | None = None
    mode: Mode
    neutral_policy: NeutralPolicy
    context_timeframes: list[Timeframe]
    execution_timeframes: list[Timeframe]
    execution_selector: Selector
    min_candles: CandleCount | dict[Timeframe, CandleCount]
    filters_mandatory: list[ScopedFilter | Tree] = Field(default_factory=list[ScopedFilter | Tree])
    rules: dict[Name, ConditionDefinition] = Field(default_factory=dict)
    timeframes: dict[Timeframe, TimeframeRules]

"""What is kept between runs of one profile at one venue, so that unchanged candles are not computed again."""

from __future__ import annotations

from engine.candles import Timeframe, anchor_of
from engine.expression import FactRef
from engine.facts import FactPlan, TailCache, plan_facts
from engine.ruleset import Profile
from server.trade_entry import FactKey, facts_needed


class ProfileMemory:
    """Belongs to one `Profile` object: a reload brings another object, and with it an empty memory.

    ``entry_plans``: per execution timeframe the facts trade entry reads, as one plan per timeframe.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.verdict_facts = TailCache()
        execution = profile.rules.execution
        self.entry_plans: dict[Timeframe, dict[str, FactPlan]] = {
            tf: _entry_plans(profile, tf) for tf in execution
        }
        self.entry_facts: dict[Timeframe, TailCache] = {tf: TailCache() for tf in execution}

    def candle_starts(self, as_of_ms: int) -> dict[Timeframe, int]:
        """For every timeframe that a verdict or an entry may read, the first open time that matters."""
        starts: dict[Timeframe, int] = {}
        for plans in (self.profile.rules.plans, *self.entry_plans.values()):
            for plan in plans.values():
                anchor = anchor_of(plan.anchor, as_of_ms)
                starts[plan.timeframe] = min(anchor, starts.get(plan.timeframe, anchor))
        return starts


class Memories:
    """One memory per venue and profile name; the newest rules win."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], ProfileMemory] = {}

    def of(self, venue: str, profile: Profile) -> ProfileMemory:
        """The memory of this very profile object."""
        kept = self._kept.get((venue, profile.name))
        if kept is None or kept.profile is not profile:
            kept = self._kept[venue, profile.name] = ProfileMemory(profile)
        return kept


def entry_keys(profile: Profile, execution_timeframe: Timeframe) -> tuple[FactKey, ...]:
    """The facts trade entry reads for a signal on this timeframe, in a stable order."""
    return tuple(sorted(facts_needed(profile.trade_entry, execution_timeframe)))


def _entry_plans(profile: Profile, execution_timeframe: Timeframe) -> dict[str, FactPlan]:
    refs = [FactRef(name, 0, timeframe) for name, timeframe in entry_keys(profile, execution_timeframe)]
    timeframes: list[Timeframe] = [
        tf for tf in profile.facts.history if any(ref.timeframe == tf for ref in refs)
    ]
    return {tf: plan_facts(profile.facts, tf, refs) for tf in timeframes}

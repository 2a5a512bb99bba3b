"""A profile's rules, linked and ready to run. Immutable: a run holds one from start to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.facts import FactPlan, plan_facts
from engine.gates import Gate
from engine.models.base import Phase, Side, Timeframe
from engine.models.conditions import ConditionsDocument
from engine.models.facts import FactsDocument
from engine.models.trade_entry import TradeEntryDocument
from engine.models.validation import ScopedFilter, TimeframeRules, ValidationDocument
from engine.rules import Catalogue, LinkedTree, Linker, RuleProgram, labels_of
from engine.ruleset.walk import WalkProgram, compile_walk

PHASES: tuple[Phase, ...] = ("context", "execution")
SIDES: tuple[Side, ...] = ("long", "short")

STAGE_GATES = ("data", "signal", "context", "execution")
"""Gates that a verdict passes through, in this order."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeframeProgram:
    """The rules of one timeframe: alternatives per side, filters per phase and side; they share instances."""

    timeframe: Timeframe
    program: RuleProgram
    labels: tuple[str, ...]
    long: tuple[LinkedTree, ...]
    short: tuple[LinkedTree, ...]
    filters: Mapping[tuple[Phase, Side], tuple[LinkedTree, ...]]
    configured: bool


@dataclass(frozen=True, slots=True, eq=False)
class ProfileRules:
    """Everything a verdict of one profile depends on.

    ``plans`` begin with the timeframes whose candles must be there, ``gated``; what only metrics read comes
    after them. ``walk`` is None where the first valid execution timeframe is taken.
    """

    name: str
    fingerprint: str
    mode: str
    neutral_policy: str
    context: tuple[Timeframe, ...]
    execution: tuple[Timeframe, ...]
    timeframes: Mapping[str, TimeframeProgram]
    plans: Mapping[str, FactPlan]
    gated: tuple[Timeframe, ...]
    gates: Mapping[str, Gate]
    walk: WalkProgram | None

    @property
    def decided(self) -> tuple[Timeframe, ...]:
        """Context timeframes, then execution timeframes, each once."""
        return tuple(dict.fromkeys((*self.context, *self.execution)))

    @staticmethod
    def compile(
        validation: ValidationDocument,
        conditions: ConditionsDocument,
        facts: FactsDocument,
        trade_entry: TradeEntryDocument,
        gates: Mapping[str, Gate],
        fingerprint: str,
    ) -> ProfileRules:
        """Links an effective profile. Expects documents that a ruleset has found to be without problems."""
        units = {name: fact.unit for name, fact in facts.facts.items()}
        catalogue = Catalogue({**conditions.conditions, **validation.rules}, units, frozenset(facts.history))
        context, execution = tuple(validation.context_timeframes), tuple(validation.execution_timeframes)
        decided = tuple(dict.fromkeys((*context, *execution)))
        programs = {tf: _program(validation, catalogue, tf) for tf in decided}
        refs = [ref for program in programs.values() for ref in program.program.refs]
        read = {ref.timeframe for ref in refs}
        elsewhere: list[Timeframe] = [tf for tf in facts.history if tf in read and tf not in decided]
        gated: tuple[Timeframe, ...] = (*decided, *elsewhere)
        walk = compile_walk(validation, conditions, facts, trade_entry)
        measured = [ref for metric in walk.metrics for ref in metric.refs] if walk is not None else []
        beside: list[Timeframe] = [
            tf for tf in facts.history if tf not in gated and any(ref.timeframe == tf for ref in measured)
        ]
        plans = {
            tf: plan_facts(facts, tf, refs, least_candles(validation, tf), measured)
            for tf in (*gated, *beside)
        }
        return ProfileRules(
            validation.profile,
            fingerprint,
            validation.mode,
            validation.neutral_policy,
            context,
            execution,
            programs,
            plans,
            gated,
            {name: gates[name] for name in STAGE_GATES},
            walk,
        )


def least_candles(validation: ValidationDocument, timeframe: Timeframe) -> int:
    """``min_candles`` of a timeframe; one that is only read across timeframes needs what its facts need."""
    if isinstance(validation.min_candles, int):
        return validation.min_candles
    return validation.min_candles.get(timeframe, 1)


def _program(validation: ValidationDocument, catalogue: Catalogue, timeframe: Timeframe) -> TimeframeProgram:
    linker = catalogue.linker(timeframe)
    rules = validation.timeframes.get(timeframe)
    sides = rules or TimeframeRules()
    long = tuple(linker.link(tree) for tree in sides.long)
    short = tuple(linker.link(tree) for tree in sides.short)
    filters = _filters(validation, linker, timeframe)
    return TimeframeProgram(
        timeframe,
        RuleProgram(linker.instances),
        labels_of(linker.instances),
        long,
        short,
        filters,
        rules is not None,
    )


def _filters(
    validation: ValidationDocument, linker: Linker, timeframe: Timeframe
) -> dict[tuple[Phase, Side], tuple[LinkedTree, ...]]:
    """The filters of a timeframe; what none of its signals is asked is not linked, and reads no fact."""
    asked: list[Phase] = []
    if timeframe in validation.context_timeframes:
        asked.append("context")
    if timeframe in validation.execution_timeframes:
        asked.append("execution")
    found: dict[tuple[Phase, Side], tuple[LinkedTree, ...]] = {
        (phase, side): () for phase in PHASES for side in SIDES
    }
    for entry in validation.filters_mandatory:
        scope = entry if isinstance(entry, ScopedFilter) else ScopedFilter(filter=entry)
        phases: list[Phase] = [phase for phase in asked if scope.phases is None or phase in scope.phases]
        if not phases or (scope.timeframes is not None and timeframe not in scope.timeframes):
            continue
        linked = linker.link(scope.filter)
        for phase in phases:
            for side in SIDES if scope.side is None else (scope.side,):
                found[phase, side] += (linked,)
    return found

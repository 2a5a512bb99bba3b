"""The execution selector ``walk`` of a profile, linked: the groups of each timeframe over metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.models.base import Timeframe
from engine.models.conditions import ConditionsDocument, Tree
from engine.models.facts import FactsDocument
from engine.models.trade_entry import TradeEntryDocument
from engine.models.validation import SelectorGroups, ValidationDocument, Walk
from engine.rules import Catalogue, LinkedTree, RuleProgram, labels_of
from engine.ruleset.metrics import MetricProgram, metric_program

TRANSITION = "get_false"
"""A member of ``stay_on_if`` that says: the walk only passes through this timeframe."""

ONE_MINUTE: Timeframe = "1m"
"""The timeframe that ``allow_1m_only_for`` is about."""

Trees = tuple[LinkedTree, ...]


@dataclass(frozen=True, slots=True)
class TimeframeGroups:
    """The groups of one execution timeframe; an absent group is empty. ``transition``: the walk only passes
    through it.
    """

    timeframe: Timeframe
    stay: Trees = ()
    drop: Trees = ()
    forbid: Trees = ()
    transition: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class WalkProgram:
    """``groups`` has one entry per execution timeframe, in their order. ``one_minute``: the conditions of
    which one must hold for 1m to be selected, None without such a rule. ``metrics`` are those that are read,
    in the order of ``program.refs``.
    """

    program: RuleProgram
    labels: tuple[str, ...]
    groups: tuple[TimeframeGroups, ...]
    default: Timeframe | None
    one_minute: Trees | None
    metrics: tuple[MetricProgram, ...]
    _reads: dict[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]])

    def is_one_minute(self, groups: TimeframeGroups) -> bool:
        """Whether ``one_minute`` is about this timeframe."""
        return self.one_minute is not None and groups.timeframe == ONE_MINUTE

    def reads(self, trees: Trees, metric: str) -> bool:
        """Whether one of these trees depends on the metric."""
        return any(metric in self._read_by(leaf) for tree in trees for leaf in tree.leaves())

    def _read_by(self, leaf: int) -> frozenset[str]:
        if leaf not in self._reads:
            instance = self.program.instances[leaf]
            names = (
                {ref.name for ref in instance.binding.facts()} if instance.binding is not None else set[str]()
            )
            for inner in () if instance.tree is None else instance.tree.leaves():
                names |= self._read_by(inner)
            self._reads[leaf] = frozenset(names)
        return self._reads[leaf]


def trees_of_walk(walk: Walk) -> tuple[Tree, ...]:
    """Every tree of the selector, in the order of the document."""
    found: list[Tree] = []
    for groups in walk.per_timeframe.values():
        for members in (
            groups.stay_on_if,
            groups.drop_to_lower_if_any,
            groups.forbid_drop_to_lower_if_any,
        ):
            found += members or []
    if walk.allow_1m_only_for is not None:
        found += walk.allow_1m_only_for.conditions
    return tuple(found)


def compile_walk(
    validation: ValidationDocument,
    conditions: ConditionsDocument,
    facts: FactsDocument,
    trade_entry: TradeEntryDocument,
) -> WalkProgram | None:
    """The selector of a profile; None where it is another one than ``walk``."""
    walk = validation.execution_selector
    if not isinstance(walk, Walk):
        return None
    units = {name: metric.unit for name, metric in facts.metrics.items()}
    catalogue = Catalogue({**conditions.conditions, **validation.rules}, units, frozenset())
    linker = catalogue.linker(None)

    def linked(members: Sequence[Tree] | None) -> Trees:
        return tuple(linker.link(tree) for tree in members or ())

    groups = tuple(
        TimeframeGroups(
            timeframe,
            linked(said.stay_on_if),
            linked(said.drop_to_lower_if_any),
            linked(said.forbid_drop_to_lower_if_any),
            TRANSITION in (said.stay_on_if or ()),
        )
        for timeframe in validation.execution_timeframes
        for said in (walk.per_timeframe.get(timeframe, SelectorGroups()),)
    )
    rule = walk.allow_1m_only_for
    one_minute = linked(rule.conditions) if rule is not None and rule.enabled else None
    program = RuleProgram(linker.instances)
    return WalkProgram(
        program,
        labels_of(linker.instances),
        groups,
        walk.execution_timeframe_default,
        one_minute,
        tuple(metric_program(ref.name, facts, trade_entry) for ref in program.refs),
    )

"""How the walk over the execution timeframes went for one row: every group with its members."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.explain.nearest import needs
from engine.explain.tree import Json, TreeExplanation, TreeReader, outcome_name
from engine.expression import FactRef
from engine.expression.trace import Value
from engine.rules import LinkedTree
from engine.ruleset.walk import WalkProgram
from engine.verdict import VerdictBatch, WalkStep

STAY, DROP, FORBID = "stay_on_if", "drop_to_lower_if_any", "forbid_drop_to_lower_if_any"


@dataclass(frozen=True, slots=True)
class GroupExplanation:
    """A group that the profile has; ``outcome`` is None where no member of it is known."""

    name: str
    outcome: bool | None
    members: tuple[TreeExplanation, ...]

    def to_json(self) -> Json:
        """With every member as a tree."""
        return {
            "group": self.name,
            "outcome": outcome_name(self.outcome),
            "members": [member.to_json() for member in self.members],
        }


@dataclass(frozen=True, slots=True)
class StepExplanation:
    """One execution timeframe. ``allowed`` is the rule about 1m, where the profile has one for it."""

    step: WalkStep
    groups: tuple[GroupExplanation, ...]
    allowed: GroupExplanation | None

    def to_json(self) -> Json:
        """What became of the timeframe, and the groups that say why."""
        said: Json = {
            "timeframe": self.step.timeframe,
            "outcome": self.step.outcome,
            "groups": [group.to_json() for group in self.groups],
        }
        return said if self.allowed is None else said | {"allowed_if_any": self.allowed.to_json()}

    @property
    def why_left(self) -> str:
        """What sent the walk on from here, for a person: ``15m was left: adx_5m 12.4, needs < 15``."""
        timeframe = self.step.timeframe
        if self.step.outcome == "not_allowed":
            return f"{timeframe} is not allowed: none of its conditions holds"
        drop = next((group for group in self.groups if group.name == DROP), None)
        if drop is None or drop.outcome is not True or self.step.forbid is True:
            return f"{timeframe} is left whenever a lower timeframe will do"
        holding = [member for member in drop.members if member.outcome is True]
        return f"{timeframe} was left: {'; '.join(_holding(member) for member in holding)}"


@dataclass(frozen=True, slots=True)
class WalkExplanation:
    """The metrics of the row, and the steps in the order of the walk."""

    metrics: dict[str, float | None]
    default: str | None
    steps: tuple[StepExplanation, ...]

    def to_json(self) -> Json:
        """Metrics with None where unknown, and the steps."""
        return {
            "strategy": "walk",
            "metrics": self.metrics,
            "execution_timeframe_default": self.default,
            "timeframes": [step.to_json() for step in self.steps],
        }


def explain_walk(batch: VerdictBatch, row: int, steps: tuple[WalkStep, ...]) -> WalkExplanation | None:
    """None where the profile takes the first valid timeframe, or the row never came to a selection."""
    walk = batch.rules.walk
    if walk is None or not steps:
        return None
    metrics = batch.metrics(row)
    reader = TreeReader(walk.program.instances, walk.labels, None, _read(metrics))
    return WalkExplanation(
        metrics,
        walk.default,
        tuple(_step(batch, row, index, reader, walk, step) for index, step in enumerate(steps)),
    )


def _step(
    batch: VerdictBatch, row: int, index: int, reader: TreeReader, walk: WalkProgram, step: WalkStep
) -> StepExplanation:
    groups = walk.groups[index]

    def group(name: str, outcome: bool | None, members: tuple[LinkedTree, ...]) -> GroupExplanation:
        return GroupExplanation(name, outcome, tuple(reader.explain(member) for member in members))

    parts = (
        (STAY, step.stay, groups.stay),
        (DROP, step.drop, groups.drop),
        (FORBID, step.forbid, groups.forbid),
    )
    allowed = None
    if walk.is_one_minute(groups) and walk.one_minute is not None and batch.walk is not None:
        allowed = group("allow_1m_only_for", bool(batch.walk.one_minute[row]), walk.one_minute)
    return StepExplanation(step, tuple(group(*part) for part in parts if part[2]), allowed)


def _read(metrics: dict[str, float | None]) -> Callable[[FactRef], Value]:
    return lambda ref: metrics[ref.name]


def _holding(member: TreeExplanation) -> str:
    """A condition that holds, with its values."""
    trace = member.trace
    if trace is None or trace.left_text is None or trace.children:
        return member.label
    return needs(trace).replace(", needs ", ", which is ")

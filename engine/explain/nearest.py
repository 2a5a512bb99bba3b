"""What stood between a row and a signal: per scenario, the fewest conditions that would have to turn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.explain.tree import Json, TreeExplanation, is_number
from engine.expression.trace import Trace, Value
from engine.models.base import Side

_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One condition that did not pass, in one line: ``rsi 51.2, needs > 52``."""

    label: str
    sentence: str
    margin: float | None
    relative_margin: float | None


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A scenario that did not pass and the conditions that kept it from passing."""

    timeframe: str
    side: Side
    obstacles: tuple[Obstacle, ...]

    @property
    def distance(self) -> float:
        """The worst relative margin among the obstacles; unknown counts as infinitely far."""
        return max(
            (math.inf if o.relative_margin is None else -o.relative_margin for o in self.obstacles),
            default=0.0,
        )

    @property
    def sentence(self) -> str:
        """For a person."""
        goal = f"a {self.side} signal on {self.timeframe}"
        if len(self.obstacles) == 1:
            return f"{self.obstacles[0].sentence}: the only condition between this symbol and {goal}"
        listed = "; ".join(obstacle.sentence for obstacle in self.obstacles)
        return f"{len(self.obstacles)} conditions stand between this symbol and {goal}: {listed}"

    def to_json(self) -> Json:
        """With the sentence, so that every reader says the same."""
        return {
            "timeframe": self.timeframe,
            "side": self.side,
            "sentence": self.sentence,
            "obstacles": [
                {"label": o.label, "sentence": o.sentence}
                | {
                    k: v
                    for k, v in (("margin", o.margin), ("relative_margin", o.relative_margin))
                    if is_number(v)
                }
                for o in self.obstacles
            ],
        }


def near_miss(timeframe: str, side: Side, scenario: TreeExplanation) -> NearMiss | None:
    """``None`` for a scenario that passes."""
    if scenario.outcome is True:
        return None
    return NearMiss(timeframe, side, tuple(_obstacles(scenario, wanted=True)))


def _obstacles(node: TreeExplanation, *, wanted: bool) -> list[Obstacle]:
    """The fewest leaves that keep ``node`` from being ``wanted``."""
    if node.outcome is wanted:
        return []
    if node.op == "condition":
        return [_obstacle(node, wanted=wanted)]
    if node.op == "not":
        return _obstacles(node.children[0], wanted=not wanted)
    parts = [_obstacles(child, wanted=wanted) for child in node.children]
    every = (node.op == "all_of") == wanted
    if every:
        seen: dict[str, Obstacle] = {o.label: o for part in parts for o in part}
        return list(seen.values())
    return min(parts, key=lambda part: (len(part), _farthest(part)))


def _farthest(part: list[Obstacle]) -> float:
    return max((math.inf if o.relative_margin is None else abs(o.relative_margin) for o in part), default=0.0)


def _obstacle(node: TreeExplanation, *, wanted: bool) -> Obstacle:
    unknown = [name for name, value in node.facts.items() if value is None]
    if node.outcome is None and unknown:
        sentence = f"{node.label} needs {' and '.join(unknown)}, which {_are(unknown)} unknown"
    else:
        sentence = node.label if node.trace is None else needs(node.trace, wanted=wanted)
    sign = 1.0 if wanted else -1.0
    margin = None if node.margin is None else sign * node.margin
    relative = None if node.relative_margin is None else sign * node.relative_margin
    return Obstacle(node.label, sentence, margin, relative)


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def needs(trace: Trace, *, wanted: bool = True) -> str:
    """The comparison that decides, with its values: ``rsi 51.2, needs > 52``."""
    if trace.op == "not":
        return needs(trace.children[0], wanted=not wanted)
    if trace.children:
        open_children = [child for child in trace.children if child.outcome is not wanted]
        every = (trace.op == "and") == wanted
        pick = min if every else max
        worst = pick(open_children, key=lambda c: _order(c, wanted=wanted))
        return needs(worst, wanted=wanted)
    if trace.left_text is None or trace.right_text is None:
        return trace.text if trace.outcome is not None else f"{trace.text} is unknown"
    op = trace.op if wanted else _NEGATED.get(trace.op, f"not {trace.op}")
    if trace.outcome is None:
        unknown = trace.left_text if trace.left is None else trace.right_text
        return f"{trace.text}: {unknown} is unknown"
    return f"{trace.left_text} {show(trace.left)}, needs {op} {show(trace.right)}"


def _order(child: Trace, *, wanted: bool) -> float:
    relative = child.relative_margin
    if relative is None:
        return -math.inf
    return relative if wanted else -relative


def show(value: Value) -> str:
    """A value for a person: six significant digits."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value + 0.0:.6g}"
    return "unknown" if value is None else str(value)

"""The execution selector of a profile: its timeframes against those of the profile, and its trees."""

from __future__ import annotations

from collections.abc import Iterator

from engine.documents import MapNode, Node, Problem
from engine.ruleset.names import entries_of, items_of, text_of
from engine.ruleset.walk import ONE_MINUTE


def selector_trees(root: MapNode) -> Iterator[Node]:
    """Every member of every group of a validation document's selector."""
    selector = entries_of(root.get("execution_selector"))
    if "per_timeframe" in selector:
        for timeframe in entries_of(selector["per_timeframe"].value).values():
            for group in entries_of(timeframe.value).values():
                yield from items_of(group.value)
    if "allow_1m_only_for" in selector:
        rule = entries_of(selector["allow_1m_only_for"].value)
        if "conditions" in rule:
            yield from items_of(rule["conditions"].value)


def selector_problems(root: MapNode) -> Iterator[Problem]:
    """Groups, a default and a rule about 1m for timeframes that are never selected."""
    execution = [text_of(item) for item in items_of(root.get("execution_timeframes"))]
    selector = entries_of(root.get("execution_selector"))
    groups = entries_of(selector["per_timeframe"].value if "per_timeframe" in selector else None)
    for timeframe, entry in groups.items():
        if timeframe not in execution:
            yield entry.key.position.problem(
                f"the groups of '{timeframe}' are never asked: it is no execution timeframe"
            )
    if "execution_timeframe_default" in selector:
        node = selector["execution_timeframe_default"].value
        if (default := text_of(node)) is not None and default not in execution:
            yield node.position.problem(f"'{default}' is never selected: it is no execution timeframe")
    if "allow_1m_only_for" in selector and ONE_MINUTE not in execution:
        yield selector["allow_1m_only_for"].key.position.problem(
            f"the rule is never asked: {ONE_MINUTE} is no execution timeframe"
        )

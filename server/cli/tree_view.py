"""An explanation as a tree: every condition with its values, threshold, margin and outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from server.cli.output import count
from server.cli.wording import pair, short, shown
from server.instants import iso

if TYPE_CHECKING:
    from engine.explain import (
        Explanation,
        GateExplanation,
        SideExplanation,
        TimeframeExplanation,
        TreeExplanation,
        WalkExplanation,
    )
    from engine.expression.trace import Trace

LEGEND = "(+ holds by so much, - is so far from holding)"
NOT_ASKED = ("not_a_candidate", "not_reached")
"""What becomes of a timeframe whose groups do not matter."""

MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}


def explanation_tree(explanation: Explanation) -> Tree:
    """The whole answer to "why?"."""
    verdict = explanation.verdict
    head = Text(f"{verdict.symbol} at {iso(verdict.as_of)}: ", style="bold")
    if verdict.status == "READY":
        head.append(f"READY {verdict.side} on {verdict.execution_timeframe}", style="bold green")
    else:
        head.append(f"{verdict.status} {verdict.reason}", style="bold yellow")
    tree = Tree(head)
    for gate in explanation.gates:
        if gate.gate == "data" and not gate.passed:
            _add_gate(tree, gate)
    for timeframe in explanation.timeframes:
        _add_timeframe(tree, timeframe, verdict.context.side)
    if explanation.walk is not None:
        _add_walk(tree, explanation.walk)
    for gate in explanation.gates:
        if gate.gate != "data":
            _add_gate(tree, gate)
    return tree


def nearest_lines(explanation: Explanation) -> list[Text]:
    """What stood between the symbol and a signal, the nearest first."""
    lines: list[Text] = []
    for miss in explanation.nearest:
        lines.append(
            Text(f"  {miss.side} on {miss.timeframe}, {count(len(miss.obstacles), 'condition')} away")
        )
        lines += [Text(f"    {obstacle.sentence}  ({obstacle.label})") for obstacle in miss.obstacles]
    return lines


def _add_timeframe(tree: Tree, timeframe: TimeframeExplanation, context_side: str | None) -> None:
    decision = timeframe.decision
    label = _marked(decision.valid, f"{decision.timeframe} {decision.phase}: {decision.signal}")
    if decision.invalid_reason is not None:
        label.append(f"  {decision.invalid_reason}", style="yellow")
    if decision.missing_facts:
        label.append(f"  unknown: {', '.join(decision.missing_facts)}", style="dim")
    branch = tree.add(label)
    for side in timeframe.sides:
        if decision.phase == "execution" and side.side != context_side:
            branch.add(Text(f"{side.side}: not the side of the context", style="dim"))
        else:
            _add_side(branch, side)


def _add_walk(tree: Tree, walk: WalkExplanation) -> None:
    """The timeframes of the walk in its order, each with the groups that were asked."""
    label = Text("execution selector")
    unknown = [name for name, value in walk.metrics.items() if value is None]
    if unknown:
        label.append(f"  unknown: {', '.join(unknown)}", style="dim")
    branch = tree.add(label)
    for step in walk.steps:
        line = Text(f"{step.step.timeframe}: {step.step.outcome.replace('_', ' ')}")
        if step.step.outcome in NOT_ASKED:
            branch.add(Text(line.plain, style="dim"))
            continue
        at = branch.add(line)
        for group in (*step.groups, *([step.allowed] if step.allowed is not None else [])):
            inner = at.add(_marked(group.outcome, group.name))
            for member in group.members:
                _add_condition(inner, member)


def _add_side(tree: Tree, side: SideExplanation) -> None:
    if not side.scenarios:
        tree.add(Text(f"{side.side}: disabled", style="dim"))
        return
    branch = tree.add(_marked(side.outcome, side.side))
    for number, scenario in enumerate(side.scenarios, start=1):
        at = branch.add(Text(f"alternative {number}")) if len(side.scenarios) > 1 else branch
        if scenario.op == "all_of":
            for child in scenario.children:
                _add_condition(at, child)
        else:
            _add_condition(at, scenario)
    for tree_filter in side.filters:
        filters = branch.add(Text("mandatory filter"))
        _add_condition(filters, tree_filter)


def _add_condition(tree: Tree, node: TreeExplanation) -> None:
    label = _marked(node.outcome, node.label)
    if node.trace is None:
        branch = tree.add(label)
        for child in node.children:
            _add_condition(branch, child)
        return
    if not node.trace.children:
        label.append("  ").append_text(_comparison(node.trace))
    branch = tree.add(label)
    for child in node.trace.children:
        _add_trace(branch, child)


def _add_trace(tree: Tree, node: Trace) -> None:
    if not node.children:
        tree.add(_marked(node.outcome, "").append_text(_comparison(node)))
        return
    branch = tree.add(_marked(node.outcome, node.op))
    for child in node.children:
        _add_trace(branch, child)


def _comparison(node: Trace) -> Text:
    """``rsi 53.839 > threshold 49 (+4.839)``: it holds by so much; with ``-`` it is so far from holding."""
    if node.left_text is None or node.right_text is None:
        return Text(node.text, style="dim")
    left, right = pair(node.left, node.right)
    text = Text(f"{_side(node.left_text, left)} {node.op} {_side(node.right_text, right)}")
    if node.margin is not None and abs(node.margin) != float("inf"):
        sign = "+" if node.outcome else "-"
        text.append(f" ({sign}{short(abs(node.margin))})", style="dim")
    return text


def _side(text: str, value: str) -> str:
    """A name with its value; a number or a text that is written out stands for itself."""
    written = text.strip("\"'[]")
    return text if written.lstrip("-")[:1].isdigit() or value in (written, text) else f"{text} {value}"


def _add_gate(tree: Tree, gate: GateExplanation) -> None:
    place = f" of {gate.timeframe}" if gate.timeframe else ""
    label = _marked(gate.passed, f"gate {gate.gate}{place}")
    if gate.reason is not None:
        label.append(f"  {gate.reason}", style="yellow")
    branch = tree.add(label)
    if gate.passed:
        return
    for check, trace in gate.checks:
        if check.reason == gate.reason:
            values = ", ".join(f"{name} {shown(_plain(gate.facts.get(name)))}" for name in check.facts)
            branch.add(Text(f"{trace.text}  ({values})"))
            break


def _plain(value: object) -> str | bool | float | None:
    if value is None or isinstance(value, str | bool):
        return value
    return float(str(value))


def _marked(outcome: bool | None, text: str) -> Text:
    mark, style = MARKS[outcome]
    return Text(mark, style=style).append(f" {text}", style="default")

"""The five-minute conditions of ``scalper_micro``: ours over columns, zen-engine and simpleeval row by row.

A decision is the outcome of one condition on one row. Every engine gives every outcome of every row; the
peers' expressions are ours with the parameters written in, compiled (zen) or parsed (simpleeval) beforehand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import numpy as np
import zen
from simpleeval import EvalWithCompoundTypes

from bench.table import Row, best_of, per_second, span
from engine.rules import RuleProgram
from engine.verdict import ProfileRules

TIMEFRAME = "5m"
PEER_ROWS = 2_000
"""Rows the row-by-row peers are timed on; their speed does not depend on the number."""


def run(rules: ProfileRules) -> list[Row]:
    """Speeds at 200, 20,000 and 1,000,000 rows, and the ratios to the peers at 20,000."""
    program = rules.timeframes[TIMEFRAME].program
    conditions = [i for i in program.instances if i.binding is not None]
    count = len(conditions)
    composed = len(program.instances) - count
    rows = [Row(f"conditions on {TIMEFRAME}", f"{count} expressions, {composed} composed")]
    speeds: dict[int, float] = {}
    for size, times in ((200, 300), (20_000, 60), (1_000_000, 4)):
        columns = sample(program, size)
        seconds = best_of(times, lambda c=columns, s=size: program.run(c, s))
        speeds[size] = len(program.instances) * size / seconds
        held = seconds < 100e-6 if size == 200 else None
        hold = "< 100 µs" if size == 200 else ""
        rows.append(Row(f"{size:,} rows", f"{span(seconds)}, {per_second(speeds[size])}", hold, held))
    peers = (("zen-engine, compiled", _zen(program)), ("simpleeval, parsed once", _simpleeval(program)))
    for peer, decide in peers:
        seconds = best_of(3, decide)
        speed = count * PEER_ROWS / seconds
        ratio = speeds[20_000] / speed
        held = ratio >= 300 if peer.startswith("zen") else None
        hold = "≥ 300 ×" if held is not None else ""
        measured = f"{per_second(speed)}; ours at 20,000 rows {ratio:,.0f} ×"
        rows.append(Row(f"against {peer}", measured, hold, held))
    return rows


def sample(program: RuleProgram, size: int) -> list[np.ndarray]:
    """Plausible columns: prices around 100, an RSI of 0 to 100, one value in fifty unknown."""
    rng = np.random.default_rng(7)
    columns: list[np.ndarray] = []
    for ref in program.refs:
        column = rng.normal(100.0, 0.2, size)
        if ref.name == "rsi":
            column = rng.uniform(0, 100, size)
        elif ref.name == "atr":
            column = rng.uniform(0.01, 1, size)
        elif ref.name.startswith("macd"):
            column = rng.normal(0, 0.1, size)
        column[rng.random(size) < 0.02] = np.nan
        columns.append(np.ascontiguousarray(column))
    return columns


def _texts(program: RuleProgram) -> list[str]:
    """Our expressions with parameters as numbers and chained comparisons taken apart."""
    texts: list[str] = []
    for instance in program.instances:
        if instance.binding is None:
            continue
        text = instance.binding.expression.text
        for name, value in instance.binding.params.items():
            text = re.sub(rf"\b{name}\b", repr(float(value)), text)
        texts.append(_unchained(text))
    return texts


def _unchained(text: str) -> str:
    tree = ast.parse(text, mode="eval").body
    if isinstance(tree, ast.Compare) and len(tree.ops) == 2:
        low, middle, high = (ast.unparse(part) for part in (tree.left, *tree.comparators))
        return f"{low} <= {middle} and {middle} <= {high}"
    return text


def _records(program: RuleProgram) -> list[dict[str, float]]:
    columns = [np.nan_to_num(column, nan=1.0).tolist() for column in sample(program, PEER_ROWS)]
    names = [ref.name for ref in program.refs]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _zen(program: RuleProgram) -> Callable[[], object]:
    compiled = [zen.compile_expression(text) for text in _texts(program)]
    records = _records(program)
    return lambda: [[expression.evaluate(record) for expression in compiled] for record in records]


def _simpleeval(program: RuleProgram) -> Callable[[], object]:
    evaluator = EvalWithCompoundTypes(functions={"abs": abs})
    parsed = [(text, evaluator.parse(text)) for text in _texts(program)]
    records = _records(program)

    def decide() -> object:
        outcomes: list[list[object]] = []
        for record in records:
            evaluator.names = record
            outcomes.append([evaluator.eval(text, previously_parsed=tree) for text, tree in parsed])
        return outcomes

    return decide

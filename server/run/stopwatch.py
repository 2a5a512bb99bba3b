"""How long each stage of a run takes."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TypedDict

CATEGORY = "runner"


class Metric(TypedDict):
    category: str
    operation: str
    symbol: str | None
    timeframe: str | None
    count: int
    duration: float


class Totals(TypedDict):
    total_execution_time: float


class CategoryMetric(TypedDict):
    total: float
    count: int
    avg: float


class OperationMetric(TypedDict):
    total: float
    count: int
    avg: float
    min: float
    max: float


class Performance(TypedDict):
    """Seconds. ``by_symbol`` and ``by_timeframe`` are empty: symbols are decided together, in columns."""

    totals: Totals
    metrics: list[Metric]
    by_category: dict[str, CategoryMetric]
    by_operation: dict[str, OperationMetric]
    by_symbol: dict[str, OperationMetric]
    by_timeframe: dict[str, OperationMetric]


class Stopwatch:
    """Starts when it is made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.stages: dict[str, float] = {}

    @contextmanager
    def stage(self, operation: str) -> Generator[None]:
        """Times the block, also when it fails."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.stages[operation] = self.stages.get(operation, 0.0) + time.perf_counter() - began

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._began

    def report(self) -> Performance:
        """The ``performance`` of the answer, as far as the run went."""
        stages = {operation: round(duration, 6) for operation, duration in self.stages.items()}
        total = round(sum(stages.values()), 6)
        return {
            "totals": {"total_execution_time": round(self.elapsed(), 6)},
            "metrics": [
                {
                    "category": CATEGORY,
                    "operation": operation,
                    "symbol": None,
                    "timeframe": None,
                    "count": 1,
                    "duration": duration,
                }
                for operation, duration in stages.items()
            ],
            "by_category": {
                CATEGORY: {
                    "total": total,
                    "count": len(stages),
                    "avg": round(total / max(1, len(stages)), 6),
                }
            },
            "by_operation": {
                f"{CATEGORY}::{operation}": {
                    "total": duration,
                    "count": 1,
                    "avg": duration,
                    "min": duration,
                    "max": duration,
                }
                for operation, duration in stages.items()
            },
            "by_symbol": {},
            "by_timeframe": {},
        }

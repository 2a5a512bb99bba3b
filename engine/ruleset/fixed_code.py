"""What fixed code takes from, and brings to, a rules folder: the other end of every name in it.

A folder is only sound together with the code that asks it: a gate nobody asks, a fact nobody hands in, a
reason nobody gives are typos waiting to be silent. Each room of the code declares its end here as data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.ruleset.metrics import ENTRY_METRICS


@dataclass(frozen=True, slots=True)
class FixedCode:
    """``gates``: the facts handed to each gate that is asked. ``reasons``: codes that code gives by itself.
    ``metrics``: those that code hands in.

    ``facts``: names of ``facts.yaml`` that code reads directly, without a condition; ``timeframes``: those on
    which it always reads them.
    """

    gates: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    reasons: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    timeframes: frozenset[str] = frozenset()
    metrics: frozenset[str] = frozenset()

    def __or__(self, other: FixedCode) -> FixedCode:
        """Both ends together."""
        return FixedCode(
            {**self.gates, **other.gates},
            self.reasons | other.reasons,
            self.facts | other.facts,
            self.timeframes | other.timeframes,
            self.metrics | other.metrics,
        )


VERDICT = FixedCode(
    gates={
        "data": frozenset(
            {"timeframes", "timeframe", "candles", "candles_in_row", "candles_missing", "candles_needed"}
        ),
        "signal": frozenset(
            {
                "phase",
                "has_rules",
                "sides_passed",
                "sides_unknown",
                "neutral_tolerated",
                "filters_failed",
                "side_agrees",
                "timeframe_switched_off",
            }
        ),
        "context": frozenset({"mode", "timeframes", "decisions", "invalid", "longs", "shorts"}),
        "execution": frozenset({"candidates", "selected"}),
    },
    reasons=frozenset({"context_invalid"}),
    metrics=ENTRY_METRICS,
)
"""The stages of a verdict."""

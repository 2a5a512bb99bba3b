"""Why a verdict came out: the tree of its conditions with values and margins, and what was nearest."""

from engine.explain.explanation import (
    Explanation,
    GateExplanation,
    SideExplanation,
    TimeframeExplanation,
    explain,
)
from engine.explain.misses import Misses
from engine.explain.nearest import NearMiss
from engine.explain.selector import WalkExplanation
from engine.explain.tree import TreeExplanation, TreeReader

__all__ = [
    "Explanation",
    "GateExplanation",
    "Misses",
    "NearMiss",
    "SideExplanation",
    "TimeframeExplanation",
    "TreeExplanation",
    "TreeReader",
    "WalkExplanation",
    "explain",
]

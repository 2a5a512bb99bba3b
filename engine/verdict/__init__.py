"""From facts to a verdict: timeframe signals, context, execution timeframe, READY or INVALID and why."""

from engine.ruleset.program import ProfileRules, TimeframeProgram
from engine.verdict.batch import SignalColumns, VerdictBatch
from engine.verdict.decide import decide, decide_again
from engine.verdict.result import ContextDecision, ExecutionDecision, TimeframeDecision, Verdict, WalkStep

__all__ = [
    "ContextDecision",
    "ExecutionDecision",
    "ProfileRules",
    "SignalColumns",
    "TimeframeDecision",
    "TimeframeProgram",
    "Verdict",
    "VerdictBatch",
    "WalkStep",
    "decide",
    "decide_again",
]

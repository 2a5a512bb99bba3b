"""Every symbol of a run is counted once, by the stage that settled it and the reason.

What is handed over to be carried out is counted by whoever decides it; everything else when the run is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.models.reasons import ReasonDefinition
from server.metrics import Metrics
from server.run.judged import Findings
from server.run.resolve import Resolved

Counted = tuple[str, str, str]
"""Stage, status and reason."""


def count_run(metrics: Metrics, run: Resolved, findings: Findings) -> None:
    """Counts the symbols that trade entry was not asked about."""
    for stage, status, reason in _settled(run, findings):
        metrics.decided(stage, status, reason)


def _settled(run: Resolved, findings: Findings) -> Iterator[Counted]:
    reasons = run.ruleset.reasons
    for excluded in run.excluded:
        yield _stage(reasons, str(excluded.reason)), "excluded", str(excluded.reason)
    for symbol in run.symbols:
        if symbol in findings.entries:
            continue
        judged, failure = findings.judged.get(symbol), findings.failures.get(symbol)
        if failure is not None:
            yield _stage(reasons, failure.code), "ERROR", failure.code
        elif judged is not None:
            code = judged.verdict.reason or ""
            yield _stage(reasons, code), judged.verdict.status, code


def _stage(reasons: Mapping[str, ReasonDefinition], code: str) -> str:
    """Where the registry places a code."""
    definition = reasons.get(code)
    return "run" if definition is None else definition.stage

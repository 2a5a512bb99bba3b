"""One run, stage by stage: resolve → locks → reconcile → eligibility → candles → verdicts → trade entry →
journal → answer.

What a run is asked and what it says by itself; ``runner`` runs it.
"""

from server.run.reasons import RunReason
from server.run.request import FieldProblem, RequestProblem, RunInProgress, RunRequest, RunUnavailable

__all__ = ["FieldProblem", "RequestProblem", "RunInProgress", "RunReason", "RunRequest", "RunUnavailable"]

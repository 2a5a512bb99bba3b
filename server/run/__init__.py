"""One run, stage by stage: resolve → candles → verdicts → trade entry → journal → answer.

What a run is asked and what it says by itself; ``runner`` runs it.
"""

from server.run.reasons import RunReason
from server.run.request import FieldProblem, RequestProblem, RunRequest, RunUnavailable

__all__ = ["FieldProblem", "RequestProblem", "RunReason", "RunRequest", "RunUnavailable"]

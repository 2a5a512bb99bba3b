"""What was decided: every verdict and trade-entry decision of every run, and the facts each was made from."""

from server.journal.answers import Decision, Page, Restored, RunDetail, RunSummary, StoredRun
from server.journal.errors import JournalError, NoSuchDecision, NoSuchRun, NotRestorable
from server.journal.journal import CompileProfile, Journal
from server.journal.outcome import DecisionStatus
from server.journal.reading import DecisionFilter, RunFilter, RunStatusName
from server.journal.record import RunError, RunRecord, RunStart, RunStatus

__all__ = [
    "CompileProfile",
    "Decision",
    "DecisionFilter",
    "DecisionStatus",
    "Journal",
    "JournalError",
    "NoSuchDecision",
    "NoSuchRun",
    "NotRestorable",
    "Page",
    "Restored",
    "RunDetail",
    "RunError",
    "RunFilter",
    "RunRecord",
    "RunStart",
    "RunStatus",
    "RunStatusName",
    "RunSummary",
    "StoredRun",
]

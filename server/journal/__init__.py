"""What was decided: every verdict and trade-entry decision of every run, and the facts each was made from."""

from server.journal.answers import Decision, Page, Restored, RunDetail, RunSummary
from server.journal.errors import JournalError, NoSuchDecision, NoSuchRun, NotRestorable
from server.journal.journal import CompileProfile, Journal
from server.journal.outcome import DecisionStatus
from server.journal.reading import DecisionFilter
from server.journal.record import RunError, RunRecord, RunStatus

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
    "RunRecord",
    "RunStatus",
    "RunSummary",
]

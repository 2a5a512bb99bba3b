"""What can go wrong with the journal."""

from __future__ import annotations


class JournalError(Exception):
    """The journal cannot be written or read; the message says which run and why."""


class NoSuchRun(LookupError):
    """No run has this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"no run '{run_id}'")
        self.run_id = run_id


class NoSuchDecision(LookupError):
    """No decision has this id."""

    def __init__(self, decision_id: str) -> None:
        super().__init__(f"no decision '{decision_id}'")
        self.decision_id = decision_id


class NotRestorable(JournalError):
    """This version does not decide on the stored facts as was decided then; the message says where."""

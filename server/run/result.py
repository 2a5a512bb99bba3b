"""A finished run: everything that was found, and the answer made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from server.instants import iso
from server.run import answer
from server.run.judged import Failure, Findings
from server.run.reasons import RunReason
from server.run.reconcile import Reconciled
from server.run.resolve import Resolved
from server.run.shapes import RunAnswer, RunStatus, SymbolAnswer
from server.run.stopwatch import Stopwatch
from server.run.symbol_answer import error_answer

if TYPE_CHECKING:
    from server.execution.realigning import Realigned

DECIDED = "READY", "INVALID", "ERROR"


@dataclass(frozen=True, eq=False)
class RunResult:
    """``finished_ms`` is when the decisions were made; storing and answering come after it.

    ``reconciled`` is None of a run about the past, ``realigned`` where stops and targets were not looked at.
    """

    run_id: str
    run: Resolved
    findings: Findings
    started_ms: int
    finished_ms: int
    stopwatch: Stopwatch
    reconciled: Reconciled | None = None
    realigned: Realigned | None = None
    journal_failure: Failure | None = None

    def failing(self, failure: Failure) -> RunResult:
        """The same, which is not in the journal."""
        return replace(self, journal_failure=failure)

    @property
    def degraded(self) -> bool:
        """Whether the venue did not say what is open."""
        return self.reconciled is not None and self.reconciled.degraded

    @cached_property
    def symbols(self) -> dict[str, SymbolAnswer]:
        """Every symbol of the run, as it is answered."""
        return answer.symbol_answers(self.run, self.findings)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What went wrong: per symbol in the order of the run, then for the run as a whole."""
        of_symbols = [self.findings.failures[s] for s in self.run.symbols if s in self.findings.failures]
        return (*of_symbols, *self._of_run())

    def _of_run(self) -> Iterator[Failure]:
        if self.reconciled is not None and self.reconciled.failure is not None:
            reason, message = RunReason.OPEN_STATE_UNAVAILABLE, self.reconciled.failure
            yield Failure(None, "sync_tables", reason, message)
        if self.journal_failure is not None:
            yield self.journal_failure

    @property
    def status(self) -> RunStatus:
        return answer.status_of(self.symbols, self.failures)

    def count(self, status: str) -> int:
        """How many symbols ended with ``READY``, ``INVALID`` or ``ERROR``."""
        return sum(found["status"] == status for found in self.symbols.values())

    def to_json(self) -> RunAnswer:
        """The whole answer, in the types of JSON."""
        with self.stopwatch.stage("post_processing"):
            return self._answer()

    def _answer(self) -> RunAnswer:
        run, symbols = self.run, self.symbols
        ready, invalid, failed = (self.count(status) for status in DECIDED)
        processed, excluded = len(symbols), len(run.excluded)
        placed = answer.orders_placed(symbols)
        return {
            "status": self.status,
            "message": answer.message_of(self.status, symbols),
            "data": {
                "run": {
                    "run_id": self.run_id,
                    "status": self.status,
                    "profile": run.profile.name,
                    "fingerprint": run.profile.fingerprint,
                    "validation_mode": run.mode,
                    "dry_run": run.dry_run,
                    "degraded": self.degraded,
                    "open_state": None if self.reconciled is None else self.reconciled.source,
                    "workers": run.workers,
                    "exchange": run.venue.name,
                    "market_type": run.market_type,
                    "as_of": iso(run.as_of_ms),
                    "started_at": iso(self.started_ms),
                    "finished_at": iso(self.finished_ms),
                    "execution_time_seconds": round(self.stopwatch.elapsed(), 3),
                    "symbols_requested": processed + excluded,
                    "symbols_excluded": excluded,
                    "symbols_processed": processed,
                    "symbols_ready": ready,
                    "symbols_invalid": invalid,
                    "symbols_failed": failed,
                    "symbols_successful": ready,
                    "symbols_skipped": invalid,
                    "success_rate": round(100 * ready / processed, 2) if processed else 0.0,
                },
                "symbols": symbols,
                "excluded": [answer.excluded_answer(one) for one in run.excluded],
                "errors": [error_answer(failure) for failure in self.failures],
                "warnings": list(run.warnings),
                "workers": run.workers,
                "summary_by_tf": answer.summary_by_tf(symbols),
                "rejected_by": answer.rejected_by(symbols),
                "rejected_by_reason": answer.rejected_by_reason(symbols),
                "last_validated": answer.last_validated(symbols),
                "orders_placed": placed,
                "tp_sl": None if self.realigned is None else self.realigned.to_json(),
                "performance": self.stopwatch.report(),
            },
        }

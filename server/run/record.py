"""A finished run as the journal takes it."""

from __future__ import annotations

from typing import Any

from engine.verdict import VerdictBatch
from server.instants import iso
from server.journal import RunError, RunRecord
from server.run.resolve import Resolved
from server.run.result import RunResult


def record_of(result: RunResult) -> RunRecord:
    """Everything to keep: the rules, what was asked, the columns decided on, the entries, the errors."""
    run, findings = result.run, result.findings
    batches: dict[int, VerdictBatch] = {id(j.batch): j.batch for j in findings.judged.values()}
    return RunRecord(
        run_id=result.run_id,
        started_at=result.started_ms,
        finished_at=result.finished_ms,
        as_of=run.as_of_ms,
        profile=run.profile.name,
        fingerprint=run.profile.fingerprint,
        ruleset=run.profile.canonical(),
        mode=run.mode,
        exchange=run.venue.name,
        market_type=run.market_type,
        dry_run=run.dry_run,
        actor=run.actor,
        workers=run.workers,
        status=result.status,
        request=_asked(run),
        batches=tuple(batches.values()),
        trades={symbol: entry.decision for symbol, entry in findings.entries.items()},
        errors=tuple(RunError(f.symbol, f.stage, f.code, f.message) for f in result.failures),
    )


def _asked(run: Resolved) -> dict[str, Any]:
    """The request, every name and default resolved, and what it left out."""
    return {
        "symbols": [*run.symbols, *(excluded.symbol for excluded in run.excluded)],
        "profile": run.profile.name,
        "validation_mode": run.mode,
        "workers": run.workers,
        "exchange": run.venue.name,
        "market_type": run.market_type,
        "as_of": iso(run.as_of_ms),
        "dry_run": run.dry_run,
        "process_tp_sl": run.process_tp_sl,
        "verbose": run.verbose,
        "excluded": [{"symbol": e.symbol, "reason": str(e.reason)} for e in run.excluded],
        "warnings": list(run.warnings),
    }

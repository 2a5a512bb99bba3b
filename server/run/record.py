"""A run as the journal takes it, at its start and at its end."""

from __future__ import annotations

from typing import Any

from engine.verdict import VerdictBatch
from server.instants import iso
from server.journal import RunError, RunRecord, RunStart
from server.run.answer import excluded_answer
from server.run.resolve import Resolved
from server.run.result import RunResult


def start_of(run: Resolved, run_id: str, started_ms: int) -> RunStart:
    """What there is to keep of a run before it does anything."""
    return RunStart(**_start(run, run_id, started_ms))


def record_of(result: RunResult) -> RunRecord:
    """Everything to keep: the columns decided on, the entries, the errors, what was left out."""
    run, findings = result.run, result.findings
    batches: dict[int, VerdictBatch] = {id(j.batch): j.batch for j in findings.judged.values()}
    return RunRecord(
        **_start(run, result.run_id, result.started_ms),
        finished_at=result.finished_ms,
        status=result.status,
        batches=tuple(batches.values()),
        trades={symbol: entry.decision for symbol, entry in findings.entries.items()},
        errors=tuple(RunError(f.symbol, f.stage, f.code, f.message) for f in result.failures),
        excluded=tuple(dict(excluded_answer(one)) for one in run.excluded),
        warnings=run.warnings,
        degraded=result.degraded,
        # The stage that writes this has not ended.
        timings={stage: seconds for stage, seconds in result.stopwatch.stages.items() if stage != "journal"},
    )


def _start(run: Resolved, run_id: str, started_ms: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "started_at": started_ms,
        "as_of": run.as_of_ms,
        "profile": run.profile.name,
        "fingerprint": run.profile.fingerprint,
        "ruleset": run.profile.canonical(),
        "mode": run.mode,
        "exchange": run.venue.name,
        "market_type": run.market_type,
        "dry_run": run.dry_run,
        "actor": run.actor,
        "workers": run.workers,
        "request": _asked(run),
    }


def _asked(run: Resolved) -> dict[str, Any]:
    """The request, every name and default resolved."""
    return {
        "symbols": [*run.symbols, *(excluded.symbol for excluded in run.excluded)],
        "profile": run.profile.name,
        "validation_mode": run.mode,
        "workers": run.workers,
        "exchange": run.venue.name,
        "market_type": run.market_type,
        "as_of": iso(run.as_of_ms),
        "dry_run": run.dry_run,
        "sync_tables": run.sync_tables,
        "skip_open_state_filter": run.skip_open_state_filter,
        "lock_per_symbol": run.lock_per_symbol,
        "process_tp_sl": run.process_tp_sl,
        "current_tf": run.current_tf,
        "declared": dict(run.declared),
        "verbose": run.verbose,
    }

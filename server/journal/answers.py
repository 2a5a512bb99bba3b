"""What the journal answers with. Instants are ms UTC inside and ISO 8601 with Z in ``to_json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from engine.models.base import Side
from engine.verdict import VerdictBatch
from server.instants import iso
from server.journal.outcome import DecisionStatus

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``items`` of page ``page`` (from 1) out of ``total`` in all pages."""

    items: tuple[T, ...]
    page: int
    page_size: int
    total: int

    def to_json(self, item: Callable[[T], Json]) -> Json:
        """The page with each item as ``item`` writes it."""
        return {
            "items": [item(one) for one in self.items],
            "page": self.page,
            "page_size": self.page_size,
            "total": self.total,
        }


def offset_of(page: int, page_size: int) -> int:
    """How many items come before a page. Raises ``ValueError`` for a page or size below 1."""
    if page < 1 or page_size < 1:
        raise ValueError("pages and their sizes start at 1")
    return (page - 1) * page_size


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run without its decisions. ``finished_at`` is None while it runs, and where it was interrupted."""

    run_id: str
    as_of: int
    started_at: int
    finished_at: int | None
    profile: str
    fingerprint: str
    mode: str
    exchange: str
    market_type: str
    dry_run: bool
    actor: str
    workers: int
    status: str
    ready: int
    invalid: int
    failed: int
    excluded: int = 0
    degraded: bool = False

    def to_json(self) -> Json:
        """One run of a list."""
        ended = self.finished_at
        return {
            "run_id": self.run_id,
            "status": self.status,
            "profile": self.profile,
            "fingerprint": self.fingerprint,
            "validation_mode": self.mode,
            "exchange": self.exchange,
            "market_type": self.market_type,
            "dry_run": self.dry_run,
            "actor": self.actor,
            "workers": self.workers,
            "as_of": iso(self.as_of),
            "started_at": iso(self.started_at),
            "finished_at": None if ended is None else iso(ended),
            "execution_time_seconds": None if ended is None else (ended - self.started_at) / 1000,
            "degraded": self.degraded,
            "symbols_excluded": self.excluded,
            "symbols_processed": self.ready + self.invalid + self.failed,
            "symbols_ready": self.ready,
            "symbols_invalid": self.invalid,
            "symbols_failed": self.failed,
        }


class Decision(NamedTuple):
    """One symbol's outcome in one run; ``trade`` is its ``trading_decision`` as it was handed in."""

    run_id: str
    as_of: int
    profile: str
    fingerprint: str
    symbol: str
    status: DecisionStatus
    side: Side | None
    execution_timeframe: str | None
    reason: str | None
    blocking_timeframe: str | None
    trade: Json | None = None

    @property
    def id(self) -> str:
        """The id outside: the run's and the symbol."""
        return f"{self.run_id}.{self.symbol}"

    def to_json(self) -> Json:
        """One decision, in the field names of a run's answer."""
        return {
            "id": self.id,
            "run_id": self.run_id,
            "symbol": self.symbol,
            "as_of": iso(self.as_of),
            "profile": self.profile,
            "fingerprint": self.fingerprint,
            "status": self.status,
            "signal_side": self.side,
            "execution_tf": self.execution_timeframe,
            "reason": self.reason,
            "blocking_tf": self.blocking_timeframe,
            "trading_decision": self.trade,
        }


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run with what was asked, what failed, what it left out, and seconds by stage."""

    summary: RunSummary
    request: Json
    errors: tuple[Json, ...]
    excluded: tuple[Json, ...]
    warnings: tuple[str, ...]
    timings: Mapping[str, float]

    def to_json(self) -> Json:
        """The summary, and the rest beside it."""
        return self.summary.to_json() | {
            "request": self.request,
            "errors": list(self.errors),
            "excluded": list(self.excluded),
            "warnings": list(self.warnings),
            "timings": dict(self.timings),
        }


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with every decision, in the order of the run."""

    run: StoredRun
    decisions: tuple[Decision, ...]

    def to_json(self) -> Json:
        """The run, and its decisions beside it."""
        return self.run.to_json() | {"decisions": [decision.to_json() for decision in self.decisions]}


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """A decision with the batch it came from, decided again on the stored facts; ``row`` is its row there."""

    decision: Decision
    batch: VerdictBatch
    row: int

"""What a run hands to the journal when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from engine.verdict import VerdictBatch

RunStatus = Literal["success", "partial_success", "error"]


@dataclass(frozen=True, slots=True)
class RunError:
    """Something that failed. A symbol that has no verdict because of it is a decision of status ``ERROR``."""

    symbol: str | None
    stage: str
    code: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """As in ``errors`` of a run's answer."""
        return {"symbol": self.symbol, "stage": self.stage, "code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RunRecord:
    """A finished run. Instants are ms UTC.

    ``ruleset`` is the effective profile in canonical form (JSON-able), which ``fingerprint`` identifies;
    ``batches`` are its verdicts, a symbol once in all of them; ``trades`` has the ``trading_decision`` of
    READY symbols, JSON-able, each with a ``status`` and, where there is one, ``reason`` and ``blocked_by``.
    """

    run_id: str
    started_at: int
    finished_at: int
    as_of: int
    profile: str
    fingerprint: str
    ruleset: Mapping[str, Any]
    mode: str
    exchange: str
    market_type: str
    dry_run: bool
    actor: str
    workers: int
    status: RunStatus
    request: Mapping[str, Any]
    batches: Sequence[VerdictBatch]
    trades: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    errors: Sequence[RunError] = ()

    def failed(self) -> tuple[RunError, ...]:
        """The first error of each symbol that has no verdict."""
        decided = {symbol for batch in self.batches for symbol in batch.symbols}
        first: dict[str, RunError] = {}
        for error in self.errors:
            if error.symbol is not None and error.symbol not in decided:
                first.setdefault(error.symbol, error)
        return tuple(first.values())

    def check(self) -> None:
        """Raises ``ValueError`` where the parts contradict each other."""
        for problem in self._problems():
            raise ValueError(f"run {self.run_id}: {problem}")

    def _problems(self) -> Iterator[str]:
        try:
            canonical = str(UUID(self.run_id))
        except ValueError:
            canonical = ""
        if canonical != self.run_id:
            yield "the run id is not a UUID in lower case"
        symbols: set[str] = set()
        ready: set[str] = set()
        for batch in self.batches:
            if (batch.as_of != self.as_of).any():
                yield "a batch was decided at another instant"
            if (batch.mode, batch.rules.name) != (self.mode, self.profile):
                yield "a batch was decided in another mode or by another profile"
            if batch.rules.fingerprint != self.fingerprint:
                yield "a batch was decided by rules with another fingerprint"
            if len({*batch.symbols}) != len(batch) or not symbols.isdisjoint(batch.symbols):
                yield "a symbol was decided more than once"
            symbols.update(batch.symbols)
            ready.update(
                s for s, is_ready in zip(batch.symbols, batch.ready.tolist(), strict=True) if is_ready
            )
        for symbol in self.trades:
            if symbol not in ready:
                yield f"{symbol} has a trade decision but is not READY"

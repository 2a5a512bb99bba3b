"""What a run hands to the journal: what it is when it starts, and everything when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from engine.verdict import VerdictBatch

RunStatus = Literal["success", "partial_success", "error"]
"""How a run ended that came to its end."""


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
class RunStart:
    """A run as it begins. Instants are ms UTC.

    ``ruleset`` is the effective profile in canonical form (JSON-able), which ``fingerprint`` identifies;
    ``request`` what was asked, every name and default resolved.
    """

    run_id: str
    started_at: int
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
    request: Mapping[str, Any]

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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RunRecord(RunStart):
    """A finished run.

    ``batches`` are its verdicts, a symbol once in all of them; ``trades`` has the ``trading_decision`` of
    READY symbols, JSON-able, each with a ``status`` and, where there is one, ``reason`` and ``blocked_by``.
    ``excluded`` are the symbols that were not looked at, as they are answered: ``symbol``, ``reason`` and
    what else is known. ``timings``: seconds by stage, in their order. ``degraded``: it went by less than it
    should know, and placed nothing.
    """

    finished_at: int
    status: RunStatus
    batches: Sequence[VerdictBatch]
    trades: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    errors: Sequence[RunError] = ()
    excluded: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[str] = ()
    timings: Mapping[str, float] = field(default_factory=dict[str, float])
    degraded: bool = False

    def failed(self) -> tuple[RunError, ...]:
        """The first error of each symbol that has no verdict."""
        decided = {symbol for batch in self.batches for symbol in batch.symbols}
        first: dict[str, RunError] = {}
        for error in self.errors:
            if error.symbol is not None and error.symbol not in decided:
                first.setdefault(error.symbol, error)
        return tuple(first.values())

    def _problems(self) -> Iterator[str]:
        yield from RunStart._problems(self)
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
        left_out = [excluded["symbol"] for excluded in self.excluded]
        if len({*left_out}) != len(left_out) or not symbols.isdisjoint(left_out):
            yield "a symbol was excluded more than once, or excluded and decided"

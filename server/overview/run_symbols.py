"""The symbols of a stored run, with what every timeframe said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.journal import CompileProfile, Decision, DecisionStatus, Journal, Page, RunFilter
from server.journal.answers import offset_of
from server.journal.stretch import Stretches
from server.overview.audit import timeframes_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SymbolFilter:
    """Every part that is given must hold."""

    symbol: str | None = None
    status: DecisionStatus | None = None
    reason: str | None = None


async def run_symbols(
    journal: Journal,
    compile_profile: CompileProfile,
    run_id: str,
    wanted: SymbolFilter,
    page: int,
    page_size: int,
) -> Page[Json]:
    """In the order of the run. ``timeframe_decisions`` is null where this version cannot derive them.

    Raises ``NoSuchRun``, ``JournalError``.
    """
    decisions = [d for d in (await journal.run(run_id)).decisions if _passes(d, wanted)]
    first = offset_of(page, page_size)
    some = decisions[first : first + page_size]
    said: dict[str, list[Json]] = {}
    names = {decision.symbol for decision in some}
    async for stretch in Stretches(journal, compile_profile, RunFilter(), run_id=run_id).read():
        for row, symbol in enumerate(stretch.batch.symbols):
            if symbol in names:
                said[symbol] = list(timeframes_of(stretch.batch, row))
    items = tuple(
        decision.to_json()
        | {"timeframe_decisions": [] if decision.status == "ERROR" else said.get(decision.symbol)}
        for decision in some
    )
    return Page(items, page, page_size, len(decisions))


def _passes(decision: Decision, wanted: SymbolFilter) -> bool:
    trade = decision.trade or {}
    return (
        wanted.symbol in (None, decision.symbol)
        and wanted.status in (None, decision.status)
        and wanted.reason in (None, decision.reason, trade.get("reason"), trade.get("blocked_by"))
    )

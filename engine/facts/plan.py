"""Which facts a set of rules reads on one timeframe, how far back, and from where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.expression import FactRef
from engine.indicators import warm_up
from engine.models.base import Timeframe
from engine.models.facts import Anchor, FactBase, FactsDocument


@dataclass(frozen=True, slots=True)
class FactPlan:
    """``depth`` counts the candles that are read (greatest lag + 1); ``needed`` the candles in a row that
    every fact a rule reads has a value with."""

    timeframe: Timeframe
    anchor: Anchor
    definitions: dict[str, FactBase]
    depth: int
    needed: int


def plan_facts(
    document: FactsDocument,
    timeframe: Timeframe,
    refs: Iterable[FactRef],
    least: int = 1,
    optional: Iterable[FactRef] = (),
) -> FactPlan:
    """The plan of one timeframe. ``refs`` on other timeframes are passed over; ``least`` is ``min_candles``.

    ``optional`` facts are computed as well, and may be unknown: no candle is needed for their sake. Raises
    ``KeyError`` for a fact that is not declared or a timeframe without history.
    """
    wanted = [ref for ref in refs if ref.timeframe == timeframe]
    every = [*wanted, *(ref for ref in optional if ref.timeframe == timeframe)]
    names = sorted({ref.name for ref in every})
    definitions: dict[str, FactBase] = {name: document.facts[name] for name in names}
    depth = max((ref.lag for ref in every), default=0) + 1
    needed = max((warm_up(definitions[ref.name]) + ref.lag for ref in wanted), default=1)
    return FactPlan(timeframe, document.history[timeframe].anchor, definitions, depth, max(needed, least))

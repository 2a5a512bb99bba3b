"""Consecutive minutes in the terminal: a line for each as it passes, then what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from server.cli.output import count
from server.cli.verdict_table import STYLES
from server.instants import iso

if TYPE_CHECKING:
    from engine.models.reasons import ReasonDefinition
    from server.run.result import RunResult

MINUTE_MS = 60_000


def instants(last_ms: int, number: int) -> list[int]:
    """``number`` instants a minute apart; the last one is ``last_ms``."""
    return [last_ms - back * MINUTE_MS for back in reversed(range(number))]


@dataclass
class Passing:
    """What the minutes so far have said. ``reasons``: the registry, for the stage of each code."""

    reasons: Mapping[str, ReasonDefinition]
    ready: dict[str, str] = field(default_factory=dict[str, str])
    seen: Counter[str] = field(default_factory=Counter[str])
    minutes: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def add(self, result: RunResult) -> Text:
        """Takes one minute in; returns its line: READY, the others by stage, and who became READY."""
        now = {s: a["signal_side"] or "" for s, a in result.symbols.items() if a["status"] == "READY"}
        became = {symbol: side for symbol, side in now.items() if self.ready.get(symbol) != side}
        reasons = Counter(a["reason"] or "" for a in result.symbols.values() if a["status"] != "READY")
        self.ready = now
        self.seen.update(reasons)
        self.seen["READY"] += len(now)
        self.minutes.append(
            {
                "as_of": iso(result.run.as_of_ms),
                "run_id": result.run_id,
                "ready": now,
                "became_ready": became,
                "by_reason": dict(reasons.most_common()),
            }
        )
        line = Text(datetime.fromtimestamp(result.run.as_of_ms / 1000, UTC).strftime("%H:%M"))
        for status, style in STYLES.items():
            number = result.count(status)
            if number or status != "ERROR":
                line.append(f"  {number} {status}", style=style if number else "dim")
        if reasons:
            line.append(f" ({self._stages(reasons)})")
        if became:
            news = ", ".join(f"{symbol} {side}" for symbol, side in became.items())
            line.append("\n       new: ").append(news, style="bold")
        return line

    def summary(self) -> list[str]:
        """How many verdicts there were, by outcome."""
        others = [f"{number:>6} {code}" for code, number in self.seen.most_common() if code != "READY"]
        verdicts = count(sum(self.seen.values()), "verdict")
        head = f"{verdicts} in {count(len(self.minutes), 'minute')}:"
        return [head, f"{self.seen['READY']:>6} READY", *others]

    def _stages(self, reasons: Counter[str]) -> str:
        """Where the others were turned away: shorter than the codes, which are in the summary."""
        stages = Counter[str]()
        for code, number in reasons.items():
            stages[self.reasons[code].stage.replace("_", " ") if code in self.reasons else code] += number
        return ", ".join(f"{number} {stage}" for stage, number in sorted(stages.items()))

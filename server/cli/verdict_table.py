"""A run in the terminal: the verdict of every symbol, then the plans, then what was run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from server.cli.output import Answer, count
from server.cli.plan_view import plan_block
from server.cli.wording import nearest_in_short
from server.instants import iso

if TYPE_CHECKING:
    from rich.table import Table

    from server.run.judged import Excluded
    from server.run.result import RunResult
    from server.run.shapes import SymbolAnswer

STYLES = {"READY": "bold green", "INVALID": "yellow", "ERROR": "bold red"}
SHORT_FINGERPRINT = 12


def print_run(console: Answer, result: RunResult, same: str) -> None:
    """Everything a person wants of one run. ``same``: options with which another command sees the same."""
    console.print(verdict_table(result))
    for symbol, answer in result.symbols.items():
        if answer["trading_decision"] is not None:
            console.print()
            console.print(plan_block(symbol, answer["trading_decision"]))
    console.print()
    for line in footer(result, same):
        console.print(line, wrap=False)


def verdict_table(result: RunResult) -> Table:
    """One row per symbol; under the reason of an INVALID one, its nearest miss."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("symbol", "verdict", "side", "tf"):
        table.add_column(name, no_wrap=True)
    table.add_column("reason", overflow="fold")
    for symbol, answer in result.symbols.items():
        reason = Text(_reason(answer))
        nearest = _nearest(result, symbol)
        if nearest is not None:
            reason.append(f"\n{nearest}", style="dim")
        table.add_row(
            symbol,
            Text(answer["status"], style=STYLES[answer["status"]]),
            answer["signal_side"] or "",
            answer["execution_tf"] or answer["blocking_tf"] or "",
            reason,
        )
    return table


def footer(result: RunResult, same: str) -> Iterator[str]:
    """Counts, what was run, remarks, and how to ask why."""
    run = result.run
    counts = ", ".join(
        f"{number} {status}" for status in STYLES if (number := result.count(status)) or status != "ERROR"
    )
    yield f"{count(len(result.symbols), 'symbol')}: {counts}"
    fingerprint = run.profile.fingerprint[:SHORT_FINGERPRINT]
    profile = f"profile {run.profile.name} ({fingerprint})"
    kind = "dry run" if run.dry_run else "nothing placed" if result.degraded else "orders placed"
    yield f"at {iso(run.as_of_ms)}, {profile}, {kind} on {run.venue.name}"
    for excluded in run.excluded:
        yield f"not looked at: {excluded.symbol} ({excluded.reason}){_open(excluded)}"
    for failure in result.failures:
        yield f"failed: {failure.symbol or 'the run'}: {failure.code}: {failure.message}"
    for warning in run.warnings:
        yield f"warning: {warning}"
    if result.symbols:
        invalid = (symbol for symbol, answer in result.symbols.items() if answer["status"] == "INVALID")
        symbol = next(invalid, next(iter(result.symbols)))
        yield f"ask why: entrygate explain {symbol} --at {iso(run.as_of_ms)}{same}"


def _open(excluded: Excluded) -> str:
    """What is open, and when the switch comes on by itself."""
    found, until = excluded.open, excluded.switch_until
    numbers = ((found.positions, "position"), (found.orders, "order")) if found else ()
    parts = [count(number, what) for number, what in numbers if number]
    if until is not None:
        parts.append(f"until {iso(until)}")
    return f": {', '.join(parts)}" if parts else ""


def _reason(answer: SymbolAnswer) -> str:
    decision = answer["trading_decision"]
    if decision is None:
        return answer["reason"] or ""
    return decision["status"] if decision["reason"] is None else f"{decision['status']}: {decision['reason']}"


def _nearest(result: RunResult, symbol: str) -> str | None:
    from engine.explain import explain

    judged = result.findings.judged.get(symbol)
    if judged is None or judged.verdict.status == "READY":
        return None
    explanation = explain(judged.batch, judged.row)
    return nearest_in_short(explanation.nearest[0]) if explanation.nearest else explanation.sentence

"""The answer of a run: its symbols, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.candles import STEP_MS
from server.instants import iso
from server.run.judged import Excluded, Failure, Findings
from server.run.resolve import Resolved
from server.run.shapes import ExcludedAnswer, LastValidated, OrdersPlaced, RunStatus, SymbolAnswer
from server.run.symbol_answer import failed_answer, symbol_answer

SUMMARY_TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h")
NO_TIMEFRAME = "N/A"
"""Key of symbols that no timeframe blocked."""

NEXT_TIMEFRAME: Mapping[str, str | None] = {
    "1m": "READY",
    "5m": "15m",
    "15m": "1h",
    "30m": "1h",
    "1h": "4h",
    "4h": None,
    "1d": None,
}

ORDER_STATUSES = ("submitted", "simulated")

Symbols = Mapping[str, SymbolAnswer]


def symbol_answers(run: Resolved, findings: Findings) -> dict[str, SymbolAnswer]:
    """Every symbol of the run once, in its order."""
    answers: dict[str, SymbolAnswer] = {}
    for symbol in run.symbols:
        judged, failure = findings.judged.get(symbol), findings.failures.get(symbol)
        if judged is not None:
            answers[symbol] = symbol_answer(run, judged, findings.entries.get(symbol), failure)
        elif failure is not None:
            answers[symbol] = failed_answer(run, symbol, failure)
        else:
            raise KeyError(f"the run lost {symbol}")
    return answers


def status_of(symbols: Symbols, failures: Iterable[Failure]) -> RunStatus:
    """``error`` when every symbol failed, ``partial_success`` when anything did."""
    if symbols and all(answer["status"] == "ERROR" for answer in symbols.values()):
        return "error"
    return "partial_success" if any(True for _ in failures) else "success"


def message_of(status: RunStatus, symbols: Symbols) -> str:
    """One line for people."""
    if status == "error":
        return "MTF run failed for every symbol"
    if status == "partial_success":
        return "MTF run completed with errors"
    return "MTF run completed" if symbols else "MTF run completed without symbols"


def summary_by_tf(symbols: Symbols) -> dict[str, list[str]]:
    """READY symbols under their execution timeframe, the others under the timeframe that blocked them.

    The usual timeframes are always there; another one, or ``N/A``, only when a symbol needs it.
    """
    summary: dict[str, list[str]] = {timeframe: [] for timeframe in SUMMARY_TIMEFRAMES}
    others: dict[str, list[str]] = {}
    for symbol, answer in symbols.items():
        timeframe = answer["execution_tf"] or answer["blocking_tf"] or NO_TIMEFRAME
        (summary if timeframe in summary else others).setdefault(timeframe, []).append(symbol)
    known = {str(timeframe): step for timeframe, step in STEP_MS.items()}
    extra = sorted(others, key=lambda name: (name == NO_TIMEFRAME, known.get(name, 0)))
    return summary | {name: others[name] for name in extra}


def excluded_answer(excluded: Excluded) -> ExcludedAnswer:
    """One entry of ``excluded``."""
    found, until = excluded.open, excluded.switch_until
    return {
        "symbol": excluded.symbol,
        "reason": excluded.reason,
        "open_positions": None if found is None else found.positions,
        "open_orders": None if found is None else found.orders,
        "switch_key": excluded.switch,
        "switch_was_off": excluded.switch_was_off,
        "switch_until": None if until is None else iso(until),
    }


def rejected_by(symbols: Symbols) -> list[str]:
    """Symbols that are not READY, in alphabetical order."""
    return sorted(symbol for symbol, answer in symbols.items() if answer["status"] != "READY")


def rejected_by_reason(symbols: Symbols) -> dict[str, list[str]]:
    """Symbols that are not READY by their reason; both in alphabetical order."""
    by_reason: dict[str, list[str]] = {}
    for symbol, answer in sorted(symbols.items()):
        if answer["status"] != "READY":
            by_reason.setdefault(answer["reason"] or NO_TIMEFRAME, []).append(symbol)
    return dict(sorted(by_reason.items()))


def last_validated(symbols: Symbols) -> list[LastValidated]:
    """READY symbols in alphabetical order, each with the timeframe above its own."""
    return [
        {
            "symbol": symbol,
            "side": answer["signal_side"],
            "timeframe": NEXT_TIMEFRAME[answer["execution_tf"] or "1m"],
        }
        for symbol, answer in sorted(symbols.items())
        if answer["status"] == "READY"
    ]


def orders_placed(symbols: Symbols) -> OrdersPlaced:
    """Every decision that became an order, real or simulated."""
    placed = [
        (symbol, decision)
        for symbol, answer in symbols.items()
        if (decision := answer["trading_decision"]) is not None and decision["status"] in ORDER_STATUSES
    ]
    simulated = sum(decision["status"] == "simulated" for _, decision in placed)
    return {
        "count": {"total": len(placed), "submitted": len(placed) - simulated, "simulated": simulated},
        "orders": [
            {
                "symbol": symbol,
                "status": decision["status"],
                "client_order_id": decision["client_order_id"],
                "exchange_order_id": decision["exchange_order_id"],
                "decision_key": decision["decision_key"],
                "raw": decision["raw"],
            }
            for symbol, decision in placed
        ],
    }

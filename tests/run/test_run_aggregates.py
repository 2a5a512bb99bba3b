"""What symbols add up to, as a table."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.run.answer import (
    last_validated,
    message_of,
    orders_placed,
    rejected_by,
    rejected_by_reason,
    status_of,
    summary_by_tf,
)
from server.run.judged import Failure
from server.run.verdicts import shares

FAILURE = Failure("X", "candles", "candles_unavailable", "gone")


def symbol(status: str, execution: str | None = None, blocking: str | None = None, **more: Any) -> Any:
    return {
        "status": status,
        "execution_tf": execution,
        "blocking_tf": blocking,
        "reason": None,
        "signal_side": "long" if status == "READY" else None,
        "trading_decision": None,
    } | more


SYMBOLS: Any = {
    "DUSDT": symbol("READY", "5m"),
    "BUSDT": symbol("INVALID", blocking="1h", reason="pragmatic_context_has_invalid_timeframes"),
    "AUSDT": symbol("READY", "1m"),
    "CUSDT": symbol("INVALID", blocking="30m", reason="no_timeframe_selected"),
    "EUSDT": symbol("INVALID", reason="pragmatic_context_side_conflict"),
    "FUSDT": symbol("ERROR", reason="evaluation_error"),
    "GUSDT": symbol("READY", "4h", signal_side="short"),
    "HUSDT": symbol("INVALID", blocking="1h", reason="pragmatic_context_has_invalid_timeframes"),
}


def test_summary_has_the_usual_timeframes_then_what_is_needed() -> None:
    summary = summary_by_tf(SYMBOLS)
    assert list(summary) == ["1m", "5m", "15m", "1h", "4h", "30m", "N/A"]
    assert summary == {
        "1m": ["AUSDT"],
        "5m": ["DUSDT"],
        "15m": [],
        "1h": ["BUSDT", "HUSDT"],
        "4h": ["GUSDT"],
        "30m": ["CUSDT"],
        "N/A": ["EUSDT", "FUSDT"],
    }
    assert list(summary_by_tf({})) == ["1m", "5m", "15m", "1h", "4h"]


def test_rejections_are_sorted() -> None:
    assert rejected_by(SYMBOLS) == ["BUSDT", "CUSDT", "EUSDT", "FUSDT", "HUSDT"]
    assert rejected_by_reason(SYMBOLS) == {
        "evaluation_error": ["FUSDT"],
        "no_timeframe_selected": ["CUSDT"],
        "pragmatic_context_has_invalid_timeframes": ["BUSDT", "HUSDT"],
        "pragmatic_context_side_conflict": ["EUSDT"],
    }
    assert list(rejected_by_reason(SYMBOLS)) == sorted(rejected_by_reason(SYMBOLS))


def test_last_validated_names_the_timeframe_above() -> None:
    assert last_validated(SYMBOLS) == [
        {"symbol": "AUSDT", "side": "long", "timeframe": "READY"},
        {"symbol": "DUSDT", "side": "long", "timeframe": "15m"},
        {"symbol": "GUSDT", "side": "short", "timeframe": None},
    ]
    above = {"1m": "READY", "5m": "15m", "15m": "1h", "1h": "4h", "4h": None}
    for timeframe, wanted in above.items():
        assert last_validated({"X": symbol("READY", timeframe)})[0]["timeframe"] == wanted


def test_orders_are_the_decisions_that_became_one() -> None:
    def decided(status: str) -> Any:
        trade = {"status": status, "client_order_id": f"ID{status}", "exchange_order_id": None}
        return symbol("READY", "1m", trading_decision=trade | {"decision_key": "k", "raw": {}})

    placed = orders_placed(
        {"A": decided("simulated"), "B": decided("skipped"), "C": decided("submitted"), "D": decided("error")}
    )
    assert placed["count"] == {"total": 2, "submitted": 1, "simulated": 1}
    assert [(o["symbol"], o["client_order_id"]) for o in placed["orders"]] == [
        ("A", "IDsimulated"),
        ("C", "IDsubmitted"),
    ]


def test_status_words() -> None:
    good, bad = {"A": symbol("INVALID")}, {"A": symbol("ERROR")}
    assert status_of(good, []) == "success"
    assert status_of({}, []) == "success"
    assert status_of(good | {"B": symbol("ERROR")}, [FAILURE]) == "partial_success"
    assert status_of(good, [FAILURE]) == "partial_success"
    assert status_of(bad, [FAILURE]) == "error"
    assert message_of("success", {}) == "MTF run completed without symbols"


@given(st.integers(0, 400), st.integers(1, 16))
def test_shares_hold_every_symbol_once_in_order(count: int, workers: int) -> None:
    symbols = [f"S{i}" for i in range(count)]
    parts = shares(symbols, workers)
    assert [s for part in parts for s in part] == symbols
    assert len(parts) == min(workers, count)
    assert all(parts)
    assert not parts or max(map(len, parts)) - min(map(len, parts)) <= 1

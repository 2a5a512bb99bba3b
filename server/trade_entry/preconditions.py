"""What a signal must be before anything is asked of the venue: the facts of the gate ``preconditions``."""

from __future__ import annotations

from engine.gates.gate import GateValue
from engine.models.trade_entry import DecisionRules
from server.trade_entry.request import Atr
from server.trade_entry.signal import Signal


def precondition_facts(
    signal: Signal, atr: Atr | None, rules: DecisionRules, *, dry_run: bool
) -> dict[str, GateValue]:
    """The signal as the gate reads it; an empty list of allowed timeframes allows every one."""
    allowed = rules.allowed_execution_timeframes
    timeframe = signal.execution_timeframe
    return {
        "execution_timeframe": timeframe,
        "execution_tf_allowed": None if timeframe is None else not allowed or timeframe in allowed,
        "dry_run": dry_run,
        "validate_all_timeframes": rules.dry_run_validate_all_timeframes,
        "signal_side": signal.side,
        "price": signal.price,
        "atr": None if atr is None else atr.value,
    }

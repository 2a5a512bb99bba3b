"""Which symbols a run looks at: the facts of the gate ``eligibility``, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.gates.gate import PASSED
from server.run.judged import Excluded, Open
from server.run.reconcile import Reconciled
from server.run.resolve import Resolved
from server.switches.switch import GLOBAL, Exclusion, Switch, SwitchKey, SwitchState

OPEN = "has_open_orders_or_positions"
"""The reason that also switches the symbol off for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a run knows before it looks at any symbol. A run about the past knows neither of the two."""

    switches: SwitchState | None = None
    reconciled: Reconciled | None = None

    def open(self, symbol: str) -> Open | None:
        """What the symbol has open; None where nobody asked."""
        return None if self.reconciled is None else self.reconciled.of(symbol)

    def switch(self, symbol: str) -> Switch | None:
        """The symbol's switch, if it is off."""
        return None if self.switches is None else self.switches.symbol_off(symbol)


def sift(
    run: Resolved, symbols: Sequence[str], situation: Situation, locked: Collection[str] = ()
) -> tuple[tuple[str, ...], tuple[Excluded, ...]]:
    """Those the gate lets pass, and the others with the first reason against them; both in their order."""
    gate = run.ruleset.gates["eligibility"]
    answer = gate.decide_columns(_facts(run, symbols, situation, frozenset(locked)), len(symbols))
    passed: list[str] = []
    excluded: list[Excluded] = []
    checks: list[int] = answer.check.tolist()
    for symbol, check in zip(symbols, checks, strict=True):
        if check == PASSED:
            passed.append(symbol)
        else:
            excluded.append(_excluded(symbol, gate.checks[check].reason, situation))
    return tuple(passed), tuple(excluded)


def switched_off(excluded: Iterable[Excluded], exclusions: Iterable[Exclusion]) -> tuple[Excluded, ...]:
    """The same with what switching them off came to."""
    by_symbol = {exclusion.symbol: exclusion for exclusion in exclusions}
    return tuple(_after(one, by_symbol.get(one.symbol)) for one in excluded)


def _facts(
    run: Resolved, symbols: Sequence[str], situation: Situation, locked: Collection[str]
) -> Mapping[str, object]:
    state = situation.switches
    own = frozenset(run.profile.contracts.blacklist)
    opens = [situation.open(symbol) or Open() for symbol in symbols]
    switches = [situation.switch(symbol) for symbol in symbols]
    return {
        "listed": _flags(symbol in run.listings for symbol in symbols),
        "global_off": state is not None and state.global_off is not None,
        "blacklisted": _flags(
            symbol in own or (state is not None and state.blacklisted(symbol) is not None)
            for symbol in symbols
        ),
        "open_positions": np.array([found.positions for found in opens], dtype=np.float64),
        "open_orders": np.array([found.orders for found in opens], dtype=np.float64),
        "filters_open_state": not run.skip_open_state_filter,
        "symbol_off": _flags(switch is not None for switch in switches),
        "off_by_open_state": _flags(switch is not None and switch.cause == OPEN for switch in switches),
        "locked": _flags(symbol in locked for symbol in symbols),
    }


def _flags(values: Iterable[bool]) -> NDArray[np.float64]:
    return np.fromiter(values, dtype=np.float64)


def _excluded(symbol: str, reason: str, situation: Situation) -> Excluded:
    """``switch_until`` is that of whatever keeps the symbol out; for the rest its own switch is named."""
    state, switch = situation.switches, situation.switch(symbol)
    key = str(SwitchKey.of_symbol(symbol)) if switch is not None else None
    until = None if switch is None else switch.until
    if reason == "global_switch_off" and state is not None and state.global_off is not None:
        switch, key, until = state.global_off, str(GLOBAL), state.global_off.until
    return Excluded(
        symbol=symbol,
        reason=reason,
        open=situation.open(symbol),
        switch=key,
        switch_was_off=switch is not None,
        switch_until=until,
    )


def _after(excluded: Excluded, exclusion: Exclusion | None) -> Excluded:
    if exclusion is None:
        return excluded
    return Excluded(
        symbol=excluded.symbol,
        reason=excluded.reason,
        open=excluded.open,
        switch=str(SwitchKey.of_symbol(excluded.symbol)),
        switch_was_off=exclusion.was_off,
        switch_until=exclusion.until,
    )

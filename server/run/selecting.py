"""The symbols of a run that names none: what its profile selects, and what is kept out of the selection."""

from __future__ import annotations

from dataclasses import replace

from server.exchange.selection import GATE, select_contracts
from server.run.resolve import Resolved
from server.switches.switch import SwitchState


def selected(run: Resolved, state: SwitchState | None) -> Resolved:
    """The run with its symbols; one that names some has them. ``state``: None for a run about the past.

    What is blacklisted or switched off takes no place of another contract. It comes after the selected ones,
    so that the gate ``eligibility`` excludes it with its reason.
    """
    if not run.selects:
        return run
    blacklisted, switched_off = set(run.profile.contracts.blacklist), set[str]()
    if state is not None:
        blacklisted |= state.blacklist.keys()
        # As the gate has it: what was switched off because something is open goes with the filter of that.
        switched_off = {
            symbol
            for symbol, switch in state.symbols.items()
            if switch.cause == "operator" or not run.skip_open_state_filter
        }
    symbols = select_contracts(
        run.listings,
        run.profile.contracts,
        run.profile.gates[GATE],
        run.as_of_ms,
        blacklisted=blacklisted,
        switched_off=switched_off,
    ).symbols
    kept_out = sorted((blacklisted | switched_off) & run.listings.keys())
    warnings = run.warnings
    if not symbols:
        nothing = f"no contract of {run.venue.name} passes the selection of profile '{run.profile.name}'"
        warnings = (*warnings, nothing)
    return replace(run, symbols=(*symbols, *kept_out), warnings=warnings)

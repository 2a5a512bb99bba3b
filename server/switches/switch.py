"""A switch: what it is called, who turned it, and whether it is off at an instant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from engine.candles import TIMEFRAMES
from engine.documents.nearest import nearest
from engine.models.base import Timeframe
from server.instants import iso

SwitchScope = Literal["global", "symbol", "timeframe"]

SwitchCause = Literal["operator", "has_open_orders_or_positions"]
"""Who switches: a person, or a run that found the symbol taken."""

FORM = "GLOBAL, SYMBOL:<symbol> or SYMBOL_TF:<symbol>:<timeframe>"


def _any_case(words: Iterable[str]) -> str:
    return "|".join("".join(f"[{c}{c.swapcase()}]" if c.isalpha() else c for c in word) for word in words)


SYMBOL_PATTERN = "[A-Za-z0-9_]{2,40}"
KEY_PATTERN = (
    f"{_any_case(['GLOBAL'])}|{_any_case(['SYMBOL'])}:{SYMBOL_PATTERN}"
    f"|{_any_case(['SYMBOL_TF'])}:{SYMBOL_PATTERN}:({_any_case(TIMEFRAMES)})"
)
"""What `symbol_name` and `SwitchKey.parse` read, for ``re.fullmatch`` and for schemas."""


@dataclass(frozen=True, slots=True, order=True)
class SwitchKey:
    """What a switch is for; ``symbol`` and ``timeframe`` are empty where the scope has none."""

    scope: SwitchScope
    symbol: str = ""
    timeframe: str = ""

    @staticmethod
    def of_symbol(symbol: str) -> SwitchKey:
        """The switch of a symbol."""
        return SwitchKey("symbol", symbol)

    @staticmethod
    def of_timeframe(symbol: str, timeframe: Timeframe) -> SwitchKey:
        """The switch of one timeframe of a symbol."""
        return SwitchKey("timeframe", symbol, timeframe)

    @staticmethod
    def parse(text: str) -> SwitchKey:
        """Reads the outward spelling, in capitals or not. Raises ``ValueError`` that says what is wrong."""
        kind, *of = text.split(":")
        match kind.upper(), of:
            case "GLOBAL", []:
                return GLOBAL
            case "SYMBOL", [symbol]:
                return SwitchKey.of_symbol(symbol_name(symbol))
            case "SYMBOL_TF", [symbol, timeframe]:
                return SwitchKey.of_timeframe(symbol_name(symbol), _timeframe(timeframe))
            case _:
                plain = not of and re.fullmatch(SYMBOL_PATTERN, text)
                hint = f"; did you mean SYMBOL:{text.upper()}?" if plain else ""
                raise ValueError(f"expected {FORM}, not '{text[:100]}'{hint}")

    def __str__(self) -> str:
        match self.scope:
            case "global":
                return "GLOBAL"
            case "symbol":
                return f"SYMBOL:{self.symbol}"
            case "timeframe":
                return f"SYMBOL_TF:{self.symbol}:{self.timeframe}"


GLOBAL = SwitchKey("global")


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A switch that was turned. ``until`` ends an off (None: not by itself); instants are this machine's."""

    key: SwitchKey
    on: bool
    cause: SwitchCause
    reason: str
    actor: str
    changed_at: int
    until: int | None

    def off(self, now_ms: int) -> bool:
        """Whether it is off at ``now_ms``: one whose time is over is on."""
        return not self.on and (self.until is None or self.until > now_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A symbol that the next run looks at, whether or not it would have selected it."""

    symbol: str
    reason: str
    actor: str
    queued_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A symbol on the blacklist; ``until`` None is for ever."""

    symbol: str
    reason: str
    actor: str
    added_at: int
    until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchState:
    """What was off, blacklisted and queued at ``now_ms``; whatever is not in it is on."""

    now_ms: int
    global_off: Switch | None
    symbols: Mapping[str, Switch]
    timeframes: Mapping[tuple[str, str], Switch]
    blacklist: Mapping[str, Entry]
    queued: tuple[Queued, ...]

    def symbol_off(self, symbol: str) -> Switch | None:
        """The symbol's own switch, if it is off; the global one is another matter."""
        return self.symbols.get(symbol)

    def timeframe_off(self, symbol: str, timeframe: Timeframe) -> Switch | None:
        """The switch of this timeframe of the symbol, if it is off."""
        return self.timeframes.get((symbol, timeframe))

    def blacklisted(self, symbol: str) -> Entry | None:
        """The symbol's entry on the blacklist, if it is in force."""
        return self.blacklist.get(symbol)


@dataclass(frozen=True, slots=True)
class Turned:
    """What turning came to; ``queued``: the symbol cooled down, and the next run looks at it."""

    switch: Switch
    queued: bool


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What excluding a symbol came to. ``was_off``: its switch was off already; ``until`` is when it comes
    on by itself, None where an operator switched it off without an end.
    """

    symbol: str
    was_off: bool
    until: int | None


KeptOutReason = Literal["global_switch_off", "blacklisted", "symbol_switch_off", "timeframe_switch_off"]


@dataclass(frozen=True, slots=True)
class KeptOut:
    """What keeps a symbol out, and who wanted that, why and until when, in the types of JSON."""

    reason: KeptOutReason
    told: Mapping[str, str | None]


def switch_facts(state: SwitchState, symbol: str, timeframes: Iterable[Timeframe]) -> dict[str, bool]:
    """The same as gates read it."""
    own = state.symbol_off(symbol)
    return {
        "global_off": state.global_off is not None,
        "blacklisted": state.blacklisted(symbol) is not None,
        "symbol_off": own is not None,
        "off_by_open_state": own is not None and own.cause == "has_open_orders_or_positions",
        "timeframe_off": any(state.timeframe_off(symbol, timeframe) for timeframe in timeframes),
    }


def keeping_out(state: SwitchState, symbol: str, timeframes: Iterable[Timeframe]) -> KeptOut | None:
    """What forbids a symbol at the instant of the state, given the timeframes that its verdict stands on.

    A switch that a run turned because something was open forbids nothing by itself: whoever asks looks at
    what is open at that very moment.
    """
    if state.global_off is not None:
        return KeptOut("global_switch_off", _told(state.global_off))
    if (entry := state.blacklisted(symbol)) is not None:
        told = {"blacklist_reason": entry.reason, "blacklisted_by": entry.actor}
        return KeptOut("blacklisted", {**told, "blacklisted_until": _iso(entry.until)})
    own = state.symbol_off(symbol)
    if own is not None and own.cause == "operator":
        return KeptOut("symbol_switch_off", _told(own))
    for timeframe in timeframes:
        if (switch := state.timeframe_off(symbol, timeframe)) is not None:
            return KeptOut("timeframe_switch_off", _told(switch))
    return None


def _told(switch: Switch) -> dict[str, str | None]:
    told = {"switch": str(switch.key), "switch_reason": switch.reason, "switched_by": switch.actor}
    return {**told, "switch_until": _iso(switch.until)}


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)


def symbol_name(text: str) -> str:
    """A symbol in capitals. Raises ``ValueError`` for what cannot be one."""
    # Not capitals first: those of "ß" are "SS", which names another symbol.
    if not re.fullmatch(SYMBOL_PATTERN, text):
        raise ValueError(f"'{text}' is not a symbol (2 to 40 letters, digits and _)")
    return text.upper()


def _timeframe(text: str) -> Timeframe:
    name = text.lower() if text.isascii() else text
    if name in TIMEFRAMES:
        return name
    meant = nearest(name, TIMEFRAMES)
    hint = f"; did you mean {meant}?" if meant else ""
    raise ValueError(f"'{text}' is not a timeframe ({', '.join(TIMEFRAMES)}){hint}")

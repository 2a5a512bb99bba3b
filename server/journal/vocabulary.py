"""Small numbers that stand for words in the decision table. A number never changes its meaning."""

from __future__ import annotations

from typing import Literal

from engine.models.base import Side, Timeframe

DecisionStatus = Literal["READY", "INVALID", "ERROR"]

STATUSES: tuple[DecisionStatus, ...] = ("INVALID", "READY", "ERROR")
SIDES: tuple[Side, ...] = ("long", "short")
TIMEFRAMES: tuple[Timeframe, ...] = ("1m", "5m", "15m", "30m", "1h", "4h", "1d")


def code_of(words: tuple[str, ...], word: str | None) -> int | None:
    """The number of a word; ``None`` stays ``None``. Raises ``ValueError`` for a word that has none."""
    return None if word is None else words.index(word)

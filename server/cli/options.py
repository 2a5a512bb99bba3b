"""Options that several commands share, declared once so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RulesOption = Annotated[
    Path | None,
    typer.Option(
        "--rules",
        metavar="DIR",
        help="Folder of rules. Without it: ENTRYGATE_RULES_DIR, else the shipped ones.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", metavar="", help="Print one JSON document instead of text.")
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="Profile to use. Without it: the first enabled one."),
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Instant to decide at, such as 2025-06-01T07:46:00Z. Without it: the venue's present.",
    ),
]
ModeOption = Annotated[
    str | None,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="How the context timeframes decide: pragmatic or strict. Without it: as the profile says.",
    ),
]
MarketDataOption = Annotated[
    Path | None,
    typer.Option(
        "--market-data",
        metavar="DIR",
        help="Folder of candle files <SYMBOL>-<timeframe>.parquet."
        " Without it: ENTRYGATE_MARKET_DATA, else the bundled ones.",
    ),
]
NoJournalOption = Annotated[
    bool, typer.Option("--no-journal", metavar="", help="Do not keep the run; it cannot be explained later.")
]

"""Makes the bundle again: ``python -m server.bundled.make FOLDER``; FOLDER holds the recorded market data.

Cuts the 1m files of `SYMBOLS` in set `SET` to `FIRST` .. `LAST` and writes them to ``candles/`` with
``manifest.json``. Refuses a source whose SHA-256 or origin is not the one that FOLDER's ``manifest.csv`` and
`REPOSITORY` say: only candles of that repository may be shipped, under its licence.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pyarrow
import pyarrow.parquet

from engine.candles import CandleSet
from server.exchange.paper.parquet import COLUMNS, read_columns
from server.instants import iso

HERE = Path(__file__).parent
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT", "LINKUSDT", "AVAXUSDT", "SUIUSDT")
SET = "2025-05"
FIRST = "2025-05-26T00:00:00Z"
LAST = "2025-06-03T15:31:00Z"
REPOSITORY = "typhonun/DcaTpStrategy"
LICENCE = "MIT"
VENUE = "Binance USDT-margined perpetual futures"


class SourceRefused(Exception):
    """A source file is not what its manifest says, or may not be shipped."""


def make(folder: Path) -> None:
    """Writes the candle files and their manifest. Raises `SourceRefused`."""
    with (folder / "manifest.csv").open(newline="") as stream:
        recorded = {row["file"]: row for row in csv.DictReader(stream)}
    entries = [_bundle(folder, recorded, symbol) for symbol in SYMBOLS]
    manifest = {
        "venue": VENUE,
        "columns": "ts_ms: open time, ms UTC; open, high, low, close in quote; volume in base",
        "changes": f"rows outside {FIRST} to {LAST} were cut; no value was altered",
        "licence_text": "LICENSE-DcaTpStrategy",
        "files": entries,
    }
    (HERE / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _bundle(folder: Path, recorded: dict[str, dict[str, str]], symbol: str) -> dict[str, str | int]:
    name = f"{symbol}-1m.parquet"
    key = f"klines/{SET}/{name}"
    source = recorded[key]
    path = folder / key
    if source["source"] != REPOSITORY:
        raise SourceRefused(f"{path}: comes from {source['source']}, only {REPOSITORY} may be shipped")
    if hashlib.sha256(path.read_bytes()).hexdigest() != source["sha256"]:
        raise SourceRefused(f"{path}: its SHA-256 is not the one in manifest.csv")
    candles = CandleSet.from_columns(symbol, "1m", *read_columns(path))
    part = candles.since(_instant(FIRST)).closed(_instant(LAST) + 60_000)
    target = HERE / "candles" / name
    target.parent.mkdir(exist_ok=True)
    arrow, parquet = cast(Any, pyarrow), cast(Any, pyarrow.parquet)
    columns = (part.ts, part.open, part.high, part.low, part.close, part.volume)
    table = arrow.table(dict(zip(COLUMNS, columns, strict=True)))
    # Without dictionaries zstd sees the whole column: a quarter smaller for prices of this size.
    parquet.write_table(table, target, compression="zstd", compression_level=19, use_dictionary=False)
    return {
        "file": f"candles/{name}",
        "symbol": symbol,
        "timeframe": "1m",
        "rows": len(part),
        "first": iso(int(part.ts[0])),
        "last": iso(int(part.ts[-1])),
        "repository": f"https://github.com/{REPOSITORY}",
        "commit": source["commit"],
        "path": source["path"],
        "git_blob": source["git_blob"],
        "licence": LICENCE,
        "source_sha256": source["sha256"],
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }


def _instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

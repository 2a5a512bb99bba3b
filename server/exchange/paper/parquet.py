"""Candle columns of one Parquet file. The only module that knows pyarrow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume")

_arrow = cast(Any, pyarrow)  # pyarrow ships no types
_parquet = cast(Any, pyarrow.parquet)


class ParquetProblem(Exception):
    """The file is not Parquet, or not a table of candles; the text says what."""


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of a file and the first and last of its open times (ms UTC; None without rows)."""

    rows: int
    first_ms: int | None
    last_ms: int | None


def read_span(path: Path) -> Span:
    """What the footer says, without reading the columns. Raises `ParquetProblem`."""
    try:
        footer = _parquet.read_metadata(path)
        names: list[str] = footer.schema.names
        if "ts_ms" not in names:
            raise ParquetProblem("there is no column 'ts_ms'")
        column = names.index("ts_ms")
        groups = [footer.row_group(g) for g in range(footer.num_row_groups)]
        statistics = [group.column(column).statistics for group in groups if group.num_rows]
        if any(s is None or not s.has_min_max for s in statistics):
            times = _integers(_parquet.read_table(path, columns=["ts_ms"]).column("ts_ms"))
            return Span(len(times), int(times.min()), int(times.max()))
        bounds = [(int(s.min), int(s.max)) for s in statistics]
    except (OSError, TypeError, ValueError, _arrow.ArrowException) as error:
        raise ParquetProblem(_first_line(error)) from error
    if not bounds:
        return Span(0, None, None)
    return Span(int(footer.num_rows), min(low for low, _ in bounds), max(high for _, high in bounds))


def read_columns(path: Path) -> list[NDArray[Any]]:
    """The six columns of `COLUMNS`: int64, then five float64, each ``(rows,)``. Raises `ParquetProblem`."""
    try:
        present: list[str] = _parquet.read_schema(path).names
        missing = [name for name in COLUMNS if name not in present]
        if missing:
            raise ParquetProblem(f"there is no column {', '.join(map(repr, missing))}; found {present}")
        table = _parquet.read_table(path, columns=list(COLUMNS))
        times = _integers(table.column("ts_ms"))
        return [times, *(_numbers(name, table.column(name)) for name in COLUMNS[1:])]
    except (OSError, _arrow.ArrowException) as error:
        raise ParquetProblem(_first_line(error)) from error


def _integers(column: Any) -> NDArray[np.int64]:
    if not _arrow.types.is_integer(column.type):
        raise ParquetProblem(f"column 'ts_ms' is {column.type}, not whole milliseconds (int64)")
    if column.null_count:
        raise ParquetProblem(f"column 'ts_ms' has {column.null_count} empty rows")
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _numbers(name: str, column: Any) -> NDArray[np.float64]:
    kind = column.type
    if not (_arrow.types.is_floating(kind) or _arrow.types.is_integer(kind)):
        raise ParquetProblem(f"column {name!r} is {kind}, not numbers (float64)")
    # An empty cell becomes NaN, which the check of the candles then refuses with its row.
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__

"""Real Parquet files in the test's own folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# Suites that other modules inherit: their asserts explain themselves like those of a test module.
pytest.register_assert_rewrite("conformance", "conformance_protection", "conformance_trader")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, dict[str, Any]], Path]:
    """Writes a table under a name below the test's folder."""

    def write(name: str, table: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(table), path)
        return path

    return write

"""The way to what other rooms share, how many seeds are driven, and one template database per session."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
for shared in (TESTS, TESTS / "exchange", TESTS / "trade_entry", TESTS / "bitmart"):
    if str(shared) not in sys.path:
        sys.path.append(str(shared))


@pytest.fixture(scope="session")
def places() -> Iterator[Path]:
    """A folder for throwaway databases: in memory where the machine has such a place."""
    memory = Path("/dev/shm")
    base = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="entrygate-simulation-", dir=base) as folder:
        yield Path(folder)

"""Journeys are told by the worlds of the simulation, without its chance."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
for shared in (TESTS, TESTS / "exchange", TESTS / "trade_entry", TESTS / "simulation", TESTS / "orders"):
    if str(shared) not in sys.path:
        sys.path.append(str(shared))


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where the databases of the worlds are."""
    with tempfile.TemporaryDirectory(prefix="entrygate-journeys-") as made:
        yield Path(made)

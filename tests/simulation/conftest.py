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


PAPER_SEEDS = 1700
AT_ONCE = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("simulation")
    group.addoption("--seeds", type=int, help="how many worlds are driven on the paper venue")
    group.addoption("--seed", type=int, help="drive this world alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Seeds in parts, so that several workers share them."""
    if "seeds" not in metafunc.fixturenames:
        return
    one = metafunc.config.getoption("--seed", None)
    count = metafunc.config.getoption("--seeds", None)
    given = getattr(metafunc.module, "SEEDS", PAPER_SEEDS) if count is None else count
    parts = [range(first, min(first + AT_ONCE, given)) for first in range(0, given, AT_ONCE)]
    if one is not None:
        parts = [range(one, one + 1)]
    metafunc.parametrize("seeds", parts, ids=[f"{part.start}-{part.stop - 1}" for part in parts])

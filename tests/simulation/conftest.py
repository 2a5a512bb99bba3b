"""The way to what other rooms share, which seeds are driven, and where their databases are."""

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


AT_ONCE = 20
"""Seeds of one test, so that several workers share them."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Seeds in parts; each module says in ``SEEDS`` how many there are without ``--seeds``."""
    if "seeds" not in metafunc.fixturenames:
        return
    one = metafunc.config.getoption("--seed", None)
    count = metafunc.config.getoption("--seeds", None)
    given = metafunc.module.SEEDS if count is None else count
    parts = [range(first, min(first + AT_ONCE, given)) for first in range(0, given, AT_ONCE)]
    if one is not None:
        parts = [range(one, one + 1)]
    metafunc.parametrize("seeds", parts, ids=[f"{part.start}-{part.stop - 1}" for part in parts])

"""What tests share: the repository's folders, golden files outside ``tests/``, and real candles."""

from __future__ import annotations

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.location import PyTestLocation

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "rules"
MARKET_DATA = ROOT.parent / "shared" / "market-data"


class Golden(JSONSnapshotExtension):
    """One JSON file per snapshot in ``golden/<test module>/``."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(ROOT / "golden" / test_location.basename)


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compares with a file under ``golden/``; every such file is a claim of what the product says."""
    return snapshot.use_extension(Golden)


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The recorded market data beside the repository; tests that need it are skipped where it is absent."""
    if not MARKET_DATA.is_dir():
        pytest.skip("needs the recorded market data in ../shared/market-data")
    return MARKET_DATA

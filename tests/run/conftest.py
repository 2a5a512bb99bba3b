"""A whole service on the bundled candles, with a database and a rules folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from run_answers import READY
from venues_between import SlowToDecide, another_runner

from server.run import verdicts
from server.run.runner import Runner
from server.service import Service, service
from server.settings import Settings, load_settings, shipped_rules


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    rules = shutil.copytree(shipped_rules(), tmp_path / "rules")
    return load_settings(rules_dir=rules, database_url=f"sqlite:///{tmp_path / 'journal.db'}")


@pytest.fixture
async def opened(settings: Settings) -> AsyncIterator[Service]:
    async with service(settings) as running:
        yield running


@pytest.fixture
async def trading(settings: Settings) -> AsyncIterator[Service]:
    """The same, placing orders at a paper venue whose clock runs from a minute with READY symbols."""
    running = settings.model_copy(update={"paper_start": READY, "paper_speed": 1.0})
    async with service(running, trades=True) as opened:
        yield opened


@pytest.fixture
def runner_on(opened: Service) -> Callable[[Any], Runner]:
    """Another runner of the same service, on a venue of the test's own."""
    return lambda venue: another_runner(opened, venue)


@pytest.fixture
def placing_on(trading: Service) -> Callable[[Any], Runner]:
    """The same, placing orders."""
    return lambda venue: another_runner(trading, venue)


@pytest.fixture
def slow_to_decide(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowToDecide]:
    """Stands between runs and the rules; told a symbol, it holds up whatever is decided with it."""
    slow = SlowToDecide(verdicts.decide)
    monkeypatch.setattr(verdicts, "decide", slow.decide)
    yield slow
    slow.release()

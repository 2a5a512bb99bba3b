"""The application on the bundled candles, called in process; its database and rules are the test's own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from server.api import create_app
from server.settings import Settings, load_settings, shipped_rules


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    rules = shutil.copytree(shipped_rules(), tmp_path / "rules")
    return load_settings(rules_dir=rules, database_url=f"sqlite:///{tmp_path / 'journal.db'}")


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[AsyncTestClient[Any]]:
    async with AsyncTestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client

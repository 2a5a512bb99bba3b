"""The page of the OpenAPI document in a real browser that can reach nothing but this server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from live_server import serving

from server.api import create_app
from server.settings import Settings

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--virtual-time-budget=8000",
    "--dump-dom",
)


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_page_shows_every_operation_offline(settings: Settings, tmp_path: Path) -> None:
    with serving(create_app(settings)) as address:
        command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'browser'}", f"{address}/schema"]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    for path in ("/api/mtf/run", "/api/decisions/{decision_id}/explain", "/ready"):
        # The page breaks long words with a zero-width space after each slash.
        assert path in shown.replace("\u200b", "")
    assert "Failed to load" not in shown

"""Command lines as a shell gives them: in this process where nothing is opened, else in one of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from command_lines import OFFLINE, ROOT, Answer, Command

from server.cli.app import run_command


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the shipped rules, to edit."""
    return Path(shutil.copytree(ROOT / "rules", tmp_path / "rules"))


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """No settings, no terminal, and data in the test's own folder."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ENTRYGATE_", "COLUMNS", "FORCE_"))}
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "ENTRYGATE_DATABASE_URL": f"sqlite:///{tmp_path}/journal.db",
    }


@pytest.fixture
def light(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs a command in this process, in the test's folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ENTRYGATE_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str | Path) -> Answer:
        code = run_command([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return run


@pytest.fixture
def entrygate(environment: Mapping[str, str], tmp_path: Path) -> Command:
    """Runs a command in a process of its own, which may open no connection."""

    def run(*arguments: str | Path, **settings: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-c", OFFLINE, *map(str, arguments)],
            cwd=tmp_path,
            env={**environment, **settings},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run

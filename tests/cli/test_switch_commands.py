"""``switches``, ``blacklist`` and ``locks``: what they print, word by word but for instants."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from command_lines import Command
from syrupy.assertion import SnapshotAssertion

from server.database import Database, DatabaseAddress
from server.instants import machine_ms
from server.switches.run_locks import RunLocks, run_key

LOCK = run_key("paper", "perpetual", "scalper_micro")
STEPS = {
    "switches": (
        "switches",
        "switches off GLOBAL --for 15m --reason maintenance",
        "switches off SYMBOL:BTCUSDT --reason news",
        "switches off symbol_tf:ETHUSDT:5M --for 4h --reason odd",
        "switches off SYMBOL:SOLUSDT --for 1d --reason listing",
        "switches",
        "switches --symbol ethusdt",
        "switches on SYMBOL:SOLUSDT --reason well",
        "switches queue LINKUSDT --reason look",
        "switches on SYMBOL:BTCUSDT --reason over",
        "switches --state on",
        "switches --state off --json",
        "switches --page 2",
        "switches --symbol XRPUSDT",
    ),
    "blacklist": (
        "blacklist",
        "blacklist add btcusdt --reason illiquid",
        "blacklist add ETHUSDT --for 1d --reason manual",
        "blacklist",
        "blacklist list ETHUSDT --json",
        "blacklist remove BTCUSDT --reason back",
        "blacklist remove BTCUSDT --reason back",
        "blacklist list BTCUSDT",
    ),
    "locks": (
        "locks",
        f"locks release {LOCK} --reason stuck",
        "(a run begins)",
        "locks",
        "locks --json",
        f"locks release {LOCK} --reason stuck",
        "locks list paper:perpetual:crash",
    ),
}


@pytest.fixture
def kept(light: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Command]:
    """In this process, on a database of the test's own."""
    monkeypatch.setenv("ENTRYGATE_DATABASE_URL", f"sqlite:///{tmp_path}/kept.db")
    monkeypatch.setenv("LOGNAME", "ada")
    yield light
    structlog.reset_defaults()  # the stderr that the commands log to is gone with the test


@pytest.mark.parametrize("command", STEPS)
def test_the_answers_word_by_word(
    kept: Command, tmp_path: Path, command: str, golden: SnapshotAssertion
) -> None:
    told: list[dict[str, object]] = []
    for line in STEPS[command]:
        if line.startswith("("):
            asyncio.run(_begin(tmp_path / "kept.db"))
            continue
        answer = kept(*line.split())
        assert max(map(len, answer.lines), default=0) <= 80
        said = [_same(one) for one in (answer.out + answer.err).splitlines()]
        told.append({"command": line, "code": answer.code, "says": said})
    assert told == golden


def test_a_misspelt_symbol_is_a_warning_not_a_refusal(kept: Command) -> None:
    """What is not listed yet can be kept out beforehand."""
    unknown = kept("switches", "off", "SYMBOL:BTCUSD", "--reason", "news")
    assert (unknown.code, unknown.err) == (0, ""), "nothing was ever run: nobody can say"
    assert kept("run", "BTCUSDT", "--at", "2025-06-01T07:46:00Z").code == 0
    for line in ("switches off SYMBOL:BTCUSD", "switches queue BTCUSD", "blacklist add BTCUSD"):
        misspelt = kept(*line.split(), "--reason", "news")
        assert misspelt.code == 0
        assert misspelt.err == "no run has ever looked at BTCUSD; did you mean BTCUSDT?\n"
        said = json.loads(kept(*line.split(), "--reason", "news", "--json").out)
        assert said["warnings"] == [misspelt.err.strip()]
        right = kept(*line.replace("BTCUSD", "BTCUSDT").split(), "--reason", "news")
        assert (right.code, right.err) == (0, "")


async def _begin(file: Path) -> None:
    database = Database.open(DatabaseAddress.of_file(file))
    await RunLocks(database).acquire(LOCK, run_id="r1", holder="ada", ttl_sec=300, now_ms=machine_ms())
    await database.close()


def _same(line: str) -> str:
    """Instants differ from run to run."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "(instant)", line)

"""``run`` on the bundled candles."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from command_lines import AT, OFFLINE, Command, edit
from syrupy.assertion import SnapshotAssertion


def test_the_answer_in_80_columns(entrygate: Command, golden: SnapshotAssertion) -> None:
    answer = entrygate("run", "--at", AT)

    assert (answer.code, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= 80
    assert answer.lines == golden


def test_minutes_pass_one_by_one(entrygate: Command, golden: SnapshotAssertion) -> None:
    answer = entrygate("run", "SUIUSDT", "LINKUSDT", "--at", AT, "--minutes", "7", "--no-journal")

    assert (answer.code, answer.err) == (0, "")
    assert answer.lines[: answer.lines.index("", 10)] == golden


def test_json_is_the_answer_of_the_api(entrygate: Command, tmp_path: Path) -> None:
    answer = entrygate("run", "btcusdt", "LINKUSDT", "--at", AT, "--workers", "2", "--json")
    data = json.loads(answer.out)["data"]

    assert (answer.code, answer.err) == (0, "")
    assert {symbol: a["status"] for symbol, a in data["symbols"].items()} == {
        "BTCUSDT": "INVALID",
        "LINKUSDT": "READY",
    }
    assert data["symbols"]["LINKUSDT"]["trading_decision"]["status"] == "simulated"
    assert (tmp_path / "journal.db").is_file(), "the run is kept"


def test_json_of_minutes(entrygate: Command, tmp_path: Path) -> None:
    answer = entrygate("run", "LINKUSDT", "--at", AT, "--minutes", "2", "--json", "--no-journal")
    said = json.loads(answer.out)

    assert [minute["as_of"] for minute in said["minutes"]] == ["2025-06-01T07:45:00Z", AT]
    assert [minute["became_ready"] for minute in said["minutes"]] == [{}, {"LINKUSDT": "long"}]
    assert said["minutes"][0]["by_reason"] == {"no_timeframe_selected": 1}
    assert said["last"]["data"]["run"]["as_of"] == AT
    assert not (tmp_path / "journal.db").exists(), "nothing is kept"


def test_an_instant_without_candles_is_a_reason_not_a_failure(entrygate: Command) -> None:
    answer = entrygate("run", "BTCUSDT", "--at", "2025-05-26T01:00:00Z")

    assert answer.code == 0
    assert answer.lines[1].split() == ["BTCUSDT", "INVALID", "5m", "not_enough_klines"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("BTCUSD",), "SYMBOL: paper has no symbol 'BTCUSD'; did you mean 'BTCUSDT'?"),
        (("--profile", "scalpre"), "--profile: there is no profile 'scalpre'; did you mean 'scalper'?"),
        (("--mode", "strikt"), "--mode: "),
        (("--workers", "99"), "--workers: expected 1 to 16, not 99"),
        (("--market-data", "nowhere"), "--market-data: there is no folder 'nowhere'"),
    ],
)
def test_what_does_not_exist_is_wrong_use(
    entrygate: Command, arguments: tuple[str, ...], message: str
) -> None:
    answer = entrygate("run", *arguments, "--at", AT)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(message) and answer.err.count("\n") == 1


def test_settings_that_do_not_exist_are_wrong_use(entrygate: Command) -> None:
    answer = entrygate("run", ENTRYGATE_PAPER_SPRED_TICKS="2")

    assert answer.code == 2
    assert answer.err == (
        "ENTRYGATE_PAPER_SPRED_TICKS: no such setting; did you mean ENTRYGATE_PAPER_SPREAD_TICKS?\n"
    )


def test_broken_rules_are_told_as_check_tells_them(entrygate: Command, light: Command, rules: Path) -> None:
    edit(rules / "conditions/rsi.yaml", "when: rsi < threshold", "when: rsi < treshold")

    answer = entrygate("run", "--rules", "rules", "--at", AT)

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines()[:-1] == light("check", "rules").out.splitlines()[:-1]


def test_one_edited_line_changes_the_verdict(entrygate: Command, rules: Path) -> None:
    command = ("run", "AVAXUSDT", "--rules", "rules", "--at", "2025-06-01T06:55:00Z", "--json")
    before = json.loads(entrygate(*command).out)["data"]
    short = "          - ema_20_lt_50\n          - near_vwap: {tolerance: 0.001"
    edit(rules / "profiles/scalper_micro/validation.yaml", f"{short}2}}", f"{short}5}}")
    after = json.loads(entrygate(*command).out)["data"]

    assert before["symbols"]["AVAXUSDT"]["reason"] == "no_timeframe_selected"
    assert after["symbols"]["AVAXUSDT"]["status"] == "READY"
    assert before["run"]["fingerprint"] != after["run"]["fingerprint"]


def test_on_a_terminal_there_is_colour_and_the_progress_is_gone_at_the_end(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", OFFLINE, "run", "LINKUSDT", "--at", AT]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**environment, "TERM": "xterm"}, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = read_all(ours)

    assert process.wait(60) == 0
    assert "\x1b[1;32mREADY" in shown
    assert "reading rules and candles" in shown
    assert "reading rules and candles" not in shown[shown.index("symbol") :]


def read_all(terminal: int) -> str:
    """Everything that is written to a terminal until the writer has gone."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # what Linux says at the end
            break
        if not part:
            break
        parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()

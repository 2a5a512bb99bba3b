"""``why``, ``runs``, ``stats``, ``audit`` and ``queue`` over ten recorded minutes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command_lines import AT, Answer, Command
from syrupy.assertion import SnapshotAssertion

BEGIN, END = "2025-06-01T07:35:00Z", "2025-06-01T07:50:00Z"
VARYING = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "(run)"),
    (r"\b\d+(\.\d)? (m?s)\b", r"(time) \2"),
    (r"20(?!25)\d\d-\d\d-\d\dT[\d:.]+Z", "(now)"),
)


@pytest.fixture
def asked(entrygate: Command, light: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Commands after ten minutes of three symbols, and one run of another one."""
    monkeypatch.setenv("ENTRYGATE_DATABASE_URL", f"sqlite:///{tmp_path}/journal.db")
    assert entrygate("run", "BTCUSDT", "SUIUSDT", "LINKUSDT", "--at", AT, "--minutes", "10").code == 0
    assert entrygate("run", "AVAXUSDT", "--at", "2025-06-01T07:47:00Z").code == 0
    return light


def lines(answer: Answer) -> list[str]:
    """Stdout without what differs from run to run, and never wider than 80 columns."""
    assert (answer.code, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= 80
    text = answer.out
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    return [re.sub(r" +$", "", line) for line in text.splitlines()]


def test_what_they_print(asked: Command, golden: SnapshotAssertion) -> None:
    period = ("--from", BEGIN, "--to", END)
    (newest,) = json.loads(asked("runs", "--last", "1", "--json").out)["items"]
    assert {
        "why": lines(asked("why", "suiusdt", *period)),
        "runs": lines(asked("runs", "--last", "2")),
        "run": lines(asked("runs", newest["run_id"]))[:4],
        "stats": lines(asked("stats", "--symbol", "SUIUSDT", *period)),
        "audit": lines(asked("audit", "--symbol", "SUIUSDT", "--timeframe", "1m", "--last", "2")),
        "actions": lines(asked("audit", "--actions")),
        "queue": lines(asked("queue")),
    } == golden


def test_every_one_answers_a_script(asked: Command) -> None:
    said = json.loads(asked("why", "SUIUSDT", "--json", "--nearest", "1").out)
    (profile,) = said["profiles"]
    assert (said["symbol"], profile["runs"], len(profile["nearest"])) == ("SUIUSDT", 11, 1)
    assert json.loads(asked("stats", "--json").out)["decisions"] == 31
    assert json.loads(asked("audit", "--json", "--last", "3").out)["page_size"] == 3
    assert json.loads(asked("runs", "--json", "--status", "error").out)["total"] == 0
    assert json.loads(asked("runs", "--json", "--live").out)["total"] == 0
    assert json.loads(asked("queue", "--json").out)["queues"] == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("why BTCUSD", "no decision of 'BTCUSD'; did you mean 'BTCUSDT'?"),
        ("stats --symbol BTCUSD", "no decision of 'BTCUSD'; did you mean 'BTCUSDT'?"),
        ("audit --rule near_vwpa", "no rule 'near_vwpa'; did you mean 'near_vwap'?"),
        ("audit --reason NO_LONG_NO_SHRT", "no reason 'NO_LONG_NO_SHRT'; did you mean 'NO_LONG_NO_SHORT'?"),
        (
            "audit --actions --symbol X",
            "--actions goes with --action, --actor, --about,",
        ),
        ("audit --actions --action hlat", "--action 'hlat': did you mean 'halt'?"),
        ("audit --actor cli:ada", "--action, --actor and --about need --actions"),
        (
            "why BTCUSDT --profile scalper_mirco",
            "no run of profile 'scalper_mirco'; did you mean",
        ),
        ("runs --profile nope", "no run of profile 'nope'; there is scalper_micro"),
        ("runs --status sucess", "--status 'sucess': did you mean 'success'?"),
        ("runs nope", "no run 'nope'; entrygate runs lists them"),
        (f"why BTCUSDT --from {END} --to {BEGIN}", f"--to '{BEGIN}' is not after --from '{END}'"),
        ("why BTCUSDT --nearest 101", "--nearest: expected 0 to 100, not 101"),
    ],
)
def test_what_cannot_be_asked(line: str, message: str, light: Command, recorded: None) -> None:
    answer = light(*line.split())

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(message) and answer.err.count("\n") == 1


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with one run, for every question that is refused."""
    import asyncio

    from server.run import RunRequest
    from server.service import service
    from server.settings import Settings

    url = f"sqlite:///{tmp_path_factory.mktemp('asked')}/journal.db"

    async def run() -> None:
        async with service(Settings(database_url=url)) as opened:
            await opened.runner.run(RunRequest(actor="test", symbols=("BTCUSDT",)))

    asyncio.run(run())
    return url


@pytest.fixture
def recorded(light: Command, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRYGATE_DATABASE_URL", database)


def test_a_timeframe_that_is_switched_off_is_named(
    entrygate: Command, light: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTRYGATE_DATABASE_URL", f"sqlite:///{tmp_path}/journal.db")
    assert light("switches", "off", "SYMBOL_TF:BTCUSDT:5m", "--reason", "news").code == 0
    assert entrygate("run", "BTCUSDT").code == 0
    assert "\n5m was switched off: 1 run, 2025-06-03 15:32\n" in light("why", "BTCUSDT").out
    (run,) = json.loads(light("runs", "--json").out)["items"]
    told = entrygate("explain", "--decision", f"{run['run_id']}.BTCUSDT").out
    assert re.search(r"5m context\b.*timeframe_switch_off\n", told)

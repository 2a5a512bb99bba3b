"""Shares of a run on a shared PostgreSQL: whoever decides them, the answer is the same."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from run_answers import BUNDLED, LONG, READY, SHORTS, lasting
from structlog.testing import capture_logs

from engine.ruleset import Profile
from engine.verdict import Verdict
from server.durable import Json, Steps, Workflow
from server.durable.engine import open_durable
from server.journal import NotRestorable
from server.journal.rulesets import Rulesets
from server.run.distribution import SHARE, Distribution, Sharer
from server.run.evaluation import Evaluation, Work
from server.run.judged import Findings
from server.run.request import RunRequest
from server.run.share import findings_json, findings_of, work_json
from server.service import Service, service
from server.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


async def answer(of: Service, as_of_ms: int, workers: int, **more: Any) -> Any:
    request = RunRequest(actor="test", as_of_ms=as_of_ms, workers=workers, verbose=True, **more)
    return lasting((await of.runner.run(request)).to_json())


@pytest.fixture
def shared(settings: Settings, postgres_url: str) -> Settings:
    """Settings of processes on one PostgreSQL, whose own clock stands."""
    return settings.model_copy(update={"database_url": postgres_url})


@pytest.fixture
async def coordinator(shared: Settings) -> AsyncIterator[Service]:
    """A service that leaves all work to others."""
    async with service(shared.model_copy(update={"dispatch": "async"}), trades=True) as opened:
        yield opened


@pytest.fixture
async def worker(shared: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """``entrygate worker`` on the same database."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from server.cli import main; main()", "worker"),
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ENTRYGATE_RULES_DIR": str(shared.rules_dir),
            "ENTRYGATE_DATABASE_URL": shared.database_url,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"Entrygate worker is ready")
    yield process
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def test_shares_are_decided_through_the_queue_and_change_nothing(shared: Settings) -> None:
    """A process that takes work decides its own shares, with the facts it kept."""
    async with service(shared, trades=True) as opened:
        for instant in (SHORTS, LONG):
            plain = await answer(opened, instant, 1)
            for workers in (4, 16):
                with capture_logs() as logs:
                    assert await answer(opened, instant, workers) == plain
                taken = [entry for entry in logs if entry["event"] == "run.share_decided"]
                assert taken
        assert opened.trading is not None
        durable = opened.trading.durable
        assert list(await durable.unfinished()) == list(await durable.failed()) == []


async def test_a_worker_decides_what_another_process_runs(
    coordinator: Service, worker: asyncio.subprocess.Process
) -> None:
    plain = await answer(coordinator, READY, 1)
    assert await answer(coordinator, READY, 3) == plain
    worker.send_signal(signal.SIGTERM)
    _, said = await worker.communicate()
    assert '"run.share_decided"' in said.decode()


async def test_a_worker_that_dies_is_not_missed(
    coordinator: Service, worker: asyncio.subprocess.Process
) -> None:
    """Stopped so that it holds what it took, then killed: the run decides what is left by itself."""
    plain = await answer(coordinator, READY, 1)
    worker.send_signal(signal.SIGSTOP)
    running = asyncio.create_task(answer(coordinator, READY, 4))
    await asyncio.sleep(0.5)
    worker.kill()
    with capture_logs() as logs:
        assert await running == plain
    assert {entry["event"] for entry in logs} >= {"run.share_not_taken"}


async def test_nobody_takes_work(coordinator: Service) -> None:
    plain = await answer(coordinator, SHORTS, 1)
    with capture_logs() as logs:
        assert await answer(coordinator, SHORTS, 2) == plain
    causes = [entry["cause"] for entry in logs if entry["event"] == "run.share_not_taken"]
    assert causes == ["nobody took it in time"] * 2


class Asked:
    """Steps of a share."""

    workflow_id = "share"


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"until": 1000}, "it waited until 1970-01-01T00:00:01Z only"),
        ({"work": {"venue": "elsewhere"}}, "there is no exchange 'elsewhere' here"),
        ({"work": {"fingerprint": "0" * 64}}, "the rules 000000000000 are not stored"),
        ({"known_ms": SHORTS - 60_000}, "candles are known until 2025-06-01T00:07:00Z here"),
    ],
)
async def test_a_share_is_refused(opened: Service, changes: dict[str, Any], cause: str) -> None:
    work, sharer = await _work(opened)
    share: dict[str, Any] = {"work": work, "known_ms": SHORTS, "until": 2**50}
    changed = {**share, **changes, "work": {**work, **changes.get("work", {})}}
    assert await sharer(Asked(), changed) == {"refused": cause}  # type: ignore[arg-type]
    assert "found" in await sharer(Asked(), share)  # type: ignore[arg-type]


async def test_what_does_not_come_out_is_decided_here(opened: Service) -> None:
    """Of other rules, silent about a symbol, damaged, or refused: it is noticed, and the answer stays."""
    work, sharer = await _work(opened)
    whole = await sharer(Asked(), {"work": work, "known_ms": SHORTS, "until": 2**50})  # type: ignore[arg-type]
    other = opened.rulesets.current.profiles["crash"]
    damaged = json.loads(json.dumps(whole))
    columns = damaged["found"]["batches"][0]["columns"][0]
    columns[2] = columns[2][:-8] + "AAAAAAA="
    wrong: list[Json] = [
        {"found": {"batches": [], "failures": []}},
        {"found": findings_json(await _found(opened, _this(opened, other)))},
        {"refused": "no"},
        damaged,
        None,
        ["another", "version"],
        {},
        {"found": None},
        {"found": {"batches": [{}], "failures": []}},
        {"found": {"batches": [], "failures": [{"another": "version"}]}},
    ]
    right = {s: one.verdict for s, one in (await _found(opened, _this(opened))).judged.items()}
    assert len(right) == 8
    assert await _distributed(opened, sharer) == (right, 0)
    for answers in wrong:

        async def answering(steps: Steps, argument: Json, answers: Json = answers) -> Json:
            return answers

        assert await _distributed(opened, answering) == (right, 1), answers

    async def failing(steps: Steps, argument: Json) -> Json:
        raise RuntimeError("no")

    assert await _distributed(opened, failing) == (right, 1)


async def test_switches_travel(opened: Service) -> None:
    """Each share with those of its symbols, so that whoever decides it decides alike."""
    off = frozenset({("BTCUSDT", "5m"), ("ETHUSDT", "1m"), ("GONEUSDT", "1m")})
    work, (described, sharer) = replace(_this(opened), timeframes_off=off), await _work(opened)
    here = {s: one.verdict for s, one in (await _found(opened, work)).judged.items()}
    said = {s: d.invalid_reason for s, v in here.items() for d in v.context.timeframe_decisions}
    assert said["BTCUSDT"] == "timeframe_switch_off"
    assert here["ETHUSDT"].execution.timeframe_decisions[0].invalid_reason == "timeframe_switch_off"
    there: dict[str, Verdict] = {}
    for symbols in (BUNDLED[:3], BUNDLED[3:]):
        part = work.about(symbols)
        assert {symbol for symbol, _ in part.timeframes_off} == set(symbols) & {"BTCUSDT", "ETHUSDT"}
        asked = {"work": work_json(part, str(described["fingerprint"])), "known_ms": SHORTS, "until": 2**50}
        answer: Any = await sharer(Asked(), json.loads(json.dumps(asked)))  # type: ignore[arg-type]
        findings = findings_of(answer["found"], part)
        there |= {symbol: one.verdict for symbol, one in findings.judged.items()}
    assert there == here


async def test_a_share_that_passes_over_a_switch_does_not_count(opened: Service) -> None:
    on = _this(opened)
    off = replace(on, timeframes_off=frozenset({("ETHUSDT", "1m")}))
    made = findings_of(findings_json(await _found(opened, off)), off)
    assert made.judged["ETHUSDT"].verdict.reason == "no_timeframe_selected"
    for decided, asked in ((on, off), (off, on)):
        with pytest.raises(NotRestorable, match="other timeframes switched off"):
            findings_of(findings_json(await _found(opened, decided)), asked)


async def test_failures_travel(opened: Service) -> None:
    work = replace(_this(opened), symbols=("BTCUSDT", "NOWHEREUSDT"))
    findings = await _found(opened, work)
    made = findings_of(findings_json(findings), work)
    assert made.failures == findings.failures
    assert [f.code for f in made.failures.values()] == ["candles_unavailable"]
    assert [one.verdict for one in made.judged.values()] == [one.verdict for one in findings.judged.values()]


def _this(opened: Service, profile: Profile | None = None) -> Work:
    return Work(
        "paper",
        profile or opened.rulesets.current.profiles["scalper_micro"],
        tuple(BUNDLED),
        SHORTS,
        "pragmatic",
        1,
        10.0,
        None,
    )


async def _work(opened: Service) -> tuple[dict[str, Json], Sharer]:
    rulesets, work = Rulesets(opened.database), _this(opened)
    fingerprint = await rulesets.keep(work.profile, 1)
    return work_json(work, fingerprint), Sharer(Evaluation(opened.venues), rulesets)


async def _found(opened: Service, work: Work) -> Findings:
    evaluation = Evaluation(opened.venues)
    return await evaluation.verdicts(work, await evaluation.candles(work))


async def _distributed(opened: Service, sharing: Workflow) -> tuple[dict[str, Verdict], int]:
    """The verdicts of a run whose shares are decided so, and how many shares it decided itself."""
    evaluation, rulesets = Evaluation(opened.venues), Rulesets(opened.database)
    async with open_durable(opened.settings.database, {}, brief={SHARE: sharing}) as durable:
        with capture_logs() as logs:
            found = await Distribution(durable, evaluation, rulesets).findings("run", _this(opened), _ignored)
    own = [entry for entry in logs if entry["event"] == "run.share_not_taken"]
    return {symbol: one.verdict for symbol, one in found.judged.items()}, len(own)


def _ignored(count: int) -> None:
    pass

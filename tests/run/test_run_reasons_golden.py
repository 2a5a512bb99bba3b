"""One golden file per reason code that a run gives by itself: what the answer says of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from run_answers import BUNDLED, READY, SHORTS, as_sent, edit_service
from syrupy.assertion import SnapshotAssertion
from test_run_isolation import too_short
from venues_between import Meanwhile, Mute, Slow, SlowToDecide

from server.exchange.errors import VenueUnavailable
from server.exchange.paper import PaperExchange, PaperOptions
from server.exchange.paper.venue import BUNDLED as BUNDLED_FOLDER
from server.instants import machine_ms
from server.run import RunReason, RunRequest, RunUnavailable
from server.run.memory import ProfileMemory
from server.run.runner import Runner
from server.run.verdicts import decide_share
from server.service import Service, service
from server.settings import Settings

MakeRunner = Callable[[Any], Runner]


async def test_candles_unavailable(
    opened: Service,
    runner_on: MakeRunner,
    tmp_path: Path,
    golden: SnapshotAssertion,
) -> None:
    folder = tmp_path / "candles"
    shutil.copytree(BUNDLED_FOLDER / "candles", folder)
    (folder / "ETHUSDT-1m.parquet").write_bytes(b"not a table")
    runner = runner_on(PaperExchange(PaperOptions(market_data=folder)))
    request = RunRequest(actor="test", as_of_ms=SHORTS, symbols=("ETHUSDT",))
    answer = as_sent((await runner.run(request)).to_json())
    said = json.dumps({"status": answer["status"], "ETHUSDT": answer["data"]["symbols"]["ETHUSDT"]})
    assert json.loads(said.replace(str(folder), "FOLDER")) == golden


async def test_evaluation_error(opened: Service, golden: SnapshotAssertion) -> None:
    memory = ProfileMemory(opened.rulesets.current.profiles["scalper_micro"])
    venue, symbol = opened.venues["paper"], BUNDLED[0]
    starts = memory.candle_starts(SHORTS)
    candles = {tf: too_short(await venue.candles(symbol, tf, start, SHORTS)) for tf, start in starts.items()}
    found, failed = decide_share(memory, [symbol], {symbol: candles}, SHORTS, "pragmatic")
    assert found == []
    assert [asdict(failure) for failure in failed] == golden


class Fading(PaperExchange):
    """A venue that says what time it is once, and then does not answer any more."""

    asked = 0

    async def now_ms(self) -> int:
        self.asked += 1
        if self.asked > 1:
            raise VenueUnavailable("paper", "now", "no route to the venue")
        return await super().now_ms()


async def test_run_failed(
    opened: Service, runner_on: Callable[[PaperExchange], Runner], golden: SnapshotAssertion
) -> None:
    with pytest.raises(RunUnavailable):
        await runner_on(Fading(PaperOptions())).run(RunRequest(actor="test", as_of_ms=SHORTS))
    (found,) = (await opened.journal.runs()).items
    stored = (await opened.journal.run(found.run_id)).to_json()
    assert {name: stored[name] for name in ("status", "errors", "excluded", "decisions")} == golden


async def test_journal_unavailable(opened: Service, golden: SnapshotAssertion) -> None:
    async with opened.database.write() as connection:
        await connection.exec_driver_sql("DROP TABLE trade_decision")
    answer = as_sent((await opened.runner.run(RunRequest(actor="test", as_of_ms=SHORTS))).to_json())
    (error,) = answer["data"]["errors"]
    said = error["message"].replace(answer["data"]["run"]["run_id"], "RUN")
    assert {"status": answer["status"], "error": error | {"message": said}} == golden


async def test_orders_unavailable(
    trading: Service, placing_on: MakeRunner, golden: SnapshotAssertion
) -> None:
    """The run has begun when the table goes: before that it would not have begun at all."""

    async def gone() -> None:
        async with trading.database.write() as connection:
            await connection.exec_driver_sql("ALTER TABLE order_intent RENAME TO gone")

    runner = placing_on(Meanwhile(trading.venues["paper"], gone))
    request = RunRequest(actor="test", dry_run=False, may_trade=True, symbols=("SUIUSDT",))
    data = (await runner.run(request)).to_json()["data"]
    decision = data["symbols"]["SUIUSDT"]["trading_decision"]
    said = json.dumps({"decision": decision, "errors": data["errors"]})
    # Whether reading or writing met it first is a matter of who was quicker.
    assert json.loads(said.replace("orders cannot be written", "orders cannot be read")) == golden
    counted = 'entrygate_decisions_total{reason="orders_unavailable",stage="run",status="error"} 1.0'
    assert counted in trading.metrics.render().decode()


async def test_decision_pending(settings: Settings, golden: SnapshotAssertion) -> None:
    """Left to any process: the answer does not wait for it."""
    left = settings.model_copy(update={"paper_start": READY, "paper_speed": 1.0, "dispatch": "async"})
    async with service(left, trades=True) as opened:
        request = RunRequest(actor="test", dry_run=False, may_trade=True, symbols=("SUIUSDT",))
        data = (await opened.runner.run(request)).to_json()["data"]
    assert data["symbols"]["SUIUSDT"]["trading_decision"] == golden


async def test_open_state_unavailable(
    trading: Service, placing_on: MakeRunner, golden: SnapshotAssertion
) -> None:
    runner = placing_on(Mute(trading.venues["paper"], "positions"))
    request = RunRequest(actor="test", dry_run=False, may_trade=True, symbols=("SUIUSDT",))
    data = (await runner.run(request)).to_json()["data"]
    decision = data["symbols"]["SUIUSDT"]["trading_decision"]
    assert {"decision": decision, "errors": data["errors"], "warnings": data["warnings"]} == golden
    assert (await trading.orders.page()).total == 0


async def test_run_lock_lost(trading: Service, placing_on: MakeRunner, golden: SnapshotAssertion) -> None:
    """An operator releases the lock while the run reads its candles."""
    key, now_ms = "paper:perpetual:scalper_micro", machine_ms()
    locks = trading.run_locks
    runner = placing_on(
        Meanwhile(
            trading.venues["paper"],
            lambda: locks.force_release(key, actor="operator", reason="it hangs", now_ms=now_ms),
        )
    )
    request = RunRequest(actor="test", dry_run=False, may_trade=True, symbols=("SUIUSDT",))
    data = (await runner.run(request)).to_json()["data"]
    assert data["symbols"]["SUIUSDT"]["trading_decision"] == golden
    assert (await trading.orders.page()).total == 0


async def test_symbol_timeout(
    opened: Service, runner_on: MakeRunner, slow_to_decide: SlowToDecide, golden: SnapshotAssertion
) -> None:
    """For its candles, for its verdict, or for its plan; the others go on."""
    request = RunRequest(actor="test", as_of_ms=SHORTS, symbols=("SOLUSDT", "ETHUSDT"))
    await opened.runner.run(request)  # the venue has read its files by then
    edit_service(opened.rulesets.folder, ("symbol_timeout_sec: 20", "symbol_timeout_sec: 1"))
    said: dict[str, Any] = {}
    for what in ("candles", "verdict", "book"):
        runner = runner_on(Slow(opened.venues["paper"], "SOLUSDT", what))
        slow_to_decide("SOLUSDT" if what == "verdict" else None)
        data = as_sent((await runner.run(request)).to_json())["data"]
        assert data["symbols"]["ETHUSDT"]["trading_decision"]["status"] == "simulated"
        found = data["symbols"]["SOLUSDT"]
        said[what] = {name: found[name] for name in ("status", "reason", "trading_decision", "error")}
    assert said == golden


def test_no_reason_is_left_out() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {str(reason) for reason in RunReason} <= tested

"""``orders``, ``cancel``, ``halt``, ``resume``, ``doctor`` and ``run --live``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from command_lines import AT, Command

from server.database import DatabaseAddress
from server.durable import Failed, Json, Steps
from server.durable.engine import open_durable


def test_halt_and_resume_work_without_a_service(entrygate: Command) -> None:
    halted = entrygate("halt", "--reason", "a test")
    again = json.loads(entrygate("halt", "--resume", "--reason", "over", "--json").out)

    assert halted.code == 0
    assert halted.lines[0] == "trading is halted: nothing new leaves; stops and targets stay"
    assert (again["halted"], again["reason"]) == (False, "over")
    assert again["actor"].startswith("cli")


def test_an_order_that_is_not_there(entrygate: Command) -> None:
    assert entrygate("orders").out == "no orders\n"
    missing = entrygate("orders", "EGNOTHING")
    assert (missing.code, missing.err) == (2, "no order 'EGNOTHING'; entrygate orders lists them\n")
    assert entrygate("cancel", "EGNOTHING", "--reason", "a test").code == 2
    assert entrygate("retry", "EGNOTHING", "--reason", "a test").code == 2


def test_doctor_says_what_to_do(entrygate: Command) -> None:
    behind = entrygate("doctor")
    entrygate("halt", "--reason", "a test")
    well = entrygate("doctor")
    said = json.loads(entrygate("doctor", "--json").out)

    assert behind.code == 1 and behind.lines[0].startswith("fail  database") and "migrate" in behind.lines[-1]
    assert (well.code, well.err) == (0, "")
    assert max(map(len, well.lines[1:])) <= 80 + len("(fingerprint)")
    levels = {finding["name"]: finding["level"] for finding in said["findings"]}
    assert said["healthy"] and levels.pop("halt") == "warn"
    assert set(levels.values()) == {"ok"}
    of_paper = {f"{name} paper" for name in ("venue", "watch", "unsettled", "holds", "positions", "candles")}
    assert {"database", "rules", "workflows", "schedule"} | of_paper == set(levels)


def test_an_entry_whose_workflow_broke_is_not_healthy(entrygate: Command, tmp_path: Path) -> None:
    entrygate("migrate")

    async def breaks(steps: Steps, argument: Json) -> Json:
        raise ValueError("a defect")

    async def broken() -> None:
        address = DatabaseAddress.parse(f"sqlite:///{tmp_path}/journal.db")
        async with open_durable(address, {"trade_entry": breaks}) as durable:
            await durable.start("trade_entry", "some:decision", {})
            assert isinstance(await durable.result("some:decision", 20), Failed)

    asyncio.run(broken())
    answer = entrygate("doctor", "--json")
    (found,) = [one for one in json.loads(answer.out)["findings"] if one["name"] == "workflows"]

    assert (answer.code, found["level"]) == (1, "fail")
    assert "ValueError: a defect" in found["detail"] and "retry" in found["remedy"]


def test_a_live_run_follows_its_order_to_the_end(entrygate: Command) -> None:
    done = entrygate("run", "SUIUSDT", "--at", AT, "--live", "--speed", "10", "--json")
    said = json.loads(done.out)
    (order,) = said["orders"]
    listed = entrygate("orders")
    journey = entrygate("orders", order["client_order_id"])

    assert said["run"]["data"]["run"]["dry_run"] is False
    retried = entrygate("retry", order["client_order_id"], "--reason", "a test")
    assert (retried.code, retried.err.split(": ", 1)[1]) == (
        1,
        "it has not failed: the order is cancelled\n",
    )
    assert order["state"] == "cancelled"  # when, and so why, depends on how quick this machine is
    assert done.code == 0
    assert listed.lines[1].split()[1:4] == ["SUIUSDT", "short", "cancelled"]
    assert max(map(len, listed.lines)) <= 80
    assert any("verdict READY short on 1m" in line for line in journey.lines)
    assert any("the venue accepted the order" in line for line in journey.lines)

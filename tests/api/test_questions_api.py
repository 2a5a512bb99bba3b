"""An operator's questions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from api_calls import LONG, SHORTS, problem
from litestar.testing import AsyncTestClient

from server.database import Database
from server.settings import Settings
from server.switches.store import Switches

Api = AsyncTestClient[Any]


@pytest.fixture
async def run_id(api: Api) -> str:
    run = (await api.post("/api/mtf/run", json={"as_of": SHORTS})).json()["data"]["run"]
    return run["run_id"]


async def get(api: Api, address: str) -> dict[str, Any]:
    response = await api.get(address)
    assert response.status_code == 200, response.text
    return response.json()


async def test_why(api: Api, run_id: str) -> None:
    said = await get(api, "/api/why?symbol=btcusdt&nearest=2")
    (profile,) = said["profiles"]
    assert (said["symbol"], said["to"], profile["runs"]) == ("BTCUSDT", "2025-06-01T00:08:00Z", 1)
    assert [segment["kind"] for segment in profile["sequence"]] == ["no_run", "decided"]
    assert profile["sequence"][1]["last_run_id"] == run_id
    assert profile["blockers"] and len(profile["nearest"]) == 1
    ready = (await get(api, "/api/why?symbol=ETHUSDT"))["profiles"][0]
    assert ready["trade_entry"][0]["status"] == "simulated"
    assert (await get(api, "/api/why?symbol=NOSUCH"))["profiles"][0]["sequence"][1]["kind"] == "not_in_run"
    assert problem(await api.get("/api/why"), 400) == [("symbol", "has to be given")]


async def test_statistics(api: Api, run_id: str) -> None:
    said = await get(api, "/api/stats")
    assert (said["runs"], said["decisions"]) == (1, 8)
    assert sum(entry["blocked"] for entry in said["by_timeframe"]) == 5
    assert (await get(api, f"/api/stats?from={LONG}"))["decisions"] == 0
    assert (await get(api, "/api/stats?symbol=btcusdt"))["decisions"] == 1


async def test_audit(api: Api, run_id: str) -> None:
    said = await get(api, f"/api/audit?run_id={run_id}&page_size=3")
    assert len(said["items"]) == 3 and said["total"] > 8
    assert {item["timeframe"] for item in (await get(api, "/api/audit?timeframe=1m"))["items"]} == {"1m"}
    for item in (await get(api, "/api/audit?rule=near_vwap"))["items"]:
        assert "near_vwap" in item["rules_failed"] + item["rules_unknown"]
    (wrong,) = problem(await api.get("/api/audit?rule=near_vwpa"), 400)
    assert wrong == ("rule", "there is no condition 'near_vwpa'; did you mean 'near_vwap'?")
    assert problem(await api.get("/api/audit?reason=blacklisted"), 400)[0][0] == "reason"
    assert problem(await api.get(f"/api/audit?run_id={run_id}&exchange=papr"), 400)[0][0] == "exchange"


async def test_symbols_of_a_run(api: Api, run_id: str) -> None:
    said = await get(api, f"/api/runs/{run_id}/symbols?status=ready&page_size=2")
    assert (len(said["items"]), said["total"]) == (2, 3)
    assert [d["timeframe"] for d in said["items"][0]["timeframe_decisions"]] == ["5m", "1m"]
    problem(await api.get("/api/runs/nope/symbols"), 404)


async def test_runs_are_filtered(api: Api, run_id: str) -> None:
    for query, total in (
        ("dry_run=false", 0),
        ("status=success", 1),
        ("exchange=paper", 1),
        (f"to={SHORTS}", 0),
    ):
        assert (await get(api, f"/api/runs?{query}"))["total"] == total, query
    assert problem(await api.get("/api/runs?exchange=papr"), 400)[0][0] == "exchange"


async def test_the_queue_says_what_waits(api: Api, settings: Settings) -> None:
    # By connections of the test's own: those of the service belong to its own loop.
    database = Database.open(settings.database)
    queued = await Switches(database).queue("BTCUSDT", reason="news", actor="me", now_ms=1)
    await database.close()
    said = await get(api, "/api/queue")
    assert (said["queues"], said["failed"], said["total"]) == ([], [], 0)
    assert [one["symbol"] for one in said["symbols"]] == [queued.symbol]

"""What the API answers, as golden files: one run with a long, one with shorts, one where nothing is READY."""

from __future__ import annotations

from typing import Any

import pytest
from api_calls import LONG, QUIET, SHORTS, lasting, problem
from litestar.testing import AsyncTestClient
from syrupy.assertion import SnapshotAssertion

Api = AsyncTestClient[Any]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"as_of": SHORTS, "symbols": ["ETHUSDT", "BTCUSDT"]}, id="shorts"),
        pytest.param({"as_of": LONG, "symbols": "LINKUSDT,AVAXUSDT"}, id="long"),
        pytest.param({"as_of": QUIET}, id="quiet"),
        pytest.param({"as_of": "2025-05-20T00:00:00Z", "symbols": "BTCUSDT"}, id="not_enough_klines"),
    ],
)
async def test_run(api: Api, body: dict[str, Any], golden: SnapshotAssertion) -> None:
    response = await api.post("/api/mtf/run", json=body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert lasting(response.json()) == golden


async def test_history(api: Api, golden: SnapshotAssertion) -> None:
    run = (await api.post("/api/mtf/run", json={"as_of": LONG, "symbols": "LINKUSDT,BTCUSDT"})).json()["data"]
    run_id = run["run"]["run_id"]
    answers = {
        "runs": (await api.get("/api/runs")).json(),
        "run": (await api.get(f"/api/runs/{run_id}")).json(),
        "decisions": (await api.get("/api/decisions?symbol=linkusdt")).json(),
        "decision": (await api.get(f"/api/decisions/{run_id}.BTCUSDT")).json(),
    }
    assert answers["runs"]["items"][0]["run_id"] == run_id
    assert answers["decision"]["id"] == f"{run_id}.BTCUSDT"
    assert (
        answers["run"]["decisions"][0]["trading_decision"] == run["symbols"]["LINKUSDT"]["trading_decision"]
    )
    assert lasting(answers) == golden


async def test_explanation_of_a_stored_decision(api: Api) -> None:
    run = (await api.post("/api/mtf/run", json={"as_of": QUIET, "symbols": "BTCUSDT"})).json()["data"]["run"]
    response = await api.get(f"/api/decisions/{run['run_id']}.BTCUSDT/explain")
    assert response.status_code == 200
    decision, explanation = response.json()["decision"], response.json()["explanation"]
    assert decision["id"] == f"{run['run_id']}.BTCUSDT"
    assert explanation["sentence"] == (
        "rsi 74.097, needs < 70: the only condition between this symbol and a long signal on 5m"
    )
    assert [gate["gate"] for gate in explanation["gates"]] == ["data", "data", "context"]
    assert explanation["nearest"][0]["obstacles"][0]["label"] == "rsi_lt_70"
    (timeframe,) = explanation["timeframes"]
    assert [side["outcome"] for side in timeframe["sides"]] == ["fail", "fail"]


async def test_profiles(api: Api) -> None:
    entries = {one["name"]: one for one in (await api.get("/api/profiles")).json()["profiles"]}
    assert [name for name, one in entries.items() if one["default"]] == ["scalper_micro"]
    entry = entries["scalper_micro"]
    assert entry["mode"] == "pragmatic"
    assert (entry["context_timeframes"], entry["execution_timeframes"]) == (["5m"], ["1m"])

    detail = (await api.get("/api/profiles/scalper_micro")).json()
    assert {name: detail[name] for name in entry} == entry
    rules = api.app.state.service.rulesets.folder
    for value in detail["values"]:
        if value["file"] is None:
            assert (value["line"], value["origin"]) == (None, "default")
            continue
        assert value["origin"] == f"{value['file']}:{value['line']}"
        written = (rules / value["file"]).read_text().splitlines()[value["line"] - 1]
        key = value["path"].rpartition(".")[2].partition("[")[0]
        assert key in written or str(value["value"]) in written, value


async def test_reasons_are_those_of_the_rules(api: Api) -> None:
    reasons = (await api.get("/api/reasons")).json()["reasons"]
    codes = [reason["code"] for reason in reasons]
    assert len(codes) == len(set(codes))
    assert {"pragmatic_context_side_conflict", "evaluation_error", "skipped_out_of_zone"} <= set(codes)
    assert all(reason["meaning"] and reason["remedy"] for reason in reasons)


async def test_conditions_are_those_of_the_rules(api: Api) -> None:
    whole = (await api.get("/api/conditions?page_size=500")).json()
    used = (await api.get("/api/conditions?profile=scalper_micro&fact=vwap")).json()
    second = (await api.get("/api/conditions?page_size=10&page=2")).json()
    one = (await api.get("/api/conditions/near_vwap")).json()
    missing = await api.get("/api/conditions/near_vwpa")
    names = [entry["name"] for entry in whole["items"]]

    assert whole["total"] == len(names) == len(set(names))
    assert [entry["name"] for entry in second["items"]] == names[10:20]
    assert {"near_vwap", "close_below_vwap"} <= {entry["name"] for entry in used["items"]}
    assert all("vwap" in entry["facts"] for entry in used["items"])
    assert one in whole["items"] and one["parameters"][0]["name"] == "tolerance"
    assert ["1m long", "1m short"] in [use["places"] for use in one["used_by"]]
    assert (missing.status_code, missing.json()["detail"]) == (
        404,
        "no condition 'near_vwpa'; did you mean 'near_vwap'?",
    )


async def test_decisions_are_filtered(api: Api) -> None:
    for instant in (SHORTS, LONG):
        assert (await api.post("/api/mtf/run", json={"as_of": instant})).status_code == 200

    async def found(query: str) -> list[dict[str, Any]]:
        response = await api.get(f"/api/decisions?{query}")
        assert response.status_code == 200, response.text
        assert response.json()["total"] >= len(response.json()["items"])
        return response.json()["items"]

    assert len(await found("")) == 16
    assert {d["symbol"] for d in await found("symbol=ethusdt")} == {"ETHUSDT"}
    assert {d["status"] for d in await found("status=ready")} == {"READY"}
    assert {d["as_of"] for d in await found(f"from={LONG}")} == {LONG}
    assert {d["as_of"] for d in await found(f"to={LONG}")} == {SHORTS}
    reason = "no_timeframe_selected"
    assert {d["reason"] for d in await found(f"reason={reason}")} == {reason}
    assert await found("profile=another") == []
    assert len(await found("page=2&page_size=9")) == 7
    assert await found(f"from={LONG}&to={LONG}") == []
    assert problem(await api.get("/api/decisions?page=0&symbl=x"), 400)[0][0] == "symbl"


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/nope",
        "/api/decisions/nope",
        "/api/decisions/00000000-0000-4000-8000-000000000000.BTCUSDT/explain",
        "/api/profiles/nope",
        "/api/nope",
    ],
)
async def test_what_is_not_there(api: Api, path: str) -> None:
    problem(await api.get(path), 404)

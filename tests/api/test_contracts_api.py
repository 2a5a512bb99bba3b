"""``GET /api/contracts`` and ``entrygate contracts``: what is selected, and why each other one is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litestar.testing import AsyncTestClient
from syrupy.assertion import SnapshotAssertion

from server.database import Database
from server.instants import machine_ms
from server.settings import Settings
from server.switches.store import Switches
from server.switches.switch import SwitchKey

READ_AT = "(when the venue was asked)"


async def test_contracts(api: AsyncTestClient[Any], settings: Settings, golden: SnapshotAssertion) -> None:
    rules = Path(settings.rules_dir) / "profiles/scalper_micro/contracts.yaml"
    text = rules.read_text()
    rules.write_text(text.replace("top_n: 170", "top_n: 4").replace("blacklist: []", "blacklist: [ETHUSDT]"))
    # By connections of the test's own: those of the service belong to its own loop.
    database = Database.open(settings.database)
    key = SwitchKey.parse("SYMBOL:SOLUSDT")
    await Switches(database).turn(key, on=False, reason="a test", actor="test", now_ms=machine_ms())
    await database.close()

    answer = (await api.get("/api/contracts")).json()
    answer["read_at"] = READ_AT
    assert answer == golden

    chosen = (await api.get("/api/contracts", params={"state": "selected"})).json()
    assert [item["symbol"] for item in chosen["items"]] == [
        item["symbol"] for item in answer["items"] if item["selected"]
    ]
    full = (await api.get("/api/contracts", params={"reason": "bucket_full", "page_size": "1"})).json()
    assert (full["total"], len(full["items"])) == (answer["left_out"]["bucket_full"], 1)
    one = (await api.get("/api/contracts", params={"symbol": "ethusdt"})).json()
    assert [item["reason"] for item in one["items"]] == ["contract_blacklisted"]


async def test_a_run_looks_at_what_is_selected(api: AsyncTestClient[Any]) -> None:
    chosen = (await api.get("/api/contracts", params={"state": "selected"})).json()
    run = (await api.post("/api/mtf/run", json={})).json()
    assert list(run["data"]["symbols"]) == [item["symbol"] for item in chosen["items"]]


async def test_an_unknown_profile_is_named(api: AsyncTestClient[Any]) -> None:
    refused = await api.get("/api/contracts", params={"profile": "scalper_mikro"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["did_you_mean"] == "scalper_micro"

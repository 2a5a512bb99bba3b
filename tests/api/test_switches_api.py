"""Switches, blacklist and locks over HTTP: what changes, what is recorded, and how answers look."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_calls import KEYS, SECRETS, problem
from litestar.testing import AsyncTestClient
from syrupy.assertion import SnapshotAssertion

from server.api import create_app
from server.database import Database
from server.instants import at, machine_ms
from server.settings import Settings, load_settings
from server.switches.run_locks import RunLocks

Api = AsyncTestClient[Any]
WHY = {"reason": "a test"}
LOCK = "paper:perpetual:scalper_micro"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With keys, so that the calls have a name."""
    return load_settings(rules_dir=settings.rules_dir, database_url=settings.database_url, api_keys=KEYS)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    headers = {"authorization": f"Bearer {SECRETS['trade']}"}
    async with AsyncTestClient(create_app(settings), raise_server_exceptions=False) as client:
        client.headers.update(headers)
        yield client


async def sent(api: Api, path: str, **body: Any) -> Any:
    response = await api.post(path, json=WHY | body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_switches_word_by_word(api: Api, golden: SnapshotAssertion) -> None:
    told = [
        await sent(api, "/api/switches/off", key="GLOBAL", duration="15m"),
        await sent(api, "/api/switches/off", key="SYMBOL:btcusdt"),
        await sent(api, "/api/switches/off", key="SYMBOL_TF:ETHUSDT:5m", duration="2 hours"),
        await sent(api, "/api/switches/on", key="GLOBAL"),
        (await api.get("/api/switches")).json(),
        await sent(api, "/api/blacklist/add", symbol="SOLUSDT", duration="1d"),
        await sent(api, "/api/blacklist/add", symbol="XRPUSDT"),
        (await api.get("/api/blacklist")).json(),
        await sent(api, "/api/blacklist/remove", symbol="SOLUSDT"),
        await sent(api, "/api/switches/queue", symbol="linkusdt"),
        (await api.get("/api/switches/queue")).json(),
    ]
    assert _same(told) == golden


async def test_lists_have_filters_and_pages(api: Api) -> None:
    for key in ("GLOBAL", "SYMBOL:BTCUSDT", "SYMBOL_TF:BTCUSDT:5m"):
        await sent(api, "/api/switches/off", key=key)
    await sent(api, "/api/switches/on", key="GLOBAL")
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        await sent(api, "/api/blacklist/add", symbol=symbol)
        await sent(api, "/api/switches/queue", symbol=symbol)

    async def listed(path: str, name: str, **query: Any) -> list[str]:
        return [one[name] for one in (await api.get(path, params=query)).json()["items"]]

    of = "/api/switches"
    assert await listed(of, "key", state="ON") == ["GLOBAL"]
    assert await listed(of, "key", symbol="btcusdt", scope="symbol") == ["SYMBOL:BTCUSDT"]
    assert await listed(of, "key", page=2, page_size=2) == ["SYMBOL_TF:BTCUSDT:5m"]
    assert await listed(of, "key", cause="has_open_orders_or_positions") == []
    assert await listed("/api/blacklist", "symbol", page=2, page_size=1) == ["ETHUSDT"]
    assert await listed("/api/blacklist", "symbol", symbol="SOLUSDT") == ["SOLUSDT"]
    assert await listed("/api/switches/queue", "symbol", page=3, page_size=1) == ["SOLUSDT"]
    assert await listed("/api/switches/queue", "symbol", symbol="ethusdt") == ["ETHUSDT"]


async def test_a_duration_counts_from_now(api: Api) -> None:
    before = machine_ms()
    off = await sent(api, "/api/switches/off", key="SYMBOL:BTCUSDT", duration="4h")
    assert before <= at(off["until"]) - 4 * 3_600_000 <= machine_ms()
    on = await sent(api, "/api/switches/on", key="SYMBOL:BTCUSDT")
    assert (on["state"], on["until"], on["queued"]) == ("on", None, True)


async def test_locks_are_listed_and_released(api: Api, settings: Settings) -> None:
    database = Database.open(settings.database)
    locks, now = RunLocks(database), machine_ms()
    await locks.acquire(LOCK, run_id="r1", holder="ada", ttl_sec=300, now_ms=now)
    (held,) = (await api.get("/api/locks", params={"key": LOCK})).json()["items"]
    assert (held["key"], held["run_id"], held["holder"], at(held["since"])) == (LOCK, "r1", "ada", now)
    assert (await sent(api, "/api/locks/release", key=LOCK)) == held
    assert (await api.get("/api/locks")).json()["total"] == 0
    gone = await api.post("/api/locks/release", json=WHY | {"key": LOCK})
    problem(gone, 404)
    assert gone.json()["detail"] == f"no run holds the lock '{LOCK}'"
    (action,) = (await api.get("/api/actions")).json()["items"]
    assert (action["action"], action["subject"], action["reason"]) == ("release_lock", LOCK, "a test")
    await database.close()


@pytest.mark.parametrize(
    ("path", "body", "field", "message"),
    [
        ("switches/off", {}, "key", "has to be given"),
        ("switches/off", {"key": "BTCUSDT"}, "key", "expected GLOBAL, .* did you mean SYMBOL:BTCUSDT"),
        ("switches/off", {"key": "SYMBOL_TF:BTCUSDT:5n"}, "key", "did you mean 5m"),
        ("switches/off", {"key": "GLOBAL", "duration": "soon"}, "duration", "expected a duration such as"),
        ("switches/off", {"key": "GLOBAL", "duration": 15}, "duration", "expected a text"),
        ("switches/on", {"key": "GLOBAL", "duration": "1d"}, "duration", "there is no such parameter"),
        ("switches/on", {"key": "GLOBAL", "reason": " "}, "reason", "expected a line"),
        ("switches/queue", {"symbol": "BTC-USDT"}, "symbol", "'BTC-USDT' is not a symbol"),
        ("blacklist/add", {"symbl": "BTCUSDT"}, "symbl", "there is no such parameter"),
        ("locks/release", {"key": "all of them"}, "key", "expected the name of a lock"),
    ],
)
async def test_what_does_not_fit_names_its_field(
    api: Api, path: str, body: dict[str, Any], field: str, message: str
) -> None:
    told = dict(problem(await api.post(f"/api/{path}", json=WHY | body), 400))
    assert re.search(message, told[field])
    assert (await api.get("/api/actions")).json()["total"] == 0


async def test_what_is_not_on_the_blacklist(api: Api) -> None:
    answer = await api.post("/api/blacklist/remove", json=WHY | {"symbol": "BTCUSDT"})
    problem(answer, 404)
    assert answer.json()["detail"] == "BTCUSDT is not on the blacklist"


async def test_a_database_that_is_away_is_no_empty_list(api: Api, settings: Settings) -> None:
    database = Database.open(settings.database)
    async with database.write() as connection:
        for table in ("switch", "blacklist", "lease"):
            await connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO away_{table}")
    await database.close()
    for path in ("switches", "switches/queue", "blacklist", "locks"):
        problem(await api.get(f"/api/{path}"), 503)


def _same(told: Any) -> Any:
    """Instants differ from run to run."""
    text = json.dumps(told)
    return json.loads(re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "(instant)", text))

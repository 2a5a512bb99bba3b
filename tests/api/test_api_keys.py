"""Keys and roles: who may call what, how the others are turned away, and that no secret is ever repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from api_calls import KEYS, LONG, SECRETS, problem
from litestar.testing import AsyncTestClient

from server import logs
from server.access import ROLES, Role, includes
from server.api import create_app
from server.api.endpoint import Endpoint
from server.api.endpoints import ENDPOINTS
from server.settings import load_settings

Api = AsyncTestClient[Any]

WRONG = "wrong-wrong-wrong-wrong-wrong-wrong"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keyed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder: Path = tmp_path_factory.mktemp("keyed")
    settings = load_settings(database_url=f"sqlite:///{folder / 'journal.db'}", api_keys=KEYS)
    async with AsyncTestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def call(api: Api, endpoint: Endpoint, headers: dict[str, str]) -> Any:
    """Calls it in a way that does nothing: whoever is let through is told that the parameter is unknown."""
    path = endpoint.path.replace("{", "").replace("}", "")
    if endpoint.method == "GET":
        return await api.get(path, params={"nothing": "1"}, headers=headers)
    return await api.post(path, json={"nothing": 1}, headers=headers)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
async def test_every_endpoint_lets_in_its_role_and_those_above(
    keyed: Api, endpoint: Endpoint, role: Role
) -> None:
    response = await call(keyed, endpoint, bearer(SECRETS[role]))
    if endpoint.needs is None or includes(role, endpoint.needs):
        problem(response, 400)
        return
    problem(response, 403)
    assert f'scope="{endpoint.needs}"' in response.headers["www-authenticate"]
    assert f"the key '{role}er' has {role}" in response.json()["detail"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
async def test_every_endpoint_but_the_open_ones_needs_a_key(keyed: Api, endpoint: Endpoint) -> None:
    response = await call(keyed, endpoint, {})
    if endpoint.name in ("health", "ready"):
        problem(response, 400)
        return
    problem(response, 401)
    assert response.headers["www-authenticate"] == 'Bearer realm="entrygate"'


@pytest.mark.parametrize(
    "headers",
    [
        bearer("x" * 26),
        bearer(SECRETS["trade"][:-1]),
        bearer(SECRETS["trade"] + "x"),
        bearer(""),
        {"authorization": f"Bearer {SECRETS['trade'].upper()}"},
        {"authorization": f"Basic {SECRETS['trade']}", "x-api-key": "no"},
        {"x-api-key": "é" * 30},
    ],
    ids=str,
)
async def test_a_key_that_is_not_known(keyed: Api, headers: dict[str, Any]) -> None:
    sent = {name: value.encode() for name, value in headers.items()}
    response = await keyed.get("/api/runs", headers=sent)
    problem(response, 401)
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_both_headers_are_read(keyed: Api) -> None:
    for headers in (
        {"x-api-key": SECRETS["read"]},
        bearer(SECRETS["read"]),
        {"authorization": f"bearer {SECRETS['read']}"},
    ):
        assert (await keyed.get("/api/runs", headers=headers)).status_code == 200


async def test_the_name_of_the_key_is_the_actor(keyed: Api) -> None:
    body = {"symbols": "BTCUSDT", "as_of": LONG}
    run = (await keyed.post("/api/mtf/run", json=body, headers=bearer(SECRETS["run"]))).json()["data"]["run"]
    stored = (await keyed.get(f"/api/runs/{run['run_id']}", headers=bearer(SECRETS["read"]))).json()
    assert stored["actor"] == "runer"

    halt = await keyed.post("/api/halt", json={"reason": "a test"}, headers=bearer(SECRETS["trade"]))
    assert (halt.status_code, halt.json()["actor"]) == (200, "tradeer")


async def test_a_run_with_orders_needs_the_role_trade(keyed: Api) -> None:
    body = {"symbols": "BTCUSDT", "dry_run": False}
    problem(await keyed.post("/api/mtf/run", json=body, headers=bearer(SECRETS["run"])), 403)
    found = problem(await keyed.post("/api/mtf/run", json=body, headers=bearer(SECRETS["trade"])), 400)
    assert [field for field, _ in found] == ["dry_run"]
    assert "clock stands" in found[0][1]


async def test_what_is_open_says_little(keyed: Api) -> None:
    report = await keyed.get("/ready")
    assert (report.status_code, sorted(report.json())) == (200, ["status", "version"])
    assert "trading" in (await keyed.get("/ready", headers=bearer(SECRETS["read"]))).json()

    bare = (await keyed.get("/schema/openapi.json")).text
    full = (await keyed.get("/schema/openapi.json", headers=bearer(SECRETS["read"]))).text
    assert "BTCUSDT" in full and "BTCUSDT" not in bare and "scalper_micro" not in bare
    assert (await keyed.get("/schema")).status_code == 200


async def test_no_secret_is_logged_or_answered(keyed: Api, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()  # onto what is captured just now
    try:
        said = await _said(keyed)
    finally:
        structlog.reset_defaults()
    logged = "".join(capsys.readouterr())
    assert "request.turned_away" in logged
    for secret in (*SECRETS.values(), WRONG):
        assert secret not in said + logged


async def _said(keyed: Api) -> str:
    said = ""
    for secret in (*SECRETS.values(), WRONG):
        for path in ("/api/runs", "/api/nope", "/ready", "/metrics"):
            response = await keyed.get(path, headers=bearer(secret))
            said += response.text + str(response.headers)
    return said

"""Whether the service lives and can work; what it says when it cannot, and that it never says too much."""

from __future__ import annotations

from typing import Any

import pytest
from api_calls import LONG, problem
from litestar.testing import AsyncTestClient

from engine import __version__

Api = AsyncTestClient[Any]


def edit_profile(api: Api, old: str, new: str) -> None:
    file = api.app.state.service.rulesets.folder / "profiles/scalper_micro/validation.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


async def test_health(api: Api) -> None:
    response = await api.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "version": __version__})
    problem(await api.get("/health?verbose=1"), 400)


async def test_ready(api: Api) -> None:
    response = await api.get("/ready")
    report = response.json()
    assert (response.status_code, report["status"]) == (200, "ready")
    assert report["rules"]["state"] == "current"
    assert report["database"] | {"detail": ""} == {"ok": True, "at_head": True, "detail": ""}
    assert report["venues"] == {"paper": {"ok": True, "clock": "2025-06-03T15:32:00Z", "detail": ""}}


async def test_a_broken_folder_is_told_and_ignored(api: Api) -> None:
    before = (await api.get("/ready")).json()["rules"]
    edit_profile(api, "context_timeframes", "context_timeframe")

    response = await api.get("/ready")
    rules = response.json()["rules"]
    assert response.status_code == 200
    assert (rules["ok"], rules["state"]) == (True, "last_good")
    assert rules["fingerprints"] == before["fingerprints"]
    assert "validation.yaml:" in rules["warnings"][1]
    assert "did you mean 'context_timeframes'?" in "\n".join(rules["warnings"])

    answer = (await api.post("/api/mtf/run", json={"as_of": LONG})).json()
    assert answer["data"]["warnings"] == rules["warnings"]
    assert answer["data"]["symbols"]["LINKUSDT"]["status"] == "READY"

    edit_profile(api, "context_timeframe:", "context_timeframes:")
    assert (await api.get("/ready")).json()["rules"] == before


async def test_an_edit_shows_in_the_profile_at_once(api: Api) -> None:
    edit_profile(api, "min_candles: 249", "min_candles: 300")
    values = (await api.get("/api/profiles/scalper_micro")).json()["values"]
    assert {v["path"]: v["value"] for v in values}["validation.min_candles"] == 300


async def test_a_database_without_its_tables(api: Api) -> None:
    for table in (
        "alembic_version",
        "trade_decision",
        "decision",
        "run_block",
        "run_part",
        "exclusion",
        "run",
    ):
        # In a thread: the connections of the service belong to its own loop.
        await api.app.state.service.database.change(lambda c, t=table: c.exec_driver_sql(f"DROP TABLE {t}"))

    response = await api.get("/ready")
    assert (response.status_code, response.json()["status"]) == (503, "not_ready")
    assert response.json()["database"]["ok"] is False
    assert "revisions missing" in response.json()["database"]["detail"]
    assert "sqlite3" not in problem_text(await api.get("/api/runs"), 503)


def problem_text(response: Any, status: int) -> str:
    problem(response, status)
    assert response.headers["retry-after"]
    return response.text


async def test_what_goes_wrong_inside_stays_inside(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """A 500 carries the id under which the log has the rest, and nothing of the rest."""
    del api.app.state.service
    response = await api.get("/api/reasons")
    problem(response, 500)
    assert "AttributeError" not in response.text
    assert response.json()["request_id"] in response.json()["detail"]


async def test_the_bare_address_leads_to_the_page(api: Api) -> None:
    answer = await api.get("/", follow_redirects=False)
    assert (answer.status_code // 100, answer.headers["location"]) == (3, "/schema")


async def test_no_page_of_another_origin_may_ask(api: Api) -> None:
    response = await api.get("/health", headers={"origin": "https://example.org"})
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/health", "/api/profiles", "/api/nope"])
async def test_every_answer_has_its_request_id(api: Api, path: str) -> None:
    first, second = [(await api.get(path)).headers["x-request-id"] for _ in range(2)]
    assert first != second

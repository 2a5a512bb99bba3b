"""What ``/api/mtf/run`` reads, and everything it refuses before any work."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from api_calls import LONG, QUIET, problem
from litestar.testing import AsyncTestClient

from server.api import create_app
from server.settings import load_settings, shipped_rules

Api = AsyncTestClient[Any]

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"content-type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """One application for the whole table, with a second profile beside the shipped one."""
    folder: Path = tmp_path_factory.mktemp("requests")
    rules = folder / "rules"
    shutil.copytree(shipped_rules(), rules)
    add_profile(rules, "second")
    settings = load_settings(rules_dir=rules, database_url=f"sqlite:///{folder / 'journal.db'}")
    async with AsyncTestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def add_profile(rules: Path, name: str) -> None:
    (rules / "profiles" / name).mkdir()
    for kind in ("validation", "trade_entry", "contracts"):
        text = f"kind: {kind}\nprofile: {name}\nversion: 1\nextends: scalper_micro\n"
        (rules / "profiles" / name / f"{kind}.yaml").write_text(text)
    service = rules / "service.yaml"
    service.write_text(f"{service.read_text().rstrip()}\n  - {{name: {name}, enabled: false}}\n")


ACCEPTED = [
    # (body, the same as a query string, what the answer says of the run)
    ({}, "", {"dry_run": True, "workers": 1, "profile": "scalper_micro", "symbols_requested": 8}),
    ({"symbols": []}, "symbols=", {"symbols_requested": 8}),
    ({"symbols": "ethusdt, BTCUSDT,,ethusdt"}, "symbols=ethusdt,+BTCUSDT,,ethusdt", {"symbols_requested": 2}),
    (
        {"symbols": ["ethusdt", " ", "BtcUsdt "]},
        "symbols[]=ethusdt&symbols[]=BTCUSDT",
        {"symbols_requested": 2},
    ),
    ({"symbols": ["SOLUSDT"]}, "symbols=SOLUSDT&symbols=SOLUSDT", {"symbols_requested": 1}),
    ({"dry_run": True}, "dry_run=true", {"dry_run": True}),
    ({"dry_run": 1}, "dry_run=1", {"dry_run": True}),
    ({"dry_run": "ON"}, "dry_run=On", {"dry_run": True}),
    ({"dry_run": "yes"}, "dry_run=YES", {"dry_run": True}),
    ({"workers": 16}, "workers=16", {"workers": 16}),
    ({"workers": 4.0}, "workers=4", {"workers": 4}),
    ({"profile": "scalper_micro"}, "profile=scalper_micro", {"profile": "scalper_micro"}),
    ({"mtf_profile": "scalper_micro"}, "mtf_profile=scalper_micro", {"profile": "scalper_micro"}),
    ({"validation_mode": "Strict"}, "validation_mode=Strict", {"validation_mode": "strict"}),
    ({"context_mode": "strict"}, "context_mode=strict", {"validation_mode": "strict"}),
    ({"mode": "strict"}, "mode=strict", {"validation_mode": "strict"}),
    ({"mode": "ultra-pragmatig"}, "mode=ultra-pragmatig", {"validation_mode": "pragmatic"}),
    ({"exchange": "paper"}, "exchange=Paper", {"exchange": "paper"}),
    ({"cex": "PAPER", "exchange": "paper"}, "cex=paper", {"exchange": "paper"}),
    ({"market_type": "futures"}, "market_type=perp", {"market_type": "perpetual"}),
    (
        {"type_contract": "Perp", "market_type": "future"},
        "type_contract=FUTURE",
        {"market_type": "perpetual"},
    ),
    ({"as_of": LONG}, f"as_of={LONG}", {"as_of": LONG}),
    ({"as_of": "2025-06-02T09:09:00+02:00"}, "as_of=2025-06-02T09:09:00%2B02:00", {"as_of": LONG}),
    ({"as_of": 1748848140000}, "as_of=1748848140000", {"as_of": LONG}),
    ({"verbose": "off"}, "verbose=no", {}),
    ({"current_tf": "5M"}, "current_tf=5m", {}),
    ({"sync_tables": False}, "sync_tables=off", {"open_state": "database"}),
    ({"skip_open_state_filter": True}, "skip_open_state_filter=yes", {"open_state": "venue"}),
    ({"user_id": "me", "ip_address": "10.0.0.1"}, "user_id=me&ip_address=10.0.0.1", {}),
    (
        {"force_run": False, "force_timeframe_check": "no", "skip_context": 0},
        "force_run=false&force_timeframe_check=0&skip_context=off",
        {"symbols_requested": 8},
    ),
]


@pytest.mark.parametrize(("body", "query", "said"), ACCEPTED, ids=str)
async def test_accepted(api: Api, body: dict[str, Any], query: str, said: dict[str, Any]) -> None:
    for response in (await api.post("/api/mtf/run", json=body), await api.get(f"/api/mtf/run?{query}")):
        assert response.status_code == 200, response.text
        run = response.json()["data"]["run"]
        assert {name: run[name] for name in said} == said


REFUSED = [
    # (body, query string or None, [(field, part of the message)])
    ({"dry_run": "maybe"}, "dry_run=maybe", [("dry_run", "expected a boolean")]),
    ({"dry_run": None}, "dry_run=", [("dry_run", "expected a boolean")]),
    ({"dry_run": 2}, "dry_run=2", [("dry_run", "expected a boolean")]),
    ({"dry_run": False}, "dry_run=false", [("dry_run", "")]),
    ({"dry_run": "no"}, "dry_run=no", [("dry_run", "")]),
    ({"dry_run": 0}, "dry_run=0", [("dry_run", "")]),
    ({"dry_run": "OFF"}, "dry_run=Off", [("dry_run", "")]),
    ({"verbose": "ja"}, "verbose=ja", [("verbose", "expected a boolean")]),
    ({"workers": 0}, "workers=0", [("workers", "expected 1 to 16, not 0")]),
    ({"workers": 17}, "workers=17", [("workers", "expected 1 to 16, not 17")]),
    ({"workers": "4"}, "workers=four", [("workers", "expected a whole number")]),
    ({"workers": True}, "workers=", [("workers", "expected a whole number")]),
    ({"workers": 1.5}, "workers=1.5", [("workers", "expected a whole number")]),
    ({"symbols": 7}, None, [("symbols", "expected an array of texts or one text with commas")]),
    ({"symbols": {"a": 1}}, None, [("symbols", "not an object")]),
    ({"symbols": ["BTCUSDT", 7]}, None, [("symbols", "item 1 is the number 7")]),
    ({"symbols": ["BTC/USDT"]}, "symbols=BTC/USDT", [("symbols", "is not a symbol")]),
    ({"symbols": "NOPEUSDT"}, "symbols=NOPEUSDT", [("symbols", "paper has no symbol 'NOPEUSDT'")]),
    ({"profile": "scalper_mico"}, "profile=scalper_mico", [("profile", "no profile 'scalper_mico'")]),
    ({"mtf_profile": "nope"}, "mtf_profile=nope", [("mtf_profile", "no profile 'nope'")]),
    (
        {"profile": "second", "mtf_profile": "nope"},
        "profile=second&mtf_profile=nope",
        [("mtf_profile", "no profile 'nope'")],
    ),
    ({"profile": 3}, "profile=", [("profile", "expected a")]),
    ({"mode": "regular"}, "mode=regular", [("mode", "expected one of pragmatic, strict")]),
    ({"validation_mode": "strickt"}, "validation_mode=strickt", [("validation_mode", "expected one of")]),
    ({"exchange": "nowhere"}, "exchange=nowhere", [("exchange", "no exchange 'nowhere'")]),
    ({"cex": "nowhere"}, "cex=nowhere", [("cex", "no exchange 'nowhere'")]),
    (
        {"exchange": "paper", "cex": "okx"},
        "exchange=paper&cex=okx",
        [("cex", "contradicts exchange 'paper'")],
    ),
    ({"market_type": "spot"}, "market_type=spot", [("market_type", "spot is not supported")]),
    ({"type_contract": "options"}, "type_contract=options", [("type_contract", "expected one of")]),
    ({"as_of": "2025-06-02 07:09"}, "as_of=2025-06-02T07:09", [("as_of", "expected a zone")]),
    ({"as_of": "yesterday"}, "as_of=yesterday", [("as_of", "expected an instant")]),
    ({"as_of": "2025-02-30T00:00:00Z"}, "as_of=2025-02-30T00:00:00Z", [("as_of", "no such instant")]),
    (
        {"as_of": "2025-06-03T15:32:01Z"},
        "as_of=2025-06-03T15:32:01Z",
        [("as_of", "after the clock of paper")],
    ),
    ({"as_of": 1748848140}, "as_of=1748848140", [("as_of", "milliseconds since 1970")]),
    ({"force_run": True}, "force_run=1", [("force_run", "nothing to force")]),
    (
        {"force_timeframe_check": 1, "skip_context": "yes"},
        "force_timeframe_check=on&skip_context=true",
        [("force_timeframe_check", "nothing to force"), ("skip_context", "cannot be left out")],
    ),
    ({"skip_context": "maybe"}, "skip_context=maybe", [("skip_context", "expected a boolean")]),
    ({"current_tf": "7m"}, "current_tf=7m", [("current_tf", "expected one of 1m, 5m")]),
    ({"lock_per_symbol": "perhaps"}, None, [("lock_per_symbol", "expected a boolean")]),
    ({"user_id": 7}, "user_id=", [("user_id", "expected a")]),
    ({"ip_address": "1\n2"}, "ip_address=1%0A2", [("ip_address", "expected a line of text")]),
    (
        {"symbol": "BTCUSDT", "workers": 99, "verbose": []},
        "symbol=BTCUSDT&workers=99&verbose=%5B%5D",
        [("symbol", "no such parameter"), ("workers", "expected 1 to 16"), ("verbose", "expected a boolean")],
    ),
]


@pytest.mark.parametrize(("body", "query", "wanted"), REFUSED, ids=str)
async def test_refused(api: Api, body: Any, query: str | None, wanted: list[tuple[str, str]]) -> None:
    before = (await api.get("/api/runs")).json()["total"]
    responses = [await api.post("/api/mtf/run", json=body)]
    if query is not None:
        responses.append(await api.get(f"/api/mtf/run?{query}"))
    for response in responses:
        found = problem(response, 400)
        assert [field for field, _ in found] == [field for field, _ in wanted]
        for (_, message), (_, part) in zip(found, wanted, strict=True):
            assert part in message
    assert (await api.get("/api/runs")).json()["total"] == before


MALFORMED = [
    (b"{", "the body is not JSON"),
    (b"nope", "the body is not JSON"),
    (b"null", "not a JSON object"),
    (b"[]", "not a JSON object"),
    (b'"BTCUSDT"', "not a JSON object"),
    (b'{"workers": NaN}', "NaN is not a number"),
    (b'{"workers": -Infinity}', "-Infinity is not a number"),
    (b'{"workers": 1e999}', "too large"),
    (b'{"workers": ' + b"9" * 5000 + b"}", "not JSON"),
    (b'\xff\xfe{"workers": 1}', "not UTF-8"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"a": ' * 20_000, "nested too deeply"),
    (b'{"\\ud800": 1}', "'\\ud800' is half of a character"),
    (b'{"symbols": ["\\ud800"]}', "'\\ud800' is half of a character"),
]


@pytest.mark.parametrize(("content", "part"), MALFORMED, ids=[part for _, part in MALFORMED])
async def test_malformed_bodies(api: Api, content: bytes, part: str) -> None:
    ((field, message),) = problem(await api.post("/api/mtf/run", content=content, headers=JSON), 400)
    assert field == "body"
    assert part in message


async def test_a_key_given_twice(api: Api) -> None:
    content = b'{"symbols": "BTCUSDT", "symbols": "ETHUSDT"}'
    found = problem(await api.post("/api/mtf/run", content=content, headers=JSON), 400)
    assert found == [("symbols", "given more than once")]
    found = problem(await api.get("/api/mtf/run?workers=1&workers=2"), 400)
    assert found == [("workers", "given more than once")]


async def test_a_nearby_name_is_offered(api: Api) -> None:
    body = (await api.post("/api/mtf/run", json={"symbolss": 1})).json()
    assert body["errors"][0]["did_you_mean"] == "symbols"
    body = (await api.post("/api/mtf/run", json={"symbols": "BTCUSD"})).json()
    assert body["errors"][0]["did_you_mean"] == "BTCUSDT"
    assert "BTCUSDT" in body["errors"][0]["choices"]
    body = (await api.get("/api/mtf/run?validation_mode=strickt")).json()
    assert body["errors"][0]["did_you_mean"] == "strict"


async def test_parameters_of_a_post_are_not_read_from_the_query(api: Api) -> None:
    found = problem(await api.post("/api/mtf/run?symbols=BTCUSDT", json={}), 400)
    assert found == [("symbols", "there is no such parameter")]


async def test_a_query_that_is_not_utf8(api: Api) -> None:
    assert problem(await api.get("/api/mtf/run?symbols=%ff"), 400)[0][0] == "query"


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""]
)
async def test_another_media_type(api: Api, media_type: str) -> None:
    response = await api.post("/api/mtf/run", content=b"{}", headers={"content-type": media_type})
    problem(response, 415)


async def test_a_media_type_with_a_charset(api: Api) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    assert (await api.post("/api/mtf/run", content=b"{}", headers=headers)).status_code == 200


async def test_a_body_that_is_too_large(api: Api) -> None:
    problem(await api.post("/api/mtf/run", content=b" " * 200_000, headers=JSON), 413)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods(api: Api, method: str) -> None:
    response = await api.request(method, "/api/mtf/run")
    problem(response, 405)
    assert {"GET", "POST"} <= set(response.headers["allow"].replace(" ", "").split(","))


async def test_precedence_of_aliases_is_told(api: Api) -> None:
    body = {"profile": "second", "mtf_profile": "scalper_micro", "symbols": "BTCUSDT", "as_of": QUIET}
    data = (await api.post("/api/mtf/run", json=body)).json()["data"]
    assert data["run"]["profile"] == "second"
    assert data["warnings"] == ["mtf_profile 'scalper_micro' is not used: profile 'second' wins over it"]

    body = {"validation_mode": "strict", "context_mode": "pragmatic", "symbols": "BTCUSDT"}
    data = (await api.post("/api/mtf/run", json=body)).json()["data"]
    assert data["run"]["validation_mode"] == "strict"

    body = {
        "mode": "strict",
        "validation_mode": "pragmatic",
        "context_mode": "pragmatic",
        "symbols": "BTCUSDT",
    }
    data = (await api.post("/api/mtf/run", json=body)).json()["data"]
    assert data["run"]["validation_mode"] == "strict"
    assert len(data["warnings"]) == 2


async def test_details_of_one_timeframe(api: Api) -> None:
    body = {"symbols": "BTCUSDT", "as_of": LONG}
    whole = (await api.post("/api/mtf/run", json=body)).json()["data"]["symbols"]["BTCUSDT"]
    told = (await api.post("/api/mtf/run", json=body | {"current_tf": "5m"})).json()["data"]
    found = told["symbols"]["BTCUSDT"]
    assert found["context"] == whole["context"]
    assert [d["timeframe"] for d in found["context"]["timeframe_decisions"]] == ["5m"]
    assert found["execution"]["timeframe_decisions"] == []
    assert (found["status"], found["reason"]) == (whole["status"], whole["reason"])
    assert told["warnings"] == []
    data = (await api.get("/api/mtf/run?symbols=BTCUSDT&current_tf=4h")).json()["data"]
    assert data["warnings"] == ["current_tf 4h is none of the timeframes that 'scalper_micro' decides on"]


async def test_what_callers_say_of_themselves_is_kept_apart(api: Api) -> None:
    body = {"symbols": "BTCUSDT", "user_id": "somebody", "ip_address": "10.1.2.3"}
    run_id = (await api.post("/api/mtf/run", json=body)).json()["data"]["run"]["run_id"]
    stored = (await api.get(f"/api/runs/{run_id}")).json()
    assert stored["request"]["declared"] == {"user_id": "somebody", "ip_address": "10.1.2.3"}
    assert "somebody" not in stored["actor"]


async def test_a_lock_of_a_dry_run_is_told_to_do_nothing(api: Api) -> None:
    body = {"symbols": "BTCUSDT", "lock_per_symbol": True}
    data = (await api.post("/api/mtf/run", json=body)).json()["data"]
    assert data["warnings"] == ["lock_per_symbol does nothing in a dry run, which takes no locks"]


async def test_a_post_without_a_body_runs_with_every_default(api: Api) -> None:
    data = (await api.post("/api/mtf/run")).json()["data"]
    assert data["run"]["symbols_processed"] == 8
    assert data["run"]["dry_run"] is True

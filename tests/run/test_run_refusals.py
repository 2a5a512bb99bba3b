"""What is refused before any work: every problem at once, with the field, the choices and the nearest one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from run_answers import BUNDLED, QUIET, READY

from server.run import RequestProblem, RunRequest
from server.service import Service, service
from server.settings import Settings, load_settings, shipped_rules

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for the whole table."""
    database = tmp_path_factory.mktemp("refusals") / "journal.db"
    settings = load_settings(rules_dir=shipped_rules(), database_url=f"sqlite:///{database}")
    async with service(settings) as running:
        yield running


CASES = [
    # (what is asked, [(field, kind, did you mean, part of the message)])
    ({"profile": "scalper_mico"}, [("profile", "unknown", "scalper_micro", "no profile 'scalper_mico'")]),
    ({"profile": "zzz"}, [("profile", "unknown", None, "scalper_micro")]),
    ({"mode": "strickt"}, [("validation_mode", "unknown", "strict", "no validation mode 'strickt'")]),
    ({"exchange": "papr"}, [("exchange", "unknown", "paper", "no exchange 'papr'")]),
    ({"exchange": "bitmart"}, [("exchange", "unknown", None, "there is paper")]),
    ({"market_type": "spot"}, [("market_type", "impossible", None, "spot is not supported")]),
    ({"market_type": "futurs"}, [("market_type", "unknown", "futures", "no market type 'futurs'")]),
    ({"workers": 0}, [("workers", "invalid", None, "expected 1 to 16, not 0")]),
    ({"workers": 17}, [("workers", "invalid", None, "expected 1 to 16, not 17")]),
    ({"dry_run": False}, [("dry_run", "impossible", None, "opened to look only")]),
    ({"as_of_ms": QUIET + 1}, [("as_of", "impossible", None, "which says 2025-06-03T15:32:00Z")]),
    ({"as_of_ms": QUIET // 1000}, [("as_of", "invalid", None, "milliseconds since 1970")]),
    ({"symbols": ("BTCUSD",)}, [("symbols", "unknown", "BTCUSDT", "paper has no symbol 'BTCUSD'")]),
    ({"symbols": ("BTC-USDT",)}, [("symbols", "invalid", None, "'BTC-USDT' is not a symbol")]),
    ({"symbols": ("straße",)}, [("symbols", "invalid", None, "is not a symbol")]),
    (
        {"symbols": ("ETHUSDT", "NOPE", "SOLUSD")},
        [("symbols", "unknown", None, "'NOPE'"), ("symbols", "unknown", "SOLUSDT", "'SOLUSD'")],
    ),
    (
        {"profile": "x", "mode": "y", "workers": 99, "dry_run": False},
        [
            ("profile", "unknown", None, "'x'"),
            ("validation_mode", "unknown", None, "'y'"),
            ("workers", "invalid", None, "99"),
            ("dry_run", "impossible", None, "opened to look only"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("asked", "wanted"), CASES, ids=[",".join(map(str, asked)) + str(i) for i, (asked, _) in enumerate(CASES)]
)
async def test_refused(opened: Service, asked: dict, wanted: list) -> None:
    before = (await opened.journal.runs()).total
    with pytest.raises(RequestProblem) as refused:
        await opened.runner.run(RunRequest(actor="test", **asked))

    found = refused.value.problems
    assert [(p.field, p.kind, p.did_you_mean) for p in found] == [case[:3] for case in wanted]
    for problem, (*_, part) in zip(found, wanted, strict=True):
        assert part in problem.message
    assert (refused.value.field, refused.value.message) == (found[0].field, found[0].message)
    assert (await opened.journal.runs()).total == before


async def test_the_choices_are_what_there_is(opened: Service) -> None:
    with pytest.raises(RequestProblem) as refused:
        await opened.runner.run(RunRequest(actor="test", symbols=("NOPE",)))
    assert sorted(refused.value.choices) == BUNDLED


@pytest.mark.parametrize(
    ("mode", "used"),
    [(None, "pragmatic"), ("strict", "strict"), ("STRICT", "strict"), ("ultra-pragmatig", "pragmatic")],
)
async def test_modes(opened: Service, mode: str | None, used: str) -> None:
    result = await opened.runner.run(RunRequest(actor="test", mode=mode, symbols=("BTCUSDT",)))
    assert result.to_json()["data"]["run"]["validation_mode"] == used


@pytest.mark.parametrize("market_type", ["perpetual", "perp", "Future", "FUTURES"])
async def test_market_types(opened: Service, market_type: str) -> None:
    request = RunRequest(actor="test", market_type=market_type, symbols=("BTCUSDT",))
    assert (await opened.runner.run(request)).to_json()["data"]["run"]["market_type"] == "perpetual"


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({}, "dry_run", "orders need a key with the role trade"),
        ({"may_trade": True, "as_of_ms": READY - 120_000}, "as_of", "orders are placed on the present"),
    ],
)
async def test_orders_are_refused(trading: Service, asked: dict, field: str, said: str) -> None:
    with pytest.raises(RequestProblem) as refused:
        await trading.runner.run(RunRequest(actor="test", dry_run=False, **({"as_of_ms": None} | asked)))
    assert refused.value.field == field
    assert said in refused.value.message


async def test_a_standing_paper_clock_takes_no_orders(settings: Settings) -> None:
    async with service(settings, trades=True) as opened:
        with pytest.raises(RequestProblem, match="serve --start"):
            await opened.runner.run(RunRequest(actor="test", dry_run=False, may_trade=True))

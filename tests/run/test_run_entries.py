"""READY symbols of one dry run stand beside each other as the orders would."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from run_answers import SHORTS

from server.run import RunRequest
from server.service import Service, service
from server.settings import Settings


async def entered(opened: Service, workers: int) -> dict[str, Any]:
    """Symbol, its entry's status and reason, and the margin of its plan; in the order of the run."""
    run = await opened.runner.run(RunRequest(actor="test", as_of_ms=SHORTS, workers=workers))
    symbols = run.to_json()["data"]["symbols"]
    decisions = {name: s["trading_decision"] for name, s in symbols.items() if s["status"] == "READY"}
    assert list(decisions) == sorted(decisions, key=[*run.run.symbols].index)
    return {
        name: (one["reason"], one["raw"].get("plan", {}).get("margin_usdt"))
        for name, one in decisions.items()
    }


def limited(settings: Settings, places: int) -> None:
    file = settings.rules_dir / "profiles/scalper_micro/trade_entry.yaml"
    text = file.read_text()
    assert "max_concurrent_positions: 3" in text
    file.write_text(text.replace("max_concurrent_positions: 3", f"max_concurrent_positions: {places}"))


@pytest.mark.parametrize("workers", [1, 3, 16])
async def test_the_last_place_goes_to_the_first_of_the_run(settings: Settings, workers: int) -> None:
    limited(settings, 1)
    async with service(settings) as opened:
        first, *others = (await entered(opened, workers)).values()
    assert first[0] is None and first[1] is not None
    assert others == [("max_concurrent_positions_reached", None)] * 2


@pytest.mark.parametrize("workers", [1, 16])
async def test_the_balance_is_spent_once(settings: Settings, workers: int) -> None:
    """Of 150 the second is planned with what the first leaves of it, and the third with the rest."""
    async with service(settings.model_copy(update={"paper_balance_usdt": Decimal(150)})) as opened:
        first, second, third = (await entered(opened, workers)).values()
    assert [first, second] == [(None, "90.47467"), (None, "51.71628")]
    assert third == (None, "7.29992545")

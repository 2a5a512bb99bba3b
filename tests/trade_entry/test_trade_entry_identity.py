"""One decision has one key and one order id, whoever computes it and however often."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trade_entry_bench import AS_OF_MS, btc_facts, decided, settings, signal, venue

from server.trade_entry.identity import client_order_id, decision_key, trade_id

KEY = "paper:main:scalper_micro:BTCUSDT:long:1m:1748563140000"


def test_the_key_names_what_was_decided() -> None:
    assert decision_key(signal(), "paper", "main") == KEY


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": "ETHUSDT"},
        {"side": "short"},
        {"execution_timeframe": "5m"},
        {"candle_open_ms": AS_OF_MS},
        {"profile": "scalper"},
        {"side": None},
        {"execution_timeframe": None},
    ],
)
def test_the_key_changes_with_every_part(change: dict[str, Any]) -> None:
    assert decision_key(replace(signal(), **change), "paper", "main") != KEY


def test_the_key_changes_with_venue_and_account_but_not_with_price_or_time() -> None:
    assert len({decision_key(signal(), e, a) for e in ("paper", "bitmart") for a in ("main", "second")}) == 4
    later = replace(signal(), as_of_ms=AS_OF_MS + 30_000, price=None)
    assert decision_key(later, "paper", "main") == KEY


def test_ids_are_what_they_were_yesterday() -> None:
    """Ids already at a venue must be found again: these values may never change."""
    assert client_order_id(KEY, "SIM") == "SIMJYMHUNUVXHEEFUYLI7U5CA4N73J6M"
    assert client_order_id(KEY, "EG") == "EGJYMHUNUVXHEEFUYLI7U5CA4N73J6MM"
    assert trade_id(KEY, "BTCUSDT") == "trd:btcusdt:4e187a3695b9"


@given(st.text(min_size=1), st.sampled_from(["SIM", "EG"]))
def test_client_order_ids_are_short_letters_and_digits(key: str, prefix: Any) -> None:
    made = client_order_id(key, prefix)
    assert re.fullmatch(r"[A-Z0-9]{32}", made)
    assert made.startswith(prefix)
    assert made == client_order_id(key, prefix)
    assert made != client_order_id(key + "x", prefix)


async def test_deciding_twice_gives_the_same_ids() -> None:
    one, two = [await decided(signal(), btc_facts(), settings(), venue()) for _ in range(2)]
    assert one == two
    assert one.client_order_id == client_order_id(one.decision_key, "SIM")

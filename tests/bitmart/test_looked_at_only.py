"""Without ENTRYGATE_LIVE a real venue is looked at, whoever asks for what: by serve, by worker, by doctor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from venues.bitmart import DEMO_KEY, BitMart
from venues.bitmart.serving import serving
from venues.caller import Caller

from engine.ruleset import load
from server.database import upgrade
from server.exchange.looked_at import OBSTACLE
from server.execution.names import order_name
from server.execution.operations import NotPossible
from server.execution.submission import Submission
from server.execution.watch_lease import lease_of
from server.fixed_code import FIXED_CODE
from server.overview.health import examine, healthy
from server.service import Service, service
from server.settings import Settings, load_settings
from server.shipped import shipped_rules
from server.trade_entry import Signal, facts_needed

ELSEWHERE = order_name("a decision of another database", "entry", 0)
TRADE_KEY = "me:trade:" + "t" * 28


@pytest.fixture
def venue() -> Iterator[tuple[BitMart, str]]:
    """A venue of its own on this machine."""
    server = BitMart(usdt="1000", limits=False)
    server.venue.set_price("BTCUSDT", "77000.0")
    with serving(server) as url:
        yield server, url


@pytest.fixture
async def caller(venue: tuple[BitMart, str]) -> AsyncIterator[Caller]:
    """Has opened a position without a stop, and an entry order that belongs to another database."""
    server, url = venue
    async with httpx.AsyncClient(base_url=url) as client:
        made = Caller(server, client)
        await made.post("submit-leverage", symbol="BTCUSDT", leverage="5", open_type="isolated")
        await made.enter("hand1", type="market", mode=None, price=None)
        await made.enter(ELSEWHERE, price="70000.0")
        yield made


def settings_of(url: str, folder: Path, **more: Any) -> Settings:
    """Everything that BitMart needs, and nothing that allows orders there."""
    return load_settings(
        database_url=f"sqlite:///{folder / 'entrygate.db'}",
        bitmart_base_url=url,
        bitmart_api_key=DEMO_KEY.access,
        bitmart_secret=DEMO_KEY.secret,
        bitmart_memo=DEMO_KEY.memo,
        **more,
    )


def changes(server: BitMart) -> list[str]:
    """Every request that asked the venue for a change."""
    return [entry.path for entry in server.journal.entries if entry.method == "POST"]


async def submission(made: Service) -> Submission:
    """A long entry around the price of now, which any plan is happy with."""
    rules = load(shipped_rules(), FIXED_CODE).profiles["scalper_micro"]
    venue = made.venues["bitmart"]
    book, now = await venue.top_of_book("BTCUSDT"), await venue.now_ms()
    price = float(book.bid)
    known = {"atr": price * 0.002, "sma_21": price, "vwap": price, "pivot_pp": price * 0.99}
    facts = {
        key: known.get(key[0], price * (1.03 if key[0].startswith("pivot_r") else 0.97))
        for key in facts_needed(rules.trade_entry, "1m")
    }
    assert made.trading is not None
    fingerprint = await made.trading.dispatcher.keep(rules, now)
    signal = Signal("BTCUSDT", "long", "1m", now - now % 60_000, now, rules.name, Decimal(book.bid), 2)
    return Submission(
        signal=signal,
        facts=facts,
        fingerprint=fingerprint,
        run_id="00000000-0000-4000-8000-000000000000",
        actor="test",
        exchange="bitmart",
        account="main",
        at_ms=now,
    )


@pytest.mark.parametrize("joins", [False, True], ids=["serve", "worker"])
async def test_nothing_is_changed_where_orders_may_not_leave(
    joins: bool, venue: tuple[BitMart, str], caller: Caller, tmp_path: Path
) -> None:
    server, url = venue
    before = changes(server)
    with structlog.testing.capture_logs() as logged:
        async with service(settings_of(url, tmp_path), trades=True, joins=joins) as made:
            assert made.trading is not None
            looked = 'entrygate_unprotected_positions{exchange="bitmart"} 1.0'
            await until(lambda: looked in made.metrics.render().decode())
            free = await made.orders.lease(lease_of("bitmart", "main"), "a live process", 1000, 0)
    assert changes(server) == before
    assert [line["symbol"] for line in logged if line["event"] == "alarm.unprotected"] == ["BTCUSDT"]
    assert free
    assert (await caller.order_of(ELSEWHERE))["state"] == 2


async def test_an_entry_that_is_taken_up_is_refused_before_anything_leaves(
    venue: tuple[BitMart, str], tmp_path: Path
) -> None:
    server, url = venue
    async with service(settings_of(url, tmp_path), trades=True) as made:
        assert made.trading is not None
        entry = await submission(made)
        decision = await made.trading.dispatcher.enter(entry)
        intent = await made.orders.intent(entry.decision_key)
        operations = made.trading.operations
        for action in (operations.cancel, operations.retry):
            with pytest.raises(NotPossible, match=OBSTACLE):
                await action(intent.client_order_id, "a test", "test")
    assert (decision["status"], decision["reason"]) == ("skipped", "live_not_enabled")
    assert intent.state == "rejected"
    assert changes(server) == []


async def test_what_has_left_is_left_to_who_may_go_on_with_it(
    venue: tuple[BitMart, str], tmp_path: Path
) -> None:
    """An order that a live process placed, found by one that may only look: it stays as it is."""
    server, url = venue
    live = settings_of(url, tmp_path, live=True, api_keys=TRADE_KEY)
    async with service(live, trades=True) as made:
        assert made.trading is not None
        entry = await submission(made)
        decision = await made.trading.dispatcher.enter(entry)
        assert decision["status"] == "submitted", decision
    before = changes(server)
    with structlog.testing.capture_logs() as logged:
        async with service(settings_of(url, tmp_path), trades=True, joins=True) as made:
            durable = made.trading and made.trading.durable
            assert durable is not None
            await until_async(lambda: _none_under_way(durable))
            intent = await made.orders.intent(entry.decision_key)
            assert intent.state == "resting"
            with pytest.raises(NotPossible, match=OBSTACLE):
                assert made.trading is not None
                await made.trading.operations.cancel(intent.client_order_id, "a test", "test")
    assert changes(server) == before
    assert "alarm.left_alone" in [line["event"] for line in logged]


async def test_doctor_says_that_it_is_looked_at_only(
    venue: tuple[BitMart, str], caller: Caller, tmp_path: Path
) -> None:
    _, url = venue
    settings = settings_of(url, tmp_path)
    await asyncio.to_thread(upgrade, settings.database)
    found = await examine(settings)
    (said,) = [one for one in found if one.name == "venue bitmart"]
    assert said.level == "warn" and OBSTACLE in said.detail
    assert not healthy(found)  # the position has no stop, and nobody here may place one


async def _none_under_way(durable: Any) -> bool:
    return not await durable.unfinished()


async def until(holds: Any, seconds: float = 20) -> None:
    async def answer() -> bool:
        return holds()

    await until_async(answer, seconds)


async def until_async(holds: Any, seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.05)):
        if await holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("in vain")

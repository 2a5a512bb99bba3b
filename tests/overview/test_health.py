"""What doctor finds: every venue that matters, each under its name, by its own clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from order_rows import D, event, intent, ticket
from venues.bitmart import DEMO_KEY, BitMart
from venues.bitmart.serving import serving

from server.database import Database, upgrade
from server.orders.intent import Intent
from server.orders.permission import FreeBalance
from server.orders.store import Orders
from server.overview.health import Finding, examine, healthy
from server.settings import Settings, load_settings


def settings(folder: Path, **more: object) -> Settings:
    return load_settings(database_url=f"sqlite:///{folder / 'entrygate.db'}", **more)


async def hangs(chosen: Settings, venue: str, minutes: float = 10) -> Intent:
    """Stores an order that has left for a venue, and of which nobody knows, for so long."""
    await asyncio.to_thread(upgrade, chosen.database)
    database = Database.open(chosen.database)
    orders, at = Orders(database), time.time_ns() // 1_000_000 - round(minutes * 60_000)
    begun, _ = await orders.begin(intent(exchange=venue, created_at=at, updated_at=at), event("decided", at))
    made = await orders.record(
        begun,
        ticket=ticket(begun),
        decision={"status": "pending"},
        names=(),
        events=[event("recorded", at)],
        now_ms=at,
        free=FreeBalance(D(1_000_000)),
    )
    assert isinstance(made, Intent)
    made = await orders.change(made, state="submitting", events=[event("submitting", at)])
    await database.close()
    return made


def of(findings: Sequence[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


async def test_an_order_that_hangs_at_another_venue_than_the_default(tmp_path: Path) -> None:
    with serving(BitMart(limits=False)) as url:
        chosen = settings(
            tmp_path,
            bitmart_base_url=url,
            bitmart_api_key=DEMO_KEY.access,
            bitmart_secret=DEMO_KEY.secret,
            bitmart_memo=DEMO_KEY.memo,
        )
        await hangs(chosen, "bitmart")
        found = await examine(chosen)
    assert not healthy(found)
    unsettled = of(found, "unsettled bitmart")
    assert unsettled.level == "fail"
    assert 590 < float(unsettled.detail.split(" for ")[1].split()[0]) < 700
    assert of(found, "unsettled paper").level == "ok"
    assert of(found, "watch bitmart").level == "fail" and "BTCUSDT" in of(found, "watch bitmart").detail
    assert "ENTRYGATE_LIVE=1" in of(found, "watch bitmart").remedy
    assert of(found, "holds bitmart").level == of(found, "positions bitmart").level == "ok"
    assert of(found, "candles bitmart") and of(found, "candles paper")


async def test_an_order_under_way_at_a_venue_that_is_not_set_up_here(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    await hangs(chosen, "bitmart")
    found = await examine(chosen)
    assert of(found, "venue bitmart").level == "fail"
    assert "1 order(s) under way there" in of(found, "venue bitmart").detail


async def test_candles_that_have_all_ended_are_a_failure(tmp_path: Path) -> None:
    ended = settings(tmp_path, paper_at="2025-06-03T18:00:00Z")
    await asyncio.to_thread(upgrade, ended.database)
    found = await examine(ended)
    assert of(found, "candles paper").level == "fail"
    assert not healthy(found)

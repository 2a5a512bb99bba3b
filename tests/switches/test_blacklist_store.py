"""The blacklist: who put a symbol on it, why, and until when."""

from __future__ import annotations

import pytest

from server.orders.store import Orders
from server.switches.errors import NotBlacklisted
from server.switches.store import Blacklist, Switches

NOW = 1_748_563_200_000
HOUR = 3_600_000


async def test_a_symbol_is_on_the_list_until_its_time_is_over(blacklist: Blacklist, other: Switches) -> None:
    await blacklist.add("BTCUSDT", reason="illiquid", actor="ada", now_ms=NOW)
    await blacklist.add("ETHUSDT", reason="manual", actor="ada", now_ms=NOW, for_ms=HOUR)
    entry = (await other.state(NOW + HOUR - 1)).blacklisted("ETHUSDT")
    assert entry is not None
    assert (entry.reason, entry.actor, entry.added_at, entry.until) == ("manual", "ada", NOW, NOW + HOUR)
    later = await other.state(NOW + HOUR)
    assert (set(later.blacklist), later.blacklisted("ETHUSDT")) == ({"BTCUSDT"}, None)
    page = await blacklist.page(now_ms=NOW, page=2, page_size=1)
    assert ([one.symbol for one in page.items], page.total) == (["ETHUSDT"], 2)
    assert (await blacklist.page("ETHUSDT", now_ms=NOW + HOUR)).items == ()


async def test_adding_again_replaces_and_removing_ends(blacklist: Blacklist, other: Switches) -> None:
    await blacklist.add("BTCUSDT", reason="illiquid", actor="ada", now_ms=NOW, for_ms=HOUR)
    again = await blacklist.add("BTCUSDT", reason="delisted", actor="bob", now_ms=NOW + 1)
    assert (await other.state(NOW + HOUR)).blacklisted("BTCUSDT") == again
    assert await blacklist.remove("BTCUSDT", reason="back", actor="ada") == again
    assert (await other.state(NOW)).blacklisted("BTCUSDT") is None
    with pytest.raises(NotBlacklisted, match="BTCUSDT"):
        await blacklist.remove("BTCUSDT", reason="back", actor="ada")
    acted = (await Orders(blacklist.database).actions()).items
    assert [(a.action, a.subject, a.actor, a.details) for a in acted] == [
        ("blacklist_remove", "BTCUSDT", "ada", {"was": "delisted", "until": None}),
        ("blacklist_add", "BTCUSDT", "bob", {"until": None}),
        ("blacklist_add", "BTCUSDT", "ada", {"until": "2025-05-30T01:00:00Z"}),
    ]


async def test_nothing_is_listed_without_a_name_and_a_reason(blacklist: Blacklist) -> None:
    with pytest.raises(ValueError, match="an operator's action needs a reason"):
        await blacklist.add("BTCUSDT", reason=" ", actor="ada", now_ms=NOW)
    assert (await blacklist.page(now_ms=NOW)).total == 0

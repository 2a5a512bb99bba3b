"""``ENTRYGATE_API_KEYS``: what it may be, what is said of what it may not, and a service without it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from api_calls import KEYS, SECRETS, problem
from litestar.testing import AsyncTestClient

from server.access import ROLES, read_keys
from server.settings import Settings, SettingsError, load_settings

Api = AsyncTestClient[Any]


async def test_without_keys_only_this_machine_under_its_own_name_may_trade(api: Api) -> None:
    problem(await api.post("/api/halt", json={"reason": "a page of another origin"}), 403)
    assert (await api.get("/api/halt")).json()["halted"] is False


def test_a_ring_keeps_hashes_and_shows_nothing() -> None:
    settings = load_settings(api_keys=KEYS)
    ring = settings.keys
    assert ring is not None
    assert [ring.find(secret).role for secret in SECRETS.values() if ring.find(secret)] == list(ROLES)
    for shown in (repr(settings), str(settings.model_dump()), repr(ring), str(dataclasses.asdict(ring))):
        assert not any(secret in shown for secret in SECRETS.values())


A, B = "a" * 24, "b" * 24


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (A, "entry 1 is not name:role:secret"),
        (f"bot:trade:{A},", "entry 2 is not name:role:secret"),
        (f"bot:admin:{A}", "entry 1: the role is one of read, run, trade"),
        (f"{A}:trade:bot", "entry 1: the secret needs 24 to 256 characters"),
        (f"Bot:trade:{A}", "entry 1: a name has up to 32 small letters"),
        (f"bot:trade:{A}ä", "entry 1: a secret has letters, digits"),
        (f"bot:trade:{A},bot:read:{B}", "entries 1 and 2 have one name"),
        (f"bot:trade:{A},eye:read:{A}", "entries 1 and 2 have one secret"),
    ],
)
def test_keys_that_cannot_be_used_are_told_by_their_place(value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(api_keys=value)
    (line,) = caught.value.problems
    assert line.startswith("ENTRYGATE_API_KEYS: expected name:role:secret") and said in line
    assert A not in line and B not in line and "bot" not in line


def test_live_needs_a_key_that_may_trade() -> None:
    for keys in (None, f"eye:read:{A},runner:run:{B}"):
        with pytest.raises(SettingsError, match="ENTRYGATE_LIVE needs a key with the role trade"):
            load_settings(live=True, api_keys=keys)
    assert isinstance(load_settings(live=True, api_keys=f"bot:trade:{A}"), Settings)
    assert read_keys(f" bot:trade:{A} , eye:read:{B} ").can("trade")

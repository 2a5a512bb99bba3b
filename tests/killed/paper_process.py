"""A process of its own that trades at the paper venue: it enters one symbol, and is killed.

``paper_process.py``: everything else is in the environment, as for ``entrygate serve``. Prints a JSON line
for everything a test waits for.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

from trading_process import say, submission

from engine.ruleset import Profile, load
from server import logs
from server.exchange.paper import PaperExchange
from server.fixed_code import FIXED_CODE
from server.service import service
from server.settings import load_settings, shipped_rules

SYMBOL = "BTCUSDT"
SPIKE_EVERY_MIN = 10
"""The market is flat, but for a spike so often that takes every profit."""
CHANGES = {
    "execution": {"order_ttl_sec": 600, "signal_ttl_sec": 600, "poll_sec": 1},
    "entry_zone": {"ttl_sec": 900},
    "end_of_zone": {"enabled": False},
}


def profile() -> Profile:
    """The shipped profile with lives that outlast a slow machine at a fast clock."""
    shipped = load(shipped_rules(), FIXED_CODE).profiles["scalper_micro"]
    canonical: dict[str, Any] = json.loads(json.dumps(shipped.canonical()))
    for part, changes in CHANGES.items():
        canonical["trade_entry"][part] |= changes
    return Profile.from_canonical(canonical)


async def calm(venue: PaperExchange) -> None:
    """Returns early between two spikes, so that there is time to be killed before the next."""
    while not 1 <= await venue.now_ms() // 60_000 % SPIKE_EVERY_MIN <= 5:
        await venue.wait(20)


async def main() -> None:
    logs.configure(logging.WARNING)
    rules = profile()
    async with service(load_settings(rules_dir=Path(shipped_rules())), trades=True) as opened:
        venue, trading = opened.venues["paper"], opened.trading
        assert isinstance(venue, PaperExchange) and trading is not None
        say(ready=venue.session_note)
        await trading.dispatcher.keep(rules, await venue.now_ms())
        await calm(venue)
        made = await submission(venue, rules, SYMBOL)
        say(key=made.decision_key)
        say(decision=await trading.dispatcher.enter(made))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

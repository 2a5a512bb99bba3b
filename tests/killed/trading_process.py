"""A process of its own that trades at the local BitMart server: started, told what to enter, and killed.

``trading_process.py DATABASE_URL VENUE_URL start|queue|work [SYMBOL…]``: ``start`` carries the entries of the
symbols itself, ``queue`` leaves them to others, ``work`` only takes what is there. Prints a JSON line for
everything a test waits for.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.ruleset import Profile, load
from server import logs
from server.database import Database, DatabaseAddress, upgrade
from server.exchange.bitmart import BitmartExchange, BitmartOptions
from server.exchange.port import Exchange
from server.execution.submission import Submission
from server.fixed_code import FIXED_CODE
from server.metrics import Metrics
from server.orders.store import Orders
from server.settings import load_settings
from server.trade_entry import Signal, facts_needed
from server.trading import open_trading

RULES = Path(__file__).resolve().parents[2] / "rules"
ORDER_TTL_SEC = 8
SHORT = {
    "execution": {"order_ttl_sec": ORDER_TTL_SEC, "poll_sec": 0.2},
    "guards": {"max_concurrent_positions": 20},
    "end_of_zone": {"enabled": False},
}


def profile() -> Profile:
    """The shipped profile with lives short enough for a test."""
    canonical = json.loads(json.dumps(load(RULES, FIXED_CODE).profiles["scalper_micro"].canonical()))
    for part, changes in SHORT.items():
        canonical["trade_entry"][part] |= changes
    return Profile.from_canonical(canonical)


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


async def submission(venue: Exchange, rules: Profile, symbol: str) -> Submission:
    """A long entry around the price of now, with facts that any plan is happy with."""
    book, now = await venue.top_of_book(symbol), await venue.now_ms()
    price = float(book.bid)
    known = {"atr": price * 0.002, "sma_21": price, "vwap": price, "pivot_pp": price * 0.99}
    facts = {
        key: known.get(key[0], price * (1.03 if key[0].startswith("pivot_r") else 0.97))
        for key in facts_needed(rules.trade_entry, "1m")
    }
    signal = Signal(symbol, "long", "1m", now - now % 60_000, now, rules.name, Decimal(book.bid), 2)
    return Submission(
        signal=signal,
        facts=facts,
        fingerprint=rules.fingerprint,
        run_id="00000000-0000-4000-8000-000000000000",
        actor="test",
        exchange=venue.name,
        account="main",
        at_ms=now,
    )


async def main(url: str, base_url: str, role: str, symbols: list[str]) -> None:
    logs.configure(logging.INFO)  # who did what to which order is read from it
    settings = load_settings(
        rules_dir=RULES,
        database_url=url,
        dispatch="async" if role == "queue" else "sync",
        decision_wait_sec=30,
        live=True,
        api_keys="test:trade:" + "t" * 28,
    )
    address = DatabaseAddress.parse(url)
    upgrade(address)
    database, rules = Database.open(address), profile()
    venue = BitmartExchange(
        BitmartOptions(
            base_url=base_url,
            api_key="demo-access-key",
            secret="demo-secret-key",
            memo="demo-memo",
            receive_window_ms=5000,
            timeout_sec=20,
        )
    )
    await venue.open()
    async with open_trading(
        settings,
        database,
        {venue.name: venue},
        Orders(database),
        Metrics(),
        lambda: Decimal("0.02"),
        takes_work=role != "queue",
    ) as trading:
        await trading.dispatcher.keep(rules, await venue.now_ms())
        say(ready=True)
        for symbol in symbols:
            made = await submission(venue, rules, symbol)
            say(symbol=symbol, key=made.decision_key, at=made.at_ms)
            say(symbol=symbol, decision=await trading.dispatcher.enter(made))
        if role == "queue":
            return
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))

"""Intents and tickets as trade entry would hand them to the store."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Any

from engine.models.base import Side
from engine.models.execution import CooldownRules, EndOfZoneRules, ExecutionRules
from server.orders.intent import Intent, NewEvent
from server.orders.permission import FreeBalance
from server.orders.store import Orders
from server.orders.writing import Denied
from server.trade_entry.identity import client_order_id, trade_id
from server.trade_entry.ticket import Target, Ticket

NOW = 1_748_563_200_000  # 2025-05-30T00:00:00Z
DAY_MS = 86_400_000
VENUE, ACCOUNT = "paper", "main"
D = Decimal


def key_of(symbol: str, number: int = 0, side: Side = "long", account: str = ACCOUNT) -> str:
    """A decision key; ``number`` is the candle's."""
    return f"{VENUE}:{account}:scalper_micro:{symbol}:{side}:1m:{NOW + 60_000 * number}"


def intent(
    symbol: str = "BTCUSDT", number: int = 0, *, side: Side = "long", account: str = ACCOUNT, **change: Any
) -> Intent:
    """An intent at its beginning."""
    key = key_of(symbol, number, side, account)
    values: dict[str, Any] = {
        "decision_key": key,
        "client_order_id": client_order_id(key, "EG"),
        "trade_id": trade_id(key, symbol),
        "decision_sha256": sha256(key.encode()).digest(),
        "exchange": VENUE,
        "account": account,
        "symbol": symbol,
        "side": side,
        "profile": "scalper_micro",
        "fingerprint": "f" * 64,
        "run_id": "00000000-0000-4000-8000-000000000001",
        "actor": "test",
        "status": "pending",
        "reason": None,
        "decision": {"status": "pending"},
        "state": "deciding",
        "ticket": None,
        "created_at": NOW + number,
        "updated_at": NOW + number,
    }
    return Intent(**values | change)


def ticket(of: Intent, places: int = 3) -> Ticket:
    """A ticket of an intent; ``places`` is how many positions its profile allows."""
    return Ticket(
        decision_key=of.decision_key,
        trade_id=of.trade_id,
        run_id=of.run_id,
        actor=of.actor,
        exchange=of.exchange,
        account=of.account,
        profile=of.profile,
        fingerprint=of.fingerprint,
        symbol=of.symbol,
        side=of.side,
        execution_timeframe="1m",
        context_timeframes=("5m",),
        order_type="limit",
        time_in_force="post_only",
        entry=D("67000.1"),
        price=D("67000.1"),
        size=D(5),
        leverage=3,
        stop=D("66600.1"),
        targets=(Target(price=D("67532.4"), share=D(1)),),
        zone_low=D("66963.2"),
        zone_high=D("67047.2"),
        zone_expires_at_ms=NOW + 180_000,
        signal_expires_at_ms=NOW + 60_000,
        decided_at_ms=NOW,
        tick_size=D("0.1"),
        size_step=D(1),
        min_size=D(1),
        contract_size=D("0.001"),
        taker_fee_ratio=D("0.0006"),
        inside_ticks=1,
        max_loss_usdt=D("2.04"),
        max_concurrent_positions=places,
        execution=ExecutionRules(),
        end_of_zone=EndOfZoneRules(),
        cooldown=CooldownRules(),
    )


def event(kind: Any = "decided", at: int = NOW, **details: Any) -> NewEvent:
    """An event about to be stored."""
    return NewEvent(kind=kind, at=at, details=details)


async def begun(orders: Orders, symbol: str = "BTCUSDT", number: int = 0, **change: Any) -> Intent:
    """A stored intent that has just begun."""
    stored, new = await orders.begin(intent(symbol, number, **change), event())
    assert new
    return stored


async def try_record(
    orders: Orders, of: Intent, *, places: int = 3, now_ms: int = NOW, **more: Any
) -> Intent | Denied:
    """Records an intent with its first client order id."""
    return await orders.record(
        of,
        ticket=ticket(of, places),
        decision={"status": "pending", "plan": "there"},
        names=[(of.client_order_id, "entry", 1)],
        events=[event("recorded", now_ms)],
        now_ms=now_ms,
        **{"free": FreeBalance(D(1_000_000))} | more,
    )


async def recorded(orders: Orders, symbol: str = "BTCUSDT", number: int = 0, **more: Any) -> Intent:
    """A stored intent whose ticket is committed."""
    done = await try_record(orders, await begun(orders, symbol, number), **{"places": 1000} | more)
    assert isinstance(done, Intent), done
    return done

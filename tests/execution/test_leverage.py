"""A ticket whose leverage is below 1 is never sent, however it came about."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from syrupy.assertion import SnapshotAssertion
from trade_entry_bench import submission_gate

from server.database import Database, DatabaseAddress, upgrade
from server.exchange.paper import ManualClock, PaperExchange, PaperOptions
from server.execution.desk import Desk
from server.execution.pursuit import pursue, settled
from server.metrics import Metrics
from server.orders.intent import Intent, NewEvent
from server.orders.permission import FreeBalance
from server.orders.store import Orders
from server.trade_entry.ticket import Target, Ticket

KEY = "paper:main:scalper_micro:BTCUSDT:long:1m:1748764800000"


async def test_leverage_below_min(tmp_path: Path, golden: SnapshotAssertion) -> None:
    address = DatabaseAddress.of_file(tmp_path / "x.db")
    upgrade(address)
    database = Database.open(address)
    orders, now = Orders(database), 1_748_764_860_000
    venue = PaperExchange(PaperOptions(), clock=ManualClock(now))
    rules: Any = _Rules()
    desk = Desk(venue, "main", orders, Metrics(), rules)
    beginning = Intent(
        decision_key=KEY,
        client_order_id="EGTEST",
        trade_id="trd:btcusdt:test",
        decision_sha256=b"0" * 32,
        exchange="paper",
        account="main",
        symbol="BTCUSDT",
        side="long",
        profile="scalper_micro",
        fingerprint="f" * 64,
        run_id="00000000-0000-4000-8000-000000000000",
        actor="test",
        status="pending",
        reason=None,
        decision={"status": "pending", "raw": {}},
        state="deciding",
        ticket=None,
        created_at=now,
        updated_at=now,
    )
    begun, _ = await orders.begin(beginning, NewEvent(kind="decided", at=now))
    free = FreeBalance(Decimal(1000))
    recorded = NewEvent(kind="recorded", at=now)
    await orders.record(
        begun, ticket=_ticket(now), decision={}, names=(), events=(recorded,), now_ms=now, free=free
    )
    done = await pursue(desk, KEY, settled)
    journey = [(event.kind, dict(event.details)) for event in await orders.journey(KEY)]
    assert {"state": done.state, "status": done.status, "reason": done.reason, "journey": journey} == golden
    assert await venue.open_orders() == ()
    await database.close()


class _Rules:
    """The shipped gate, whatever the fingerprint."""

    async def profile(self, fingerprint: str) -> Any:
        return SimpleNamespace(gates={"submission": submission_gate()})


def _ticket(now: int) -> Ticket:
    return Ticket.from_json(
        {
            "decision_key": KEY,
            "trade_id": "trd:btcusdt:test",
            "run_id": "00000000-0000-4000-8000-000000000000",
            "actor": "test",
            "exchange": "paper",
            "account": "main",
            "profile": "scalper_micro",
            "fingerprint": "f" * 64,
            "symbol": "BTCUSDT",
            "side": "long",
            "execution_timeframe": "1m",
            "order_type": "limit",
            "time_in_force": "post_only",
            "entry": "100000",
            "price": "100000",
            "size": "1",
            "leverage": 0,
            "stop": "99500",
            "targets": [Target(price="101000", share="1").model_dump(mode="json")],  # type: ignore[arg-type]
            "zone_low": "99900",
            "zone_high": "100100",
            "zone_expires_at_ms": now + 60_000,
            "signal_expires_at_ms": now + 60_000,
            "decided_at_ms": now,
            "tick_size": "0.1",
            "size_step": "1",
            "min_size": "1",
            "contract_size": "0.001",
            "taker_fee_ratio": "0.0006",
            "inside_ticks": 1,
            "max_loss_usdt": "1",
            "max_concurrent_positions": 3,
            "execution": {},
            "end_of_zone": {},
            "cooldown": {},
        }
    )

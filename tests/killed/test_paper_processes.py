"""Real processes on one SQLite file share one paper session; whoever is not in it leaves it alone."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from killed_processes import HERE, ROOT, Trader, eventually
from paper_process import SPIKE_EVERY_MIN, SYMBOL, profile
from trading_process import submission

from server.database import Database, upgrade
from server.exchange.paper import PaperExchange
from server.exchange.paper.errors import SessionInUse
from server.execution.watch_lease import LEASE_MS, lease_of, wall_ms
from server.instants import at, iso
from server.orders.errors import OrdersUnavailable
from server.orders.intent import FINAL, Intent
from server.orders.store import Orders
from server.service import Service, service
from server.settings import Settings, load_settings, shipped_rules

BEGIN_MS = at("2025-05-28T00:00:00Z")
START_MS = at("2025-05-30T00:00:00Z")
MINUTES = 4 * 24 * 60
SPEED = 60
WATCH = lease_of("paper", "main")
listening: list[asyncio.Task[None]] = []
ENTRYGATE = "from server.cli import main; main()"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days at 100 000, a little up and down every minute, with a spike of 2 % now and then."""
    folder = tmp_path_factory.mktemp("market")
    minutes, price = range(MINUTES), 100_000.0
    opened = [price] * MINUTES
    columns: dict[str, list[float] | list[int]] = {
        "ts_ms": [BEGIN_MS + minute * 60_000 for minute in minutes],
        "open": opened,
        "high": [price * (1.02 if minute % SPIKE_EVERY_MIN == 0 else 1.0003) for minute in minutes],
        "low": [price * 0.9997] * MINUTES,
        "close": opened,
        "volume": [20.0] * MINUTES,
    }
    pq.write_table(pa.table(columns), folder / f"{SYMBOL}-1m.parquet")
    return folder


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def environment(market: Path, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTRYGATE_")}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "ENTRYGATE_DATABASE_URL": f"sqlite:///{tmp_path / 'entrygate.db'}",
        "ENTRYGATE_MARKET_DATA": str(market),
    }


@pytest.fixture
def settings(market: Path, tmp_path: Path) -> Settings:
    return load_settings(
        rules_dir=Path(shipped_rules()),
        database_url=f"sqlite:///{tmp_path / 'entrygate.db'}",
        market_data=market,
        paper_start=START_MS,
        paper_speed=float(SPEED),
        decision_wait_sec=30,
    )


@pytest.fixture
async def orders(settings: Settings) -> AsyncIterator[Orders]:
    upgrade(settings.database)
    database = Database.open(settings.database)
    yield Orders(database)
    await database.close()


@pytest.fixture
async def processes() -> AsyncIterator[list[Trader]]:
    started: list[Trader] = []
    yield started
    for one in started:
        if one.process.returncode is None:
            await one.kill()
    await asyncio.gather(*listening)
    listening.clear()


async def begin(
    processes: list[Trader], environment: dict[str, str], *command: str, talks: bool = False
) -> Trader:
    """``talks``: it says JSON lines; otherwise this returns once it is ready, or has ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    trader = Trader(process)
    processes.append(trader)
    listening.append(asyncio.create_task(trader.complain()))
    if talks:
        listening.append(asyncio.create_task(trader.listen()))
    else:
        assert process.stdout is not None
        await process.stdout.readline()
    return trader


async def under(orders: Orders, key: str, *states: str) -> Intent:
    async def there() -> Intent | None:
        found = (await orders.many([key])).get(key)
        return found if found is not None and found.state in states else None

    return await eventually(there, f"an intent that is {' or '.join(states)}")


async def test_who_is_beside_the_session_leads_only_once_nobody_in_it_does(
    processes: list[Trader], environment: dict[str, str], orders: Orders
) -> None:
    """Their own clocks stand. Who is in the session is killed: they go on there, by the session's clock."""
    commands = (["serve", "--port", str(free_port())], ["worker"])
    stand = [await begin(processes, environment, "-c", ENTRYGATE, *command) for command in commands]
    running = environment | {
        "ENTRYGATE_PAPER_START": iso(START_MS),
        "ENTRYGATE_PAPER_SPEED": str(SPEED),
    }
    trader = await begin(processes, running, str(HERE / "paper_process.py"), talks=True)
    key = (await trader.says("key"))["key"]
    await under(orders, key, "open")
    assert not alarms(stand)
    await trader.kill()
    intent = await under(orders, key, *FINAL)
    assert (intent.state, intent.reason) == ("closed", "position_closed_take_profit")
    assert not alarms(stand)


def alarms(processes: list[Trader]) -> list[str]:
    return [line for one in processes for line in one.errors if "alarm." in line]


def paper(opened: Service) -> PaperExchange:
    venue = opened.venues["paper"]
    assert isinstance(venue, PaperExchange)
    return venue


async def test_nobody_has_the_lease_once_trading_is_closed(settings: Settings, orders: Orders) -> None:
    async with service(settings, trades=True):
        assert await orders.leased_until(WATCH) is not None
    assert await orders.leased_until(WATCH) is None


async def test_a_lease_that_lasts_is_waited_out_and_one_that_is_renewed_refuses(
    settings: Settings, orders: Orders, processes: list[Trader], environment: dict[str, str]
) -> None:
    """After kill -9 a lease lasts on: whether another clock may begin does not depend on when one asks."""
    async with service(settings, trades=True) as first:
        note = paper(first).session_note
    assert note is not None and note.startswith("a paper session begins at 2025-05-30T00:00:00Z")
    other = settings.model_copy(update={"paper_speed": 30.0})

    assert await orders.lease(WATCH, "dead", LEASE_MS, wall_ms() - LEASE_MS + 1000)
    async with service(other, trades=True) as begun:
        assert paper(begun).session_note == "a paper session begins at 2025-05-30T00:00:00Z with 1000 USDT"

    async def living() -> None:
        while True:
            with suppress(OrdersUnavailable):  # on a slow machine others hold the file for long
                await orders.lease(WATCH, "living", LEASE_MS, wall_ms())
            await asyncio.sleep(0.5)

    alive = asyncio.create_task(living())
    await asyncio.sleep(0.2)
    with pytest.raises(SessionInUse):
        async with service(settings, trades=True):
            pass
    async with service(other, trades=True) as beside:
        assert "goes on at" in (paper(beside).session_note or "")
    async with service(settings, trades=True, joins=True) as worker:
        assert "goes on at" in (paper(worker).session_note or "")
    command = ("run", SYMBOL, "--at", "2025-05-30T12:00:00Z", "--live")
    refused = await begin(processes, environment, "-c", ENTRYGATE, *command)
    assert await refused.process.wait() == 1
    alive.cancel()
    await asyncio.gather(*listening)
    said = "another process is in the paper session that began at 2025-05-30T00:00:00Z at speed 30"
    assert refused.errors[-1].startswith(said)


async def test_who_only_decides_leaves_its_entries_to_workers(settings: Settings, orders: Orders) -> None:
    rules = profile()
    deciding = settings.model_copy(update={"dispatch": "async"})
    async with service(deciding, trades=True) as opened:
        assert opened.trading is not None
        await opened.trading.dispatcher.keep(rules, await paper(opened).now_ms())
        made = await submission(paper(opened), rules, SYMBOL)
        answer = await opened.trading.dispatcher.enter(made)
        await asyncio.sleep(1)
        (waiting,) = await opened.trading.durable.unfinished()
        assert (answer["status"], waiting.taken) == ("pending", False)
    assert (await orders.intent(made.decision_key)).state == "deciding"

    async with service(deciding, trades=True, joins=True):
        await under(orders, made.decision_key, "resting", "open", *FINAL)


async def test_a_second_delivery_is_counted(settings: Settings) -> None:
    rules = profile()
    async with service(settings, trades=True) as opened:
        assert opened.trading is not None
        await opened.trading.dispatcher.keep(rules, await paper(opened).now_ms())
        made = await submission(paper(opened), rules, SYMBOL)
        first, second = [await opened.trading.dispatcher.enter(made) for _ in range(2)]
        told = opened.metrics.render().decode()
    assert (first["status"], second["reason"]) == ("submitted", "duplicate_decision_key")
    labels = 'reason="duplicate_decision_key",stage="guards",status="skipped"'
    assert f"entrygate_decisions_total{{{labels}}} 1.0" in told

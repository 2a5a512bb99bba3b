"""The venue as a test drives it, and processes that trade there until they are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PATIENCE_SEC = 90


async def eventually(holds: Callable[[], Any], what: str, within_sec: float = PATIENCE_SEC) -> Any:
    """The first true answer; fails when there is none in time. Looks often, so that tests are quick."""
    deadline = time.monotonic() + within_sec
    while True:
        found = await holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"in vain: {what}"
        await asyncio.sleep(0.05)


@dataclass
class LocalVenue:
    """The BitMart server, driven through its control endpoints."""

    url: str
    client: httpx.AsyncClient

    async def plan(self, **fault: Any) -> None:
        (await self.client.post("/_control/faults", json=fault)).raise_for_status()

    async def has_struck(self, endpoint: str) -> bool:
        """Whether the fault that was planned for an endpoint has met its request."""
        pending = (await self.client.get("/_control/faults")).json()["pending"]
        return all(fault["endpoint"] != endpoint for fault in pending)

    async def state(self) -> dict[str, Any]:
        return (await self.client.get("/_control/state")).json()

    async def entries(self) -> list[dict[str, Any]]:
        """Entry orders (sides 1 and 4) that the venue ever took."""
        return [order for order in (await self.state())["orders"] if order["side"] in (1, 4)]

    async def submissions(self) -> dict[str, int]:
        """How often an order of each client id reached the venue."""
        return (await self.client.get("/_control/journal")).json()["attempts"]


def _logged(line: str) -> dict[str, Any]:
    return json.loads(line) if line.startswith("{") else {}


@dataclass
class Trader:
    """One process. ``lines`` is what it has said so far."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))

    async def complain(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.errors.append(line.decode())

    async def says(self, name: str) -> dict[str, Any]:
        async def said() -> dict[str, Any] | None:
            assert self.process.returncode is None or any(name in line for line in self.lines), self.errors
            return next((line for line in self.lines if name in line), None)

        return await eventually(said, f"a process that says {name}: {self.errors[-3:]}")

    def did(self, *events: str) -> set[str]:
        """Decision keys of the orders about which it has logged one of these."""
        return {line["decision_key"] for line in map(_logged, self.errors) if line.get("event") in events}

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


@dataclass
class Traders:
    """Starts processes, and ends them with the test."""

    database_url: str
    venue: LocalVenue
    started: list[Trader] = field(default_factory=list)
    listening: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self, role: str, *symbols: str) -> Trader:
        script = HERE / "trading_process.py"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(script), self.database_url, self.venue.url, role, *symbols),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        trader = Trader(process)
        self.started.append(trader)
        self.listening += [asyncio.create_task(trader.listen()), asyncio.create_task(trader.complain())]
        return trader

    async def end(self) -> None:
        """Kills what still runs and prints what each said last, which a test that fails then shows."""
        for trader in self.started:
            if trader.process.returncode is None:
                await trader.kill()
        await asyncio.gather(*self.listening)
        for number, trader in enumerate(self.started):
            print(f"process {number}:", *trader.errors[-30:], sep="\n  ")

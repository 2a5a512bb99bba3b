"""Processes that run tales on one database, and a way to wait for what they tell."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import durable_tales


@dataclass
class Tellers:
    """Makes processes; every one is killed when the test ends."""

    url: str
    made: list[Process] = field(default_factory=list)

    async def open(self, **options: Any) -> Process:
        """A process that has opened the database."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, durable_tales.__file__, self.url, json.dumps(options)),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=PIPE,
            stdout=PIPE,
        )
        self.made.append(process)
        assert process.stdout is not None
        line = ""
        while line != "open":
            line = (await process.stdout.readline()).decode().strip()
            assert line or process.returncode is None
        return process


async def command(process: Process, how: str, workflow_id: str, argument: object) -> None:
    """Gives a process a tale."""
    assert process.stdin is not None
    process.stdin.write(json.dumps([how, workflow_id, argument]).encode() + b"\n")
    await process.stdin.drain()


async def until(true: Callable[[], bool], seconds: float = 15) -> None:
    """Waits until it is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never became so"
        await asyncio.sleep(0.02)

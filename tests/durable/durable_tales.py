"""Tales: workflows that are written down in their argument, and tell a file what they do.

Run as a program it is a process that tells the tales it is given or finds in the queue. Its arguments are a
database URL and the options of ``open_durable`` as JSON. It says ``open`` when it is, reads one
``["start" | "enqueue", id, argument]`` a line, and ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.database import DatabaseAddress
from server.durable import Json, Steps
from server.durable.engine import open_durable


@dataclass(frozen=True)
class Told:
    """One thing that a tale did."""

    workflow_id: str
    what: str
    process: int
    at: float


def argument(told: Path, *acts: list[Any]) -> Json:
    """A tale: ``["step", name, seconds]``, ``["sleep", seconds]``, ``["until", ms]``, ``["needs", file]``."""
    return {"told": str(told), "acts": list(acts)}


async def tale(steps: Steps, argument: Json) -> Json:
    """Does its acts one after the other and answers with what the steps answered."""
    assert isinstance(argument, dict)
    acts, told = argument["acts"], Path(str(argument["told"]))

    def tell(what: str) -> None:
        line = json.dumps([steps.workflow_id, what, os.getpid(), time.time()]) + "\n"
        with told.open("a") as file:
            file.write(line)

    tell("tale")
    answers: list[Json] = []
    assert isinstance(acts, list)
    for act in acts:
        match act:
            case ["step", str(name), float() | int() as seconds]:

                async def long(name: str = name, seconds: float = seconds) -> Json:
                    tell(f"{name} begins")
                    await asyncio.sleep(seconds)
                    tell(f"{name} ends")
                    return {"name": name}

                answers.append(await steps.step(name, long))
            case ["needs", str(file)]:

                async def demanding(file: str = file) -> Json:
                    tell("needs")
                    return _text(file)

                answers.append(await steps.step("needs", demanding))
            case ["sleep", float() | int() as seconds]:
                await steps.sleep(seconds)
                tell("woke")
            case ["until", int(at)]:
                await steps.sleep_until(at)
                tell("woke")
            case _:
                raise ValueError(f"no such act: {act}")
    return answers


def _text(file: str) -> str:
    return Path(file).read_text()


def read(told: Path, wanted: Callable[[Told], bool] = lambda told: True) -> list[Told]:
    """What has been told so far."""
    lines = told.read_text().splitlines() if told.exists() else []
    return [line for line in (Told(*json.loads(text)) for text in lines) if wanted(line)]


def what(told: Path, workflow_id: str) -> list[str]:
    """What one tale has told so far."""
    return [line.what for line in read(told) if line.workflow_id == workflow_id]


async def _process(url: str, options: dict[str, Any]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    async with open_durable(DatabaseAddress.parse(url), {"tale": tale}, **options) as durable:
        print("open", flush=True)

        async def obeys() -> None:
            while line := await commands.readline():
                how, workflow_id, argument = json.loads(line)
                await (durable.start if how == "start" else durable.enqueue)("tale", workflow_id, argument)

        obeying = asyncio.create_task(obeys())
        await stopped.wait()
        obeying.cancel()


if __name__ == "__main__":
    asyncio.run(_process(sys.argv[1], json.loads(sys.argv[2])))

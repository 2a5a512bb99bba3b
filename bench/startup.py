"""From ``entrygate serve`` to the first ``/ready``: a fresh process and a fresh database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.table import Row, span

PATIENCE_SEC = 30.0


def run() -> list[Row]:
    """Best of three starts."""
    shortest = min(_start() for _ in range(3))
    return [Row("entrygate serve to ready", span(shortest), "< 3 s", shortest < 3)]


def _start() -> float:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'entrygate.db'}"
        environment = {**os.environ, "ENTRYGATE_DATABASE_URL": database}
        command = [sys.executable, "-c", "from server.cli import main; main()", "serve", "--port", str(port)]
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while not _ready(port):
                if process.poll() is not None or time.perf_counter() - begun > PATIENCE_SEC:
                    raise RuntimeError("entrygate serve did not become ready")
                time.sleep(0.005)
            return time.perf_counter() - begun
        finally:
            process.terminate()
            process.wait(10)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False

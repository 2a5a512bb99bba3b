"""A `BitMart` server on a real loopback port, whose connections can be lost as well as closed."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .server import BitMart
from .transport import CONNECTIONS

START_S = 20


class TrackedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which notes its connections so that a reply can be lost on purpose."""

    _ends: tuple[str, int, int] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer: Any = transport.get_extra_info("peername")
        own: Any = transport.get_extra_info("sockname")
        if peer and own:
            self._ends = (peer[0], peer[1], own[1])
            CONNECTIONS[self._ends] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ends is not None:
            CONNECTIONS.pop(self._ends, None)
        super().connection_lost(exc)


def config(server: BitMart, port: int = 0) -> uvicorn.Config:
    return uvicorn.Config(
        server,
        host="127.0.0.1",
        port=port,
        http=TrackedProtocol,
        loop="asyncio",
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )


@contextmanager
def serving(server: BitMart) -> Iterator[str]:
    """The server's address, e.g. ``http://127.0.0.1:40123``; it stops at the end of the block."""
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(config(server))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_S
    while not running.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running.started
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(10)
        listening.close()

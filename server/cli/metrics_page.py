"""The one page that ``worker`` serves: what it counts, for Prometheus."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

from server.access import KeyRing, includes
from server.metrics import CONTENT_TYPE
from server.overview.gauges import rendered
from server.service import Service


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def page_server(service: Service) -> uvicorn.Server:
    """Answers ``GET /metrics``; where there are keys, to one with the role read."""
    config = uvicorn.Config(
        _application(service, service.settings.keys),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return _Server(config)


async def serve_page(service: Service, listening: socket.socket) -> None:
    """Until it is cancelled."""
    server = page_server(service)
    try:
        await server.serve(sockets=[listening])
    finally:
        server.should_exit = True


def _application(service: Service, keys: KeyRing | None) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"] != "/metrics" or scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 404, b"there is only GET /metrics here\n")
        elif not _may(keys, headers):
            await _answer(send, 401, b"this needs a key with the role read\n")
        else:
            page = await rendered(service.metrics, service.orders, service.venues)
            await _answer(send, 200, page, CONTENT_TYPE)

    return application


def _may(keys: KeyRing | None, headers: dict[str, str]) -> bool:
    if keys is None:
        return True
    scheme, _, token = headers.get("authorization", "").partition(" ")
    secret = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    key = keys.find(secret)
    return key is not None and includes(key.role, "read")


async def _answer(send: Any, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="entrygate"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

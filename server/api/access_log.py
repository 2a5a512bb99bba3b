"""One line in the log for each request: method, path, status, time. Never a query, a header or a body."""

from __future__ import annotations

import time

import structlog
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from server.api.problems import REQUEST_ID, new_request_id

QUIET = ("/health", "/ready", "/metrics")
"""Asked every few seconds by whoever watches the service."""

HEADER = b"x-request-id"

log = structlog.get_logger(__name__)


class AccessLog(ASGIMiddleware):
    """Gives every request its id, in the answer's header and in the log."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request_id = new_request_id(scope)
        began, status = time.perf_counter(), 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = list(message["headers"])
                if all(name.lower() != HEADER for name, _ in headers):  # a problem has named itself already
                    message["headers"] = [*headers, (HEADER, request_id.encode())]
            await send(message)

        try:
            await next_app(scope, receive, told)
        finally:
            if scope["path"] not in QUIET:
                log.info(
                    "request",
                    method=scope["method"] if scope["type"] == ScopeType.HTTP else None,
                    path=scope["path"],
                    status=status,
                    seconds=round(time.perf_counter() - began, 4),
                    **{REQUEST_ID: request_id},
                )

"""Ways to a `BitMart` server, straight from httpx or as an ASGI application, and lost replies on them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from .messages import Answer, Call

if TYPE_CHECKING:
    from .server import BitMart

HELD_S = 60.0
"""How long a connection whose reply is lost is kept open at most."""


class Direct(httpx.AsyncBaseTransport):
    """Hands httpx requests to the server in this process: no socket, no ASGI.

    Lost replies are what a real connection would raise: `httpx.ReadTimeout` at once (nothing is waited for),
    `httpx.RemoteProtocolError` for a closed connection or a cut body, `httpx.ConnectError` for one that was
    never made. The request's own read timeout is the patience of delays.
    """

    def __init__(self, server: BitMart, peer: str = "127.0.0.1") -> None:
        self._server = server
        self._peer = peer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = Call(
            request.method,
            request.url.path,
            request.url.query.decode("ascii"),
            {name.decode("ascii").lower(): value.decode("latin-1") for name, value in request.headers.raw},
            await request.aread(),
            self._peer,
        )
        patience = request.extensions.get("timeout", {}).get("read")
        answer = await self._server.answer(call, patience)
        error = lost(answer, request)
        if error is not None:
            raise error
        assert answer.reply is not None
        return httpx.Response(answer.reply.status, headers=answer.reply.headers, content=answer.reply.body)


def lost(answer: Answer, request: httpx.Request | None) -> httpx.TransportError | None:
    """The error a caller sees instead of a reply; None where there is one."""
    if answer.reply is not None and not answer.cut:
        return None
    if answer.cut:
        text = "peer closed connection without sending complete message body"
        return httpx.RemoteProtocolError(text, request=request)
    if answer.ending == "timeout":
        return httpx.ReadTimeout("", request=request)
    if answer.ending == "refuse":
        return httpx.ConnectError("All connection attempts failed", request=request)
    return httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)


async def deliver(server: BitMart, scope: Any, receive: Any, send: Any) -> None:
    """One ASGI request.

    Under `venues.bitmart.serving` a lost reply holds or closes the real connection, under
    `httpx.ASGITransport` it raises the httpx error itself.
    """
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    client = scope.get("client") or ("127.0.0.1", 0)
    call = Call(
        scope["method"],
        scope["path"],
        scope.get("query_string", b"").decode("ascii"),
        {name.decode("ascii").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body,
        client[0],
    )
    answer = await server.answer(call)
    server_port = (scope.get("server") or ("", 0))[1]
    connection = CONNECTIONS.get((client[0], client[1], server_port))
    if connection is None:
        error = lost(answer, None)
        if error is not None:
            raise error
    elif answer.reply is None:
        await _lose(answer, connection, receive)
        return
    assert answer.reply is not None
    length = str(len(answer.reply.body)).encode()
    headers = [*answer.reply.headers, (b"content-length", length)]
    await send({"type": "http.response.start", "status": answer.reply.status, "headers": headers})
    if not answer.cut:
        await send({"type": "http.response.body", "body": answer.reply.body})
        return
    half = answer.reply.body[: len(answer.reply.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    assert connection is not None
    connection.close()
    await asyncio.sleep(0)


async def _lose(answer: Answer, connection: asyncio.Transport, receive: Any) -> None:
    """Leaves the caller without a reply: waits until it goes, or closes the connection."""
    if answer.ending == "timeout":
        try:
            async with asyncio.timeout(HELD_S):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            pass
    connection.abort()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


CONNECTIONS: dict[tuple[str, int, int], asyncio.Transport] = {}
"""Open connections of servers in this process: by the caller's address and port, and the server's port."""

"""Who calls, and whether they may: keys with roles, or this machine where there are none."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from server.access import KeyRing, Role, includes
from server.api.problems import AnyRequest, forbidden, unauthorised

NEEDS = "needs"
"""Where a route says which role each method needs; None is nobody in particular."""

_CALLER = "caller"
_REALM = 'Bearer realm="entrygate"'

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Caller:
    """``name`` is the actor of what is done. ``key``: the name is that of a key."""

    name: str
    role: Role
    key: bool

    def may(self, needed: Role) -> bool:
        """Whether the caller's role includes ``needed``."""
        return includes(self.role, needed)


class KeyCheck(ASGIMiddleware):
    """Lets through who has the role that a route needs; without keys, who calls from this machine.

    A key is sent as ``Authorization: Bearer <secret>`` or ``X-API-Key: <secret>``. It is neither logged nor
    repeated.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, keys: KeyRing | None) -> None:
        self._keys = keys

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request: AnyRequest = Request(scope, receive, send)
        caller, sent = self._caller(request)
        scope["state"][_CALLER] = caller
        needed = _needed(scope, request.method)
        if needed is None or (caller is not None and caller.may(needed)):
            await next_app(scope, receive, send)
            return
        if caller is None:
            wrong = "the key that was sent is not known here" if sent else "this needs a key"
            cause = ', error="invalid_token"' if sent else ""
            response = unauthorised(request, wrong, _REALM + cause)
        else:
            scope_of = f'{_REALM}, error="insufficient_scope", scope="{needed}"'
            response = forbidden(request, _lacking(caller, needed), scope_of if caller.key else None)
        client = request.client
        log.warning(
            "request.turned_away",
            path=scope["path"],
            client=None if client is None else client.host,
            needed=needed,
            caller=None if caller is None else caller.name,
        )
        asgi: Any = response
        await asgi.to_asgi_response(None, request)(scope, receive, send)

    def _caller(self, request: AnyRequest) -> tuple[Caller | None, bool]:
        """Who calls, and whether a key was sent."""
        if self._keys is None:
            name = "api" if request.client is None else f"api:{request.client.host}"
            return Caller(name, "trade" if _is_here(request) else "run", key=False), False
        secret = _secret(request.headers)
        key = None if secret is None else self._keys.find(secret)
        return None if key is None else Caller(key.name, key.role, key=True), secret is not None


def caller_of(request: AnyRequest) -> Caller | None:
    """Who calls; None is somebody without a key where there are keys."""
    return request.scope["state"].get(_CALLER)


def known_caller(request: AnyRequest) -> Caller:
    """Who calls a route that needs a role."""
    caller = caller_of(request)
    if caller is None:
        raise PermissionError("nobody was let through here")
    return caller


def _needed(scope: Scope, method: str) -> Role | None:
    needs: Mapping[str, Role | None] = scope["route_handler"].opt.get(NEEDS, {})
    return needs.get(method, "read")


def _secret(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get("x-api-key")


def _lacking(caller: Caller, needed: Role) -> str:
    if caller.key:
        return f"this needs the role {needed}; the key '{caller.name}' has {caller.role}"
    return (
        "without ENTRYGATE_API_KEYS this is only for this machine itself, under its own name "
        "(http://127.0.0.1 or http://localhost)"
    )


def _is_here(request: AnyRequest) -> bool:
    """Whether the call comes from this machine and is meant for it.

    The name it is asked by counts too: a page of another origin can have its own name lead here, and a proxy
    on this machine hands calls of others on.
    """
    client: Any = request.client
    host = request.headers.get("host", "")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return client is not None and is_loopback(client.host) and is_loopback(name)


def is_loopback(host: str) -> bool:
    """Whether an address or a name can only be reached from this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

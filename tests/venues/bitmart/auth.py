"""Keys and signatures: who asks, whether the request is theirs, and whether it is recent."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from .codes import ApiError

AHEAD_MS = 1000
"""A timestamp may be so far ahead of the venue's clock."""

DEFAULT_WINDOW_MS = 5000
LARGEST_WINDOW_MS = 60_000


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as its owner holds it, and what the venue made of it."""

    access: str
    secret: str
    memo: str
    account: str = "main"
    may_trade: bool = True
    frozen: bool = False
    expired: bool = False


def signature(secret: str, memo: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 in lower-case hex over ``timestamp#memo#body``; the body's exact bytes."""
    message = f"{timestamp}#{memo}#".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def keyed(keys: Mapping[str, Key], headers: Mapping[str, str]) -> Key:
    """The key of a request that needs one. Raises `ApiError` 30001, 30002, 30003 or 30011."""
    access = headers.get("x-bm-key", "")
    if not access:
        raise ApiError(30001)
    key = keys.get(access)
    if key is None:
        raise ApiError(30002)
    if key.frozen:
        raise ApiError(30003)
    if key.expired:
        raise ApiError(30011)
    return key


def signed(key: Key, headers: Mapping[str, str], body: bytes, now_ms: int, window_ms: int) -> None:
    """Raises `ApiError` 30004 to 30008 or 30012 unless the request is signed by ``key`` and recent.

    Valid: ``timestamp < now + 1000`` and ``now - timestamp <= window``.
    """
    sign = headers.get("x-bm-sign", "")
    timestamp = headers.get("x-bm-timestamp", "")
    if not sign:
        raise ApiError(30004)
    if not timestamp:
        raise ApiError(30006)
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise ApiError(30008)
    sent_ms = int(timestamp)
    if sent_ms >= now_ms + AHEAD_MS or now_ms - sent_ms > window_ms:
        raise ApiError(30007)
    if not hmac.compare_digest(sign, signature(key.secret, key.memo, timestamp, body)):
        raise ApiError(30005)
    if not key.may_trade:
        raise ApiError(30012)

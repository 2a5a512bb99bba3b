"""The signature of a request that changes something (BitMart futures v2, "SIGNED")."""

from __future__ import annotations

import hashlib
import hmac


def sign(secret: str, memo: str, timestamp_ms: int, body: bytes) -> str:
    """Lower-case hex of HMAC-SHA256 over ``timestamp#memo#body``; ``body`` is what is sent, byte for byte."""
    message = f"{timestamp_ms}#{memo}#".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()

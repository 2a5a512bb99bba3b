"""Who a decision is: a key that the same decision always has, and order ids derived from it."""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256
from typing import Literal

from server.trade_entry.signal import Signal

ClientOrderPrefix = Literal["SIM", "EG"]
"""``SIM`` marks orders that are only simulated, ``EG`` those that leave."""

CLIENT_ORDER_ID_LENGTH = 32
"""Venues take at most this many characters, letters and digits only."""


def decision_key(signal: Signal, exchange: str, account: str) -> str:
    """Exchange, account, profile, symbol, side, execution timeframe, candle open time; with colons."""
    return ":".join(
        (
            exchange,
            account,
            signal.profile,
            signal.symbol,
            signal.side or "none",
            signal.execution_timeframe or "none",
            str(signal.candle_open_ms),
        )
    )


def client_order_id(key: str, prefix: ClientOrderPrefix) -> str:
    """``prefix`` and base32 of the key's SHA-256, cut to 32 letters and digits (145 bits remain)."""
    digest = b32encode(sha256(key.encode()).digest()).decode().rstrip("=")
    return (prefix + digest)[:CLIENT_ORDER_ID_LENGTH]


def trade_id(key: str, symbol: str) -> str:
    """Short name of the trade for people and logs, derived from the decision key."""
    return f"trd:{symbol.lower()}:{sha256(key.encode()).hexdigest()[:12]}"

"""The endpoints that are used, with the rates that BitMart documents for them: a table, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Access = Literal["none", "keyed", "signed"]
Target = Literal["address", "key", "user"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path. ``requests`` per ``WINDOW_SEC`` are allowed, counted by ``counted_by``.

    Every path has a bucket of its own; all processes behind one address share the bucket of a public path,
    all that use one key (or user) that of a private one.
    """

    path: str
    access: Access
    requests: int
    counted_by: Target


WINDOW_SEC = 2.0
"""Length of the window of every endpoint used here."""

SYSTEM_TIME = Endpoint("/system/time", "none", 10, "address")
"""10 per second in the documentation, per two seconds elsewhere: the slower one is kept."""

DETAILS = Endpoint("/contract/public/details", "none", 12, "address")
DEPTH = Endpoint("/contract/public/depth", "none", 12, "address")
KLINE = Endpoint("/contract/public/kline", "none", 12, "address")
MARK_PRICE_KLINE = Endpoint("/contract/public/markprice-kline", "none", 12, "address")
LEVERAGE_BRACKET = Endpoint("/contract/public/leverage-bracket", "none", 12, "address")

ASSETS_DETAIL = Endpoint("/contract/private/assets-detail", "keyed", 12, "key")
POSITION_V2 = Endpoint("/contract/private/position-v2", "keyed", 6, "key")
POSITION_MODE = Endpoint("/contract/private/get-position-mode", "keyed", 2, "key")
TRADE_FEE_RATE = Endpoint("/contract/private/trade-fee-rate", "keyed", 2, "key")
OPEN_ORDERS = Endpoint("/contract/private/get-open-orders", "keyed", 50, "key")
ORDER_HISTORY = Endpoint("/contract/private/order-history", "keyed", 6, "key")
PLAN_ORDERS = Endpoint("/contract/private/current-plan-order", "keyed", 50, "key")
TRADES = Endpoint("/contract/private/trades", "keyed", 6, "key")
TRANSACTIONS = Endpoint("/contract/private/transaction-history", "keyed", 6, "key")

SUBMIT_ORDER = Endpoint("/contract/private/submit-order", "signed", 24, "key")
CANCEL_ORDER = Endpoint("/contract/private/cancel-order", "signed", 40, "key")
SUBMIT_LEVERAGE = Endpoint("/contract/private/submit-leverage", "signed", 24, "key")
SUBMIT_TRIGGER = Endpoint("/contract/private/submit-tp-sl-order", "signed", 24, "user")
MODIFY_TRIGGER = Endpoint("/contract/private/modify-tp-sl-order", "signed", 24, "user")
CANCEL_TRIGGER = Endpoint("/contract/private/cancel-plan-order", "signed", 40, "user")

ENDPOINTS: tuple[Endpoint, ...] = (
    SYSTEM_TIME,
    DETAILS,
    DEPTH,
    KLINE,
    MARK_PRICE_KLINE,
    LEVERAGE_BRACKET,
    ASSETS_DETAIL,
    POSITION_V2,
    POSITION_MODE,
    TRADE_FEE_RATE,
    OPEN_ORDERS,
    ORDER_HISTORY,
    PLAN_ORDERS,
    TRADES,
    TRANSACTIONS,
    SUBMIT_ORDER,
    CANCEL_ORDER,
    SUBMIT_LEVERAGE,
    SUBMIT_TRIGGER,
    MODIFY_TRIGGER,
    CANCEL_TRIGGER,
)

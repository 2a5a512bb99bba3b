"""The venue's enumerations (sections 4.1 to 4.4 of its documentation), in hedge mode."""

from __future__ import annotations

from typing import Literal

from engine.models.base import Side
from server.exchange.trading import MarginMode, OrderSide, OrderType, TimeInForce, TriggerKind

OPENING: dict[Side, int] = {"long": 1, "short": 4}
CLOSING: dict[Side, int] = {"long": 3, "short": 2}

ORDER_SIDES: dict[int, OrderSide] = {1: "buy", 2: "buy", 3: "sell", 4: "sell"}
POSITION_OF: dict[int, Side] = {1: "long", 2: "short", 3: "long", 4: "short"}
"""The side of the position that an order of this ``side`` opens or closes."""

CLOSES: dict[int, bool] = {1: False, 2: True, 3: True, 4: False}
CLOSED_SIDE: dict[int, Side] = {3: "long", 2: "short"}

TIMES_IN_FORCE: dict[TimeInForce, int] = {"gtc": 1, "fok": 2, "ioc": 3, "post_only": 4}

ORDER_STATES: dict[int, Literal["open", "closed"]] = {1: "open", 2: "open", 4: "closed"}
"""Approval; check (also partly filled); finish. 3 is not used."""

ORDER_TYPES: dict[str, OrderType] = {
    "limit": "limit",
    "market": "market",
    "trailing": "market",
    "liquidate": "market",
    "adl": "market",
    "bankruptcy": "limit",  # rests at the bankruptcy price
}
"""The venue's own orders count as what they do: take what is there, or rest at a price."""

TRIGGER_KINDS: dict[str, TriggerKind | None] = {
    "stop_loss": "stop_loss",
    "take_profit": "take_profit",
    "plan": None,  # waits to open as well as to close: no protection
}
WHOLE_POSITION = 2
PARTIAL = 1
PLAN_CATEGORIES: dict[int, int] = {WHOLE_POSITION: WHOLE_POSITION, PARTIAL: PARTIAL}

LAST_PRICE = 1
"""``price_type``: what triggers."""

POSITION_SIDES: dict[str, Side | None] = {"long": "long", "short": "short", "both": None}
"""``both`` is the only side of an account in one-way mode."""

POSITION_MODES: dict[str, str] = {"hedge_mode": "hedge_mode", "one_way_mode": "one_way_mode"}
HEDGE_MODE = "hedge_mode"

MARGIN_MODES: dict[str, MarginMode] = {"isolated": "isolated", "cross": "cross"}
PERPETUAL = 1

FLOWS: dict[int, str] = {2: "realised PnL", 3: "funding fee", 4: "commission", 5: "liquidation"}
"""``flow_type`` of the movements that are profit or loss; 1 is a transfer. Each is a movement of the balance
of its own, so their sum counts nothing twice."""

FLOW_NAMES: dict[str, int] = {"Transfer": 1, "Commission Fee": 4}
"""What ``type`` is known to say; used to find that a filter was not obeyed."""

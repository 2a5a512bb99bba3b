"""Every path the venue serves: its method, what it asks of the caller, and its documented parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from . import holdings, orders, plans, public, reads

Level = Literal["none", "keyed", "signed"]

PRIVATE = "/contract/private/"
PUBLIC = "/contract/public/"


@dataclass(frozen=True, slots=True)
class Route:
    """``handler`` takes the venue, the account unless public, the parameters, and effects if signed."""

    path: str
    method: str
    level: Level
    handler: Callable[..., Any]
    fields: frozenset[str]

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def _public(name: str, handler: Callable[..., Any], fields: str = "", prefix: str = PUBLIC) -> Route:
    return Route(prefix + name, "GET", "none", handler, frozenset(fields.split()))


def _read(name: str, handler: Callable[..., Any], fields: str = "") -> Route:
    return Route(PRIVATE + name, "GET", "keyed", handler, frozenset(fields.split()))


def _write(name: str, handler: Callable[..., Any], fields: str = "") -> Route:
    return Route(PRIVATE + name, "POST", "signed", handler, frozenset(fields.split()))


PRESETS = (
    "preset_take_profit_price preset_stop_loss_price "
    "preset_take_profit_price_type preset_stop_loss_price_type"
)
CANDLES = "symbol step start_time end_time"

ROUTES: dict[str, Route] = {
    route.path: route
    for route in (
        _public("time", public.system_time, prefix="/system/"),
        _public("service", public.system_service, prefix="/system/"),
        _public("details", public.details, "symbol"),
        _public("depth", public.depth, "symbol"),
        _public("kline", public.kline, CANDLES),
        _public("markprice-kline", public.markprice_kline, CANDLES),
        _public("leverage-bracket", public.leverage_bracket, "symbol"),
        _public("funding-rate", public.funding_rate, "symbol"),
        _public("open-interest", public.open_interest, "symbol"),
        _public("market-trade", public.market_trade, "symbol limit"),
        _read("assets-detail", holdings.assets_detail),
        _read("position", holdings.position_v1, "symbol account"),
        _read("position-v2", holdings.position_v2, "symbol account"),
        _read("position-risk", holdings.position_risk, "symbol account"),
        _read("get-open-orders", reads.get_open_orders, "symbol type order_state limit"),
        _read("order", reads.order, "symbol order_id account type"),
        _read(
            "order-history",
            reads.order_history,
            "symbol order_id client_order_id account start_time end_time",
        ),
        _read("trades", reads.trades, "symbol order_id client_order_id account start_time end_time"),
        _read(
            "transaction-history",
            reads.transaction_history,
            "symbol flow_type account start_time end_time page_size",
        ),
        _read("current-plan-order", reads.current_plan_order, "symbol type plan_type limit"),
        _read("trade-fee-rate", reads.trade_fee_rate, "symbol"),
        _read("get-position-mode", reads.get_position_mode),
        _write(
            "submit-order",
            orders.submit_order,
            f"symbol side type size price mode leverage open_type client_order_id stp_mode {PRESETS}",
        ),
        _write("cancel-order", orders.cancel_order, "symbol order_id client_order_id"),
        _write("cancel-orders", orders.cancel_orders, "symbol"),
        _write("cancel-all-after", orders.cancel_all_after, "symbol timeout"),
        _write("modify-limit-order", orders.modify_limit_order, "symbol order_id client_order_id price size"),
        _write("submit-leverage", orders.submit_leverage, "symbol leverage open_type"),
        _write("set-position-mode", orders.set_position_mode, "position_mode"),
        _write("claim", orders.claim),
        _write(
            "submit-tp-sl-order",
            plans.submit_tp_sl_order,
            "symbol type side trigger_price executive_price price_type size plan_category category "
            "client_order_id",
        ),
        _write(
            "submit-plan-order",
            plans.submit_plan_order,
            "symbol side size leverage open_type trigger_price price_way price_type type mode "
            f"executive_price plan_category client_order_id {PRESETS}",
        ),
        _write("cancel-plan-order", plans.cancel_plan_order, "symbol order_id client_order_id"),
        _write(
            "modify-tp-sl-order",
            plans.modify_tp_sl_order,
            "symbol order_id client_order_id trigger_price price_type executive_price plan_category category",
        ),
        _write(
            "modify-plan-order",
            plans.modify_plan_order,
            "symbol order_id client_order_id trigger_price price_type type executive_price",
        ),
        _write("modify-preset-plan-order", plans.modify_preset_plan_order, f"symbol order_id {PRESETS}"),
    )
}
"""path -> route. Transfers, sub-accounts, trailing orders and funding history are not served (30000)."""

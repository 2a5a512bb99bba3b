"""What was ordered: the list, the journey of one, and what the venue has open."""

from __future__ import annotations

from typing import get_args

from server.api.endpoint import Endpoint
from server.api.history import PAGE_PARAMETERS, PAGE_SIZE
from server.api.parameters import choice, instant, name
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.venues import EXCHANGE, desk_of, exchange_of
from server.orders.intent import IntentState, IntentStatus
from server.orders.reading import OrderFilter
from server.overview.orders import find, journey, journey_json, order_json
from server.overview.positions import positions_json
from server.overview.shapes import OrderJourney, OrderPage, Positions
from server.service import Service

CLIENT_ORDER_ID = {"client_order_id": "Any client order id of the order; the first one names it."}


async def orders(request: AnyRequest, service: Service, values: Values) -> OrderPage:
    symbol, state = values.get("symbol"), values.get("state")
    wanted = OrderFilter(
        exchange=None if "exchange" not in values else exchange_of(service, values),
        symbol=None if symbol is None else symbol.upper(),
        profile=values.get("profile"),
        states=() if state is None else (state,),
        status=values.get("status"),
        reason=values.get("reason"),
        from_ms=values.get("from"),
        to_ms=values.get("to"),
    )
    page = await service.orders.page(
        wanted, page=values.get("page", 1), page_size=values.get("page_size", PAGE_SIZE)
    )
    return {
        "items": [order_json(intent) for intent in page.items],
        "page": page.page,
        "page_size": page.page_size,
        "total": page.total,
    }


async def order(request: AnyRequest, service: Service, values: Values) -> OrderJourney:
    intent = await find(service.orders, values["client_order_id"])
    return journey_json(await journey(service.orders, intent))


async def positions(request: AnyRequest, service: Service, values: Values) -> Positions:
    return await positions_json(desk_of(service, values))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/orders",
        name="orders",
        tag="orders",
        summary="Orders that pass a filter, newest first",
        description="One for each decision that was to become an order, whatever came of it.",
        needs="read",
        handler=orders,
        answers={200: OrderPage},
        parameters=(
            EXCHANGE,
            name("symbol", "Only this symbol."),
            name("profile", "Only this profile."),
            choice("state", "Only those that stand so.", get_args(IntentState)),
            choice("status", "Only those whose decision came to this.", get_args(IntentStatus)),
            name("reason", "Only this reason."),
            instant("from", "Decided at this instant or later, by the venue's clock."),
            instant("to", "Decided before this instant."),
            *PAGE_PARAMETERS,
        ),
        problems=(400, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/orders/{client_order_id}",
        name="order",
        tag="orders",
        summary="The journey of one order, from its verdict to its close",
        description="Its plan, every client order id it gave out, and every event with the time of the venue "
        "and that of this machine.",
        needs="read",
        handler=order,
        answers={200: OrderJourney},
        places=CLIENT_ORDER_ID,
        problems=(400, 404, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/positions",
        name="positions",
        tag="orders",
        summary="What the venue has open, and whether its stops stand",
        needs="read",
        handler=positions,
        answers={200: Positions},
        parameters=(EXCHANGE,),
        problems=(400, 503),
    ),
)

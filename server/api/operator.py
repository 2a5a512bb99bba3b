"""What an operator does to trading: stop it, let it go on, cancel, try again; each with a reason."""

from __future__ import annotations

from server.api.caller import known_caller
from server.api.endpoint import Endpoint
from server.api.history import PAGE_PARAMETERS, PAGE_SIZE
from server.api.orders import CLIENT_ORDER_ID
from server.api.parameters import choice, instant, name, reason
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.venues import EXCHANGE, desk_of, operations_of
from server.orders.holds import utc_day
from server.orders.operator import ACTION_NAMES, ActionFilter
from server.overview.orders import (
    action_json,
    daily_loss_json,
    find,
    halt_json,
    journey,
    journey_json,
)
from server.overview.shapes import ActionPage, DailyLossState, HaltState, OrderJourney
from server.service import Service


async def cancel(request: AnyRequest, service: Service, values: Values) -> OrderJourney:
    """The watcher of the order cancels it at its next look; the journey says that it was asked to."""
    intent = await find(service.orders, values["client_order_id"])
    changed = await operations_of(service).cancel(
        intent.client_order_id, values["reason"], known_caller(request).name
    )
    return journey_json(await journey(service.orders, changed))


async def retry(request: AnyRequest, service: Service, values: Values) -> OrderJourney:
    intent = await find(service.orders, values["client_order_id"])
    again = await operations_of(service).retry(
        intent.client_order_id, values["reason"], known_caller(request).name
    )
    return journey_json(await journey(service.orders, again))


async def halt(request: AnyRequest, service: Service, values: Values) -> HaltState:
    return halt_json(await operations_of(service).halt(values["reason"], known_caller(request).name))


async def resume(request: AnyRequest, service: Service, values: Values) -> HaltState:
    return halt_json(await operations_of(service).resume(values["reason"], known_caller(request).name))


async def halted(request: AnyRequest, service: Service, values: Values) -> HaltState:
    return halt_json(await service.orders.halted())


async def actions(request: AnyRequest, service: Service, values: Values) -> ActionPage:
    wanted = ActionFilter(
        action=values.get("action"),
        actor=values.get("actor"),
        about=values.get("about"),
        from_ms=values.get("from"),
        to_ms=values.get("to"),
    )
    page = await service.orders.actions(
        wanted, page=values.get("page", 1), page_size=values.get("page_size", PAGE_SIZE)
    )
    return {
        "items": [action_json(action) for action in page.items],
        "page": page.page,
        "page_size": page.page_size,
        "total": page.total,
    }


async def daily_loss(request: AnyRequest, service: Service, values: Values) -> DailyLossState:
    desk = desk_of(service, values)
    exchange, account, day = desk.venue.name, desk.account, utc_day(await desk.now())
    return daily_loss_json(exchange, account, day, await service.orders.daily_loss(exchange, account, day))


async def reset_daily_loss(request: AnyRequest, service: Service, values: Values) -> DailyLossState:
    desk = desk_of(service, values)
    exchange, account = desk.venue.name, desk.account
    loss = await service.orders.reset_daily_loss(
        exchange, account, await desk.now(), reason=values["reason"], actor=known_caller(request).name
    )
    return daily_loss_json(exchange, account, loss.day, loss)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/orders/{client_order_id}/cancel",
        name="cancel",
        tag="operator",
        summary="Cancel an entry that waits; what has filled stays, protected",
        description="Whoever watches the order cancels it at its next look, also in another process.",
        needs="trade",
        handler=cancel,
        answers={200: OrderJourney},
        parameters=(reason("Why it is cancelled."),),
        places=CLIENT_ORDER_ID,
        problems=(400, 404, 409, 413, 415, 503),
    ),
    Endpoint(
        method="POST",
        path="/api/orders/{client_order_id}/retry",
        name="retry",
        tag="operator",
        summary="Decide a failed entry again",
        description="Nothing is tried again by itself. A signal that is too old by then comes to nothing.",
        needs="trade",
        handler=retry,
        answers={200: OrderJourney},
        parameters=(reason("Why it is tried again."),),
        places=CLIENT_ORDER_ID,
        problems=(400, 404, 409, 413, 415, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/halt",
        name="halted",
        tag="operator",
        summary="Whether trading is halted",
        needs="read",
        handler=halted,
        answers={200: HaltState},
        problems=(400, 503),
    ),
    Endpoint(
        method="POST",
        path="/api/halt",
        name="halt",
        tag="operator",
        summary="Stop everything new, at every venue",
        description="Nothing new leaves once this has answered; entries that rest are cancelled; stops and "
        "targets stay.",
        needs="trade",
        handler=halt,
        answers={200: HaltState},
        parameters=(reason("Why trading is halted."),),
        problems=(400, 413, 415, 503),
    ),
    Endpoint(
        method="POST",
        path="/api/resume",
        name="resume",
        tag="operator",
        summary="Let new entries leave again",
        needs="trade",
        handler=resume,
        answers={200: HaltState},
        parameters=(reason("Why trading goes on."),),
        problems=(400, 413, 415, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/daily-loss",
        name="daily_loss",
        tag="operator",
        summary="What the account has lost today, and whether that locks it",
        needs="read",
        handler=daily_loss,
        answers={200: DailyLossState},
        parameters=(EXCHANGE,),
        problems=(400, 503),
    ),
    Endpoint(
        method="POST",
        path="/api/daily-loss/reset",
        name="reset_daily_loss",
        tag="operator",
        summary="Forgive today's loss and unlock the day",
        needs="trade",
        handler=reset_daily_loss,
        answers={200: DailyLossState},
        parameters=(EXCHANGE, reason("Why the loss is forgiven.")),
        problems=(400, 413, 415, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/actions",
        name="actions",
        tag="operator",
        summary="What operators did, newest first",
        needs="read",
        handler=actions,
        answers={200: ActionPage},
        parameters=(
            choice("action", "Only this kind of action.", ACTION_NAMES),
            name("actor", "Only what this caller did, such as `cli:ada` or the name of a key."),
            name("about", "Only where this is part of the subject, in any case: a symbol, an account, …"),
            instant("from", "At this instant or later."),
            instant("to", "Before this instant."),
            *PAGE_PARAMETERS,
        ),
        problems=(400, 503),
    ),
)

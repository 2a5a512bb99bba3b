"""The application: endpoints, the page of their document, and what becomes of an exception."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog
from litestar import Litestar

from server import logs
from server.api.access_log import AccessLog
from server.api.caller import KeyCheck
from server.api.endpoint import routes
from server.api.endpoints import ENDPOINTS
from server.api.problems import HANDLERS
from server.api.schema import HANDLERS as SCHEMA
from server.schedule.opening import scheduled
from server.service import service
from server.settings import Settings

MAX_BODY_BYTES = 128 * 1024


def create_app(settings: Settings, *, schedules_orders: bool = False) -> Litestar:
    """The API of one service that trades: it opens when the application starts and closes when it ends.

    With it goes its schedule, where the settings have one; ``schedules_orders``: its runs place orders.
    Starting raises what `server.service.service` raises. No cross-origin access is granted.
    """

    if not structlog.is_configured():
        logs.configure()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with (
            service(settings, trades=True) as opened,
            scheduled(opened, live=schedules_orders) as app.state.schedule,
        ):
            app.state.service = opened
            yield

    return Litestar(
        route_handlers=[*routes(ENDPOINTS), *SCHEMA],
        lifespan=[lifespan],
        exception_handlers=HANDLERS,
        middleware=[AccessLog(), KeyCheck(settings.keys)],
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )

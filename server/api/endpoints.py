"""Every endpoint there is; the routes and the OpenAPI document are both made of this list."""

from __future__ import annotations

from server.api import (
    configuration,
    contracts,
    history,
    operator,
    orders,
    questions,
    runs,
    schedule,
    status,
    switches,
)
from server.api.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *runs.ENDPOINTS,
    *history.ENDPOINTS,
    *schedule.ENDPOINTS,
    *questions.ENDPOINTS,
    *orders.ENDPOINTS,
    *operator.ENDPOINTS,
    *switches.ENDPOINTS,
    *contracts.ENDPOINTS,
    *configuration.ENDPOINTS,
    *status.ENDPOINTS,
)

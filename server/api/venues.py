"""Which venue a call is about, and what trades there."""

from __future__ import annotations

from server.api.parameters import name
from server.api.reading import Values
from server.execution.desk import Desk
from server.execution.operations import Operations
from server.orders.errors import OrdersUnavailable
from server.run.request import FieldProblem, RequestProblem
from server.service import Service
from server.trading import Trading

EXCHANGE = name("exchange", "Only this venue; where one is needed, that of the settings.", "exchanges")


def exchange_of(service: Service, values: Values) -> str:
    """The venue that was named, or the one of runs that name none. Raises ``RequestProblem``."""
    given = values.get("exchange")
    if given is None:
        return service.runner.default_venue(service.rulesets.current).name
    if given.lower() not in service.venues:
        problem = FieldProblem.unknown("exchange", "there is no exchange", given, service.venues)
        raise RequestProblem([problem])
    return given.lower()


def trading_of(service: Service) -> Trading:
    """What places orders. Raises ``OrdersUnavailable`` where the service was opened to look only."""
    if service.trading is None:
        raise OrdersUnavailable("this service places no orders")
    return service.trading


def desk_of(service: Service, values: Values) -> Desk:
    """The desk of the venue that the call is about. Raises as `exchange_of` and `trading_of`."""
    return trading_of(service).desks[exchange_of(service, values)]


def operations_of(service: Service) -> Operations:
    """What operators do. Raises as `trading_of`."""
    return trading_of(service).operations

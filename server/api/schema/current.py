"""The document for the service as it is now: its profiles, venues and symbols are in it by name."""

from __future__ import annotations

from server.api.encoding import encode
from server.api.endpoints import ENDPOINTS
from server.api.questions import conditions, signal_reasons
from server.api.schema.document import Present, document
from server.exchange.errors import ExchangeError
from server.service import Service


def bare_document() -> bytes:
    """The OpenAPI document of any service, as JSON: for who may not know what this one has."""
    return encode(document(ENDPOINTS, Present({}, None, takes_orders=True)))


async def current_document(service: Service) -> bytes:
    """The OpenAPI document as JSON. A venue that does not answer leaves its symbols and its clock open."""
    ruleset, _ = await service.rules.now()
    venue = service.runner.default_venue(ruleset)
    try:
        symbols, clock_ms = list(await venue.contracts()), await venue.now_ms()
    except ExchangeError:
        symbols, clock_ms = [], None
    present = Present(
        {
            "profiles": list(ruleset.profiles),
            "exchanges": list(service.venues),
            "symbols": symbols,
            "reasons": signal_reasons(ruleset),
            "conditions": conditions(ruleset),
        },
        clock_ms,
        takes_orders=service.trading is not None and venue.orders_obstacle() is None,
    )
    return encode(document(ENDPOINTS, present))

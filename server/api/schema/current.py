"""The document for the service as it is now: its profiles and venues are in it by name."""

from __future__ import annotations

from server.api.encoding import encode
from server.api.endpoints import ENDPOINTS
from server.api.schema.document import document
from server.service import Service


async def current_document(service: Service) -> bytes:
    """The OpenAPI document as JSON."""
    ruleset, _ = await service.rules.now()
    profiles, venues = list(ruleset.profiles), list(service.venues)
    choices = {"profile": profiles, "mtf_profile": profiles, "exchange": venues, "cex": venues}
    return encode(document(ENDPOINTS, choices))

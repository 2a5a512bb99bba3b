"""Which contracts a profile selects, and which filter rejects each of the others."""

from __future__ import annotations

from collections.abc import Mapping

from engine.ruleset import Profile
from server.api.endpoint import Endpoint
from server.api.history import PAGE_PARAMETERS, PAGE_SIZE
from server.api.parameters import choice, flag, name
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.venues import EXCHANGE, exchange_of
from server.overview.contracts import ContractFilter, ContractPage, selected
from server.run.request import FieldProblem, RequestProblem
from server.service import Service


async def contracts(request: AnyRequest, service: Service, values: Values) -> ContractPage:
    ruleset, _ = await service.rules.now()
    profile = _profile(values.get("profile") or ruleset.default_profile, ruleset.profiles)
    venue = service.venues[exchange_of(service, values)]
    found = await selected(service, venue, profile, refresh=values.get("refresh", False))
    symbol, state = values.get("symbol"), values.get("state")
    wanted = ContractFilter(
        symbol=None if symbol is None else symbol.upper(),
        selected=None if state is None else state == "selected",
        reason=values.get("reason"),
    )
    return found.page(wanted, values.get("page", 1), values.get("page_size", PAGE_SIZE))


def _profile(given: str, profiles: Mapping[str, Profile]) -> Profile:
    found = profiles.get(given)
    if found is None:
        raise RequestProblem([FieldProblem.unknown("profile", "there is no profile", given, profiles)])
    return found


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/contracts",
        name="contracts",
        tag="configuration",
        summary="The venue's contracts: which a profile selects, and which filter rejects the others",
        description="What a run would look at now if it named no symbols, in its order, then the others with "
        "the reason and the values that their filter read. The venue is asked; while it does not answer, the "
        "contracts are those that were stored when it last did, and `current` is false.",
        needs="read",
        handler=contracts,
        answers={200: ContractPage},
        parameters=(
            name("profile", "By the rules of this profile; without it those of the default one.", "profiles"),
            EXCHANGE,
            name("symbol", "Only this symbol."),
            choice("state", "Only selected ones, or only those left out.", ("selected", "left_out")),
            name("reason", "Only those left out for this reason."),
            flag("refresh", "Store what the venue lists now, however old what is stored is."),
            *PAGE_PARAMETERS,
        ),
        problems=(400, 503),
    ),
)

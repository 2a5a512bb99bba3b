"""What was decided: runs, decisions, and why."""

from __future__ import annotations

from typing import Any, get_args

from engine.explain import explain
from engine.ruleset import Profile
from engine.verdict import ProfileRules
from server.api.endpoint import Endpoint
from server.api.parameters import choice, flag, instant, name, whole
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.shapes import DecisionExplanation, DecisionPage, RunPage, StoredDecision, StoredRunDetail
from server.api.venues import EXCHANGE, exchange_of
from server.journal import Decision, DecisionFilter, DecisionStatus, RunFilter, RunStatusName, RunSummary
from server.overview.pending import become
from server.service import Service

PAGE_SIZE = 50
PAGE_PARAMETERS = (
    whole("page", "Page to show; pages count from 1.", 1, 1_000_000, 1),
    whole("page_size", "Entries of a page.", 1, 500, PAGE_SIZE),
)
STATUSES: dict[str, DecisionStatus] = {"ready": "READY", "invalid": "INVALID", "error": "ERROR"}


async def runs(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    wanted = RunFilter(
        profile=values.get("profile"),
        exchange=None if "exchange" not in values else exchange_of(service, values),
        status=values.get("status"),
        dry_run=values.get("dry_run"),
        from_ms=values.get("from"),
        to_ms=values.get("to"),
    )
    page = await service.journal.runs(
        wanted, page=values.get("page", 1), page_size=values.get("page_size", PAGE_SIZE)
    )
    return page.to_json(RunSummary.to_json)


async def run(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    stored = (await service.journal.run(values["run_id"])).to_json()
    await become(stored["decisions"], service.orders)
    return stored


async def decisions(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    start, end = values.get("from"), values.get("to")
    symbol, status = values.get("symbol"), values.get("status")
    wanted = DecisionFilter(
        symbol=None if symbol is None else symbol.upper(),
        profile=values.get("profile"),
        status=None if status is None else STATUSES[status],
        reason=values.get("reason"),
        from_ms=start,
        to_ms=end,
    )
    page = await service.journal.decisions(
        wanted, page=values.get("page", 1), page_size=values.get("page_size", PAGE_SIZE)
    )
    found = page.to_json(Decision.to_json)
    await become(found["items"], service.orders)
    return found


async def decision(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    return await _now(service, await service.journal.decision(values["decision_id"]))


async def explanation(request: AnyRequest, service: Service, values: Values) -> dict[str, Any]:
    restored = await service.journal.restored(values["decision_id"], rules_of)
    found = explain(restored.batch, restored.row)
    return {"decision": await _now(service, restored.decision), "explanation": found.to_json()}


async def _now(service: Service, found: Decision) -> dict[str, Any]:
    decision = found.to_json()
    await become([decision], service.orders)
    return decision


def rules_of(canonical: Any) -> ProfileRules:
    """The rules of a profile as they were recorded."""
    return Profile.from_canonical(canonical).rules


_RUN_ID = {"run_id": "Id of a run."}
_DECISION_ID = {"decision_id": "Id of a decision: the run's id, a dot, the symbol."}

ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/runs",
        name="runs",
        tag="history",
        summary="Runs, newest first",
        description="A run is listed from its start. `interrupted`: it was stopped, or its process was gone "
        "before its end.",
        needs="read",
        handler=runs,
        answers={200: RunPage},
        parameters=(
            name("profile", "Only runs of this profile."),
            EXCHANGE,
            choice("status", "Only runs that stand so.", get_args(RunStatusName)),
            flag("dry_run", "Only dry runs, or only those that placed orders."),
            instant("from", "As of this instant or later."),
            instant("to", "As of an instant before this one."),
            *PAGE_PARAMETERS,
        ),
        problems=(400, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/runs/{run_id}",
        name="stored_run",
        tag="history",
        summary="One run with its decisions, what it left out, and how long its stages took",
        needs="read",
        handler=run,
        answers={200: StoredRunDetail},
        places=_RUN_ID,
        problems=(400, 404, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/decisions",
        name="decisions",
        tag="history",
        summary="Decisions that pass a filter, newest first",
        needs="read",
        handler=decisions,
        answers={200: DecisionPage},
        parameters=(
            name("symbol", "Only this symbol."),
            name("profile", "Only this profile."),
            choice("status", "Only this status.", tuple(STATUSES)),
            name("reason", "Only this reason: of the symbol, or of its trade entry."),
            instant("from", "As of this instant or later."),
            instant("to", "As of an instant before this one."),
            *PAGE_PARAMETERS,
        ),
        problems=(400, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/decisions/{decision_id}",
        name="decision",
        tag="history",
        summary="One decision",
        needs="read",
        handler=decision,
        answers={200: StoredDecision},
        places=_DECISION_ID,
        problems=(400, 404, 503),
    ),
    Endpoint(
        method="GET",
        path="/api/decisions/{decision_id}/explain",
        name="explanation",
        tag="history",
        summary="Why a decision came out",
        description="Decided again on the stored facts, by the rules of that time.",
        needs="read",
        handler=explanation,
        answers={200: DecisionExplanation},
        places=_DECISION_ID,
        problems=(400, 404, 409, 503),
    ),
)

"""Starting a run."""

from __future__ import annotations

from server.api.caller import known_caller
from server.api.endpoint import Endpoint
from server.api.problems import AnyRequest, MayNot
from server.api.reading import Values
from server.api.run_parameters import DRY_PARAMETERS, RUN_PARAMETERS, as_spelled, run_request
from server.run.request import FieldProblem, RequestProblem, RunRequest
from server.run.shapes import RunAnswer
from server.service import Service

_PROBLEMS = (400, 503)


async def start(request: AnyRequest, service: Service, values: Values) -> RunAnswer:
    """One run, from start to end."""
    caller = known_caller(request)
    asked = run_request(values, actor=caller.name, may_trade=caller.may("trade"))
    if not asked.dry_run and caller.key and not caller.may("trade"):
        raise MayNot(f"orders need the role trade; the key '{caller.name}' has {caller.role}")
    return await _answer(service, asked, values)


async def start_dry(request: AnyRequest, service: Service, values: Values) -> RunAnswer:
    """The same, but never with orders: an address can be followed by mistake."""
    asked = run_request(values, actor=known_caller(request).name)
    if not asked.dry_run:
        message = "a GET is always a dry run; only dry runs can be asked for, and POST places orders"
        raise RequestProblem([FieldProblem("dry_run", message, "impossible", choices=("true",))])
    return await _answer(service, asked, values)


async def _answer(service: Service, asked: RunRequest, values: Values) -> RunAnswer:
    try:
        result = await service.runner.run(asked)
    except RequestProblem as problem:
        raise as_spelled(problem, values) from problem
    return result.to_json()


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/mtf/run",
        name="run",
        tag="runs",
        summary="Decide on symbols now",
        description="Candles → verdicts → for READY symbols an order plan, simulated unless `dry_run` is "
        "false. Everything is checked before any work; a symbol that fails does not stop the others. Without "
        "a body: all defaults. Orders need the role `trade`; an entry that is not decided when the answer "
        "leaves is `pending` in it, and `GET /api/runs/{run_id}` says what it has become. Of runs with "
        "orders there is one at a time per exchange, market and profile: a second gets 409. Symbols that "
        "have an open position or order, are switched off or blacklisted are in `excluded`; should the venue "
        "not say what is open, the run is `degraded` and places nothing.",
        needs="run",
        handler=start,
        answers={200: RunAnswer},
        parameters=RUN_PARAMETERS,
        problems=(*_PROBLEMS, 409, 413, 415),
    ),
    Endpoint(
        method="GET",
        path="/api/mtf/run",
        name="run_dry",
        tag="runs",
        summary="The same with parameters in the query string; always dry",
        needs="run",
        handler=start_dry,
        answers={200: RunAnswer},
        parameters=DRY_PARAMETERS,
        problems=_PROBLEMS,
    ),
)

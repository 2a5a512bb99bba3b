"""Starting a run."""

from __future__ import annotations

from server.api.endpoint import Endpoint
from server.api.problems import AnyRequest
from server.api.reading import Values
from server.api.run_parameters import RUN_PARAMETERS, as_spelled, run_request
from server.run.request import RequestProblem
from server.run.shapes import RunAnswer
from server.service import Service

_PROBLEMS = (400, 503)


async def start(request: AnyRequest, service: Service, values: Values) -> RunAnswer:
    """One run, from start to end."""
    client = request.client
    asked = run_request(values, actor=f"api:{client.host}" if client is not None else "api")
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
        description="Candles → verdicts → for READY symbols a simulated order plan. Everything is checked "
        "before any work; a symbol that fails does not stop the others. Without a body: all defaults.",
        handler=start,
        answers={200: RunAnswer},
        parameters=RUN_PARAMETERS,
        problems=(*_PROBLEMS, 413, 415),
    ),
    Endpoint(
        method="GET",
        path="/api/mtf/run",
        name="run_dry",
        tag="runs",
        summary="The same with parameters in the query string; always dry",
        handler=start,
        answers={200: RunAnswer},
        parameters=RUN_PARAMETERS,
        problems=_PROBLEMS,
    ),
)

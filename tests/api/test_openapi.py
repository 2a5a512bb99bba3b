"""The OpenAPI document is valid, complete, and as strict as the code that reads requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from live_server import serving
from openapi_spec_validator import validate
from schemathesis.generation import GenerationMode
from test_run_request import ACCEPTED, REFUSED

from server.api import create_app
from server.api.endpoint import Endpoint
from server.api.endpoints import ENDPOINTS
from server.settings import load_settings, shipped_rules

EXAMPLES = 25
"""Generated cases of one endpoint and phase."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("served")
    rules = shutil.copytree(shipped_rules(), folder / "rules")
    app = create_app(load_settings(rules_dir=rules, database_url=f"sqlite:///{folder / 'journal.db'}"))
    with serving(app) as address:
        yield address


@pytest.fixture(scope="module")
def served(address: str) -> dict[str, Any]:
    return httpx.get(f"{address}/schema/openapi.json").json()


@pytest.fixture(scope="module")
def described(address: str) -> Any:
    return schemathesis.openapi.from_url(f"{address}/schema/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_conformance(described: Any, endpoint: Endpoint, mode: GenerationMode) -> None:
    operation = described[endpoint.path][endpoint.method]
    if mode is GenerationMode.NEGATIVE and not endpoint.parameters:
        return  # nothing of it can be wrong

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def conforms(case: Any) -> None:
        case.call_and_validate()

    conforms()


def test_the_document_is_valid(served: dict[str, Any]) -> None:
    validate(served)


def test_every_endpoint_and_status_is_described(served: dict[str, Any]) -> None:
    described = {(path, method) for path, methods in served["paths"].items() for method in methods}
    assert described == {(e.path, e.method.lower()) for e in ENDPOINTS}
    for endpoint in ENDPOINTS:
        responses = served["paths"][endpoint.path][endpoint.method.lower()]["responses"]
        assert set(responses) == {str(s) for s in (*endpoint.answers, *endpoint.all_problems)}
        for status, response in responses.items():
            problem = int(status) not in endpoint.answers
            assert list(response["content"]) == [
                "application/problem+json" if problem else endpoint.media_type
            ]


def body_schema(served: dict[str, Any]) -> Draft202012Validator:
    content = served["paths"]["/api/mtf/run"]["post"]["requestBody"]["content"]
    return Draft202012Validator(content["application/json"]["schema"])


@pytest.mark.parametrize("body", [body for body, _, _ in ACCEPTED], ids=str)
def test_what_is_accepted_fits_the_document(served: dict[str, Any], body: Any) -> None:
    spelled = {"exchange": str.lower, "cex": str.lower, "symbols": upper}  # as the document lists the names
    body = {name: spelled.get(name, lambda value: value)(value) for name, value in body.items()}
    body_schema(served).validate(body)


def upper(symbols: Any) -> Any:
    return symbols.upper() if isinstance(symbols, str) else [symbol.upper() for symbol in symbols]


BEYOND = (
    "only dry runs",
    "orders are",
    "has no symbol",
    "contradicts",
    "spot is not",
    "zone",
    "instant",
    "clock",
)
"""What JSON Schema cannot say: names at the venue, its clock, formats, what two fields mean together."""


@pytest.mark.parametrize(
    "body",
    [
        body
        for body, _, wanted in REFUSED
        if not any(part in message for _, message in wanted for part in BEYOND)
    ],
    ids=str,
)
def test_what_is_refused_does_not_fit_the_document(served: dict[str, Any], body: Any) -> None:
    assert not body_schema(served).is_valid(body)

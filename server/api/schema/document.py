"""The OpenAPI document, made of the endpoints: what is read strictly is described strictly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from engine import __version__
from server.api.endpoint import JSON_BODY, Endpoint
from server.api.parameters import Parameter
from server.api.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_TAGS = {
    "runs": "Deciding now.",
    "history": "What was decided, and why.",
    "configuration": "What decides.",
    "status": "Whether the service can work.",
}
_PROBLEMS = {
    400: "Refused before any work; `errors` names every field",
    404: "There is no such thing",
    409: "Stored, but this version cannot decide it again",
    413: "The body is too large",
    415: "The body is not JSON",
    500: "Something went wrong inside; the log has the details under `request_id`",
    503: "Something this needs does not answer; try again",
}


def document(endpoints: Sequence[Endpoint], choices: Mapping[str, Sequence[str]]) -> Json:
    """OpenAPI 3.1. ``choices`` are the names that parameters can have just now, by parameter."""
    shapes = [shape for endpoint in endpoints for shape in endpoint.answers.values()]
    _, schemas = msgspec.json.schema_components([*shapes, Problem], ref_template=_REFERENCE)
    paths: Json = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, choices)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Entrygate",
            "version": __version__,
            "description": "Decides whether a crypto-futures entry may be placed, and says why.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(endpoint: Endpoint, choices: Mapping[str, Sequence[str]]) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "responses": _responses(endpoint),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    parameters = [_place(name, text) for name, text in endpoint.places.items()]
    if endpoint.method == "GET":
        parameters += [p for parameter in endpoint.parameters for p in _query(parameter, choices)]
    else:
        operation["requestBody"] = _body(endpoint.parameters, choices)
    if parameters:
        operation["parameters"] = parameters
    return operation


def _responses(endpoint: Endpoint) -> Json:
    def content(media_type: str, name: str) -> Json:
        return {media_type: {"schema": {"$ref": _REFERENCE.format(name=name)}}}

    responses: Json = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": content(JSON_BODY, shape.__name__),
        }
        for status, shape in endpoint.answers.items()
    }
    for status in sorted({*endpoint.problems, 500}):
        responses.setdefault(
            str(status), {"description": _PROBLEMS[status], "content": content(MEDIA_TYPE, "Problem")}
        )
    return responses


def _body(parameters: Iterable[Parameter], choices: Mapping[str, Sequence[str]]) -> Json:
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            p.name: {**_narrowed(p.schema, choices.get(p.name)), "description": p.summary} for p in parameters
        },
    }
    return {"required": False, "content": {JSON_BODY: {"schema": schema}}}


def _query(parameter: Parameter, choices: Mapping[str, Sequence[str]]) -> Iterable[Json]:
    schema = _narrowed(parameter.text_schema or parameter.schema, choices.get(parameter.name))
    for name in (parameter.name, f"{parameter.name}[]") if parameter.repeated else (parameter.name,):
        yield {
            "name": name,
            "in": "query",
            "required": False,
            "description": parameter.summary,
            "schema": schema,
        }


def _place(name: str, summary: str) -> Json:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": summary, "schema": schema}


def _narrowed(schema: Mapping[str, Any], choices: Sequence[str] | None) -> Json:
    """A name's schema with the names there are, so that a page can offer them."""
    return {"type": "string", "enum": list(choices)} if choices else dict(schema)

"""The OpenAPI document, made of the endpoints: what is read strictly is described strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from engine import __version__
from server.api.endpoint import JSON_BODY, Endpoint
from server.api.instant_pattern import instants_until
from server.api.parameters import BLANKS, Existing, Parameter, flag_schema
from server.api.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_TAGS = {
    "runs": "Deciding now.",
    "history": "What was decided, and why.",
    "questions": "Why it came so: over a period, for a symbol, by reason, timeframe and rule.",
    "orders": "What was ordered, and what came of it.",
    "operator": "Stopping, and changing what is under way. Every action is recorded with its reason.",
    "switches": "What keeps a symbol out: switches, the blacklist, the locks of runs.",
    "configuration": "What decides.",
    "status": "Whether the service can work.",
}


@dataclass(frozen=True, slots=True)
class Present:
    """What exists just now: names by kind of thing, the venue's clock, and whether it takes orders."""

    names: Mapping[Existing, Sequence[str]]
    clock_ms: int | None
    takes_orders: bool


_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of ENTRYGATE_API_KEYS."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
}
"""Where the service has keys; one that has none is open to its own machine."""

_PROBLEMS = {
    400: "Refused before any work; `errors` names every field",
    401: "No key, or none that is known here",
    403: "The key's role does not include this",
    404: "There is no such thing",
    409: "It is there, but this cannot be done to it",
    413: "The body is too large",
    415: "The body is not JSON",
    500: "Something went wrong inside; the log has the details under `request_id`",
    503: "Something this needs does not answer; try again",
}


def document(endpoints: Sequence[Endpoint], present: Present) -> Json:
    """OpenAPI 3.1, for a service with these profiles, venues and symbols."""
    shapes = [shape for endpoint in endpoints for shape in endpoint.answers.values() if shape is not str]
    _, schemas = msgspec.json.schema_components([*shapes, Problem], ref_template=_REFERENCE)
    paths: Json = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, present)
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
        "components": {"schemas": schemas, "securitySchemes": _KEYS},
    }


def _operation(endpoint: Endpoint, present: Present) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "responses": _responses(endpoint),
    }
    told = endpoint.description
    if endpoint.needs is not None:
        told = f"{told} Needs the role `{endpoint.needs}`.".strip()
        operation["security"] = [{}, *({name: []} for name in _KEYS)]
    if told:
        operation["description"] = told
    parameters = [_place(name, text) for name, text in endpoint.places.items()]
    if endpoint.method == "GET":
        parameters += [_query(parameter, present) for parameter in endpoint.parameters]
    else:
        operation["requestBody"] = _body(endpoint.parameters, present)
    if parameters:
        operation["parameters"] = parameters
    return operation


def _responses(endpoint: Endpoint) -> Json:
    def content(media_type: str, name: str) -> Json:
        schema = {"type": "string"} if name == "str" else {"$ref": _REFERENCE.format(name=name)}
        return {media_type: {"schema": schema}}

    responses: Json = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": content(endpoint.media_type, shape.__name__),
        }
        for status, shape in endpoint.answers.items()
    }
    for status in sorted(endpoint.all_problems):
        responses.setdefault(
            str(status), {"description": _PROBLEMS[status], "content": content(MEDIA_TYPE, "Problem")}
        )
    return responses


def _body(parameters: Sequence[Parameter], present: Present) -> Json:
    schema: Json = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            p.name: {**_schema(p, p.schema, present), "description": p.summary} for p in parameters
        },
    }
    required = [p.name for p in parameters if p.required]
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": {JSON_BODY: {"schema": schema}}}


def _query(parameter: Parameter, present: Present) -> Json:
    query: Json = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.summary,
        "schema": _schema(parameter, parameter.text_schema or parameter.schema, present),
    }
    if parameter.repeated:
        name = parameter.name
        query |= {"style": "form", "explode": False}  # the form with commas
        query["description"] += f" Also as `{name}[]=A&{name}[]=B`, or `{name}` several times."
    return query


def _place(name: str, summary: str) -> Json:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": summary, "schema": schema}


def _schema(parameter: Parameter, schema: Mapping[str, Any], present: Present) -> Json:
    """The schema, narrowed to what exists, so that a page can offer it."""
    if parameter.existing == "instants" and present.clock_ms is not None:
        return _until(schema, present.clock_ms)
    if parameter.existing == "orders":
        return dict(schema) if present.takes_orders else flag_schema((True,))
    names = present.names.get(parameter.existing) if parameter.existing is not None else None
    return _named(schema, names) if names else dict(schema)


def _named(schema: Mapping[str, Any], names: Sequence[str]) -> Json:
    if "anyOf" in schema:
        return {"anyOf": [_named(inner, names) for inner in schema["anyOf"]]}
    if schema["type"] == "array":
        return {**schema, "items": _named(schema["items"], names)}
    if schema["type"] == "string" and BLANKS in schema:
        one = rf"\s*({'|'.join(re.escape(name) for name in names)})?\s*"
        return {"type": "string", "pattern": f"^{one}(,{one})*$" if schema[BLANKS] == "," else f"^{one}$"}
    return {"type": "string", "enum": list(names)}


def _until(schema: Mapping[str, Any], clock_ms: int) -> Json:
    bounds: dict[str, Json] = {
        "integer": {"maximum": clock_ms},
        "string": {"pattern": instants_until(clock_ms)},
    }
    return {"anyOf": [{**inner, **bounds.get(inner["type"], {})} for inner in schema["anyOf"]]}

"""One endpoint: what it takes, what it answers, and the route that holds it to that."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, cast

from litestar import HttpMethod, Response
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler

from server.access import Role
from server.api.caller import NEEDS
from server.api.encoding import json_response
from server.api.parameters import Parameter
from server.api.problems import AnyRequest
from server.api.reading import Values, read_body, read_members, read_query
from server.service import Service

Handler = Callable[[AnyRequest, Service, Values], Awaitable[Any]]
"""Gets the parameters that were given, and the parts of the path; answers with a value or a response."""

JSON_BODY = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """``path`` spells its variables ``{name}``; ``places`` says what each of them is.

    ``needs`` is the role of whoever calls it; None: anybody may. ``parameters`` come in the query string of a
    GET and in the JSON object of a POST. ``answers`` are the shapes by status (``str`` where the answer is
    text), ``problems`` the other statuses it can end with, besides what a missing key or role ends in.
    """

    method: Literal["GET", "POST"]
    path: str
    name: str
    summary: str
    tag: str
    needs: Role | None
    handler: Handler
    answers: Mapping[int, Any]
    parameters: Sequence[Parameter] = ()
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: Sequence[int] = ()
    description: str = ""
    media_type: str = JSON_BODY

    @property
    def all_problems(self) -> frozenset[int]:
        """Every status it can end with that is not an answer."""
        closed = () if self.needs is None else (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        return frozenset({*self.problems, *closed, HTTPStatus.INTERNAL_SERVER_ERROR})


def route(path: str, endpoints: Mapping[str, Endpoint]) -> HTTPRouteHandler:
    """The endpoints of one path, by method; parameters are read here, so that no handler can forget one."""

    async def serve(request: AnyRequest) -> Response[bytes]:
        endpoint = endpoints[request.method]
        values = await _values(endpoint, request)
        answer = await endpoint.handler(request, service_of(request), values)
        return cast("Response[bytes]", answer) if isinstance(answer, Response) else json_response(answer)

    return HTTPRouteHandler(
        re.sub(r"\{(\w+)\}", r"{\1:str}", path),
        http_method=[HttpMethod(method) for method in endpoints],
        status_code=HTTPStatus.OK,
        include_in_schema=False,
        opt={NEEDS: {method: endpoint.needs for method, endpoint in endpoints.items()}},
    )(serve)


def routes(endpoints: Iterable[Endpoint]) -> list[HTTPRouteHandler]:
    """A route for every path."""
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [route(path, by_method) for path, by_method in paths.items()]


def service_of(request: AnyRequest) -> Service:
    """The service that the application opened when it started."""
    return request.app.state.service


async def _values(endpoint: Endpoint, request: AnyRequest) -> Values:
    query = request.scope["query_string"]
    places: Values = dict(request.path_params)
    if endpoint.method == "GET":
        return read_query(query, endpoint.parameters) | places
    read_query(query, ())
    content = await request.body()
    if not content:
        return read_members([], endpoint.parameters) | places
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON_BODY:
        raise UnsupportedBody(f"the body must be {JSON_BODY}, and is sent as {media_type or 'nothing'}")
    return read_body(content, endpoint.parameters) | places


class UnsupportedBody(ClientException):
    """A body of a type that is not read."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE

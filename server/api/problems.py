"""Every refusal and failure as RFC 9457 problem details; what is inside never leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict
from uuid import uuid4

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import Scope

from server.api.encoding import encode
from server.durable.port import DurableError
from server.exchange.errors import ExchangeError
from server.execution.operations import NotPossible
from server.journal import JournalError, NoSuchDecision, NoSuchRun, NotRestorable
from server.orders.errors import NoSuchOrder, OrdersUnavailable
from server.run.request import FieldProblem, RequestProblem, RunInProgress, RunUnavailable
from server.schedule.errors import ScheduleUnavailable
from server.switches.errors import NoSuchLock, NotBlacklisted, SwitchesUnavailable

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "request_id"
"""Key of the request's id in the scope's state."""

AnyRequest = Request[Any, Any, Any]

log = structlog.get_logger(__name__)


class FieldError(TypedDict):
    """What is wrong with one field; ``choices`` where the values it can have are few."""

    field: str
    message: str
    did_you_mean: NotRequired[str]
    choices: NotRequired[list[str]]


class Problem(TypedDict):
    """RFC 9457. ``request_id`` is also in the log."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: NotRequired[list[FieldError]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: the end of its ``type``, and its title."""

    name: str
    title: str


INVALID = Kind("invalid-request", "The request is not valid")
UNKNOWN_NAME = Kind("unknown-name", "The request names something that does not exist")
IMPOSSIBLE = Kind("not-possible", "What the request asks for cannot be done")
UNAVAILABLE = Kind("unavailable", "Something this needs does not answer")
NOT_EXPLAINABLE = Kind("not-explainable", "The decision cannot be explained")
RUN_IN_PROGRESS = Kind("run-in-progress", "Another run is under way")
NOT_NOW = Kind("not-possible-now", "It does not stand so that this could be done")
UNAUTHORISED = Kind("unauthorised", "A key is needed")
FORBIDDEN = Kind("forbidden", "The key does not allow this")
INTERNAL = Kind("internal-error", "Something went wrong inside")

_BY_STATUS = {
    404: Kind("not-found", "There is nothing here"),
    405: Kind("method-not-allowed", "This cannot be done here"),
    413: Kind("too-large", "The body is too large"),
    415: Kind("unsupported-media-type", "The body is not of a type that is read here"),
}

_SHOWN_CHOICES = 50


def request_id(request: AnyRequest) -> str:
    """The id of this request: in its log lines, its answer's header and its problem."""
    return new_request_id(request.scope)


def new_request_id(scope: Scope) -> str:
    """The id that the request has, or gets now."""
    state: dict[str, Any] = scope["state"]
    return state.setdefault(REQUEST_ID, str(uuid4()))


def answer(
    request: AnyRequest,
    status: int,
    kind: Kind,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """The problem as a response."""
    body: Problem = {
        "type": f"urn:entrygate:problem:{kind.name}",
        "title": kind.title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": request_id(request),
    }
    if errors:
        body["errors"] = [field_error(error) for error in errors]
    headers = {**(headers or {}), "X-Request-ID": body["request_id"]}
    return Response(encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def field_error(problem: FieldProblem) -> FieldError:
    """One entry of ``errors``."""
    error: FieldError = {"field": problem.field, "message": problem.message}
    if problem.did_you_mean is not None:
        error["did_you_mean"] = problem.did_you_mean
    if 0 < len(problem.choices) <= _SHOWN_CHOICES:
        error["choices"] = list(problem.choices)
    return error


def refused(request: AnyRequest, error: RequestProblem) -> Response[bytes]:
    """400 with every field; the kind is the gravest of them."""
    kinds = {problem.kind for problem in error.problems}
    kind = INVALID if "invalid" in kinds else UNKNOWN_NAME if "unknown" in kinds else IMPOSSIBLE
    return answer(request, HTTPStatus.BAD_REQUEST, kind, str(error), error.problems)


def unauthorised(request: AnyRequest, detail: str, challenge: str) -> Response[bytes]:
    """401, and how to come back."""
    headers = {"WWW-Authenticate": challenge}
    return answer(request, HTTPStatus.UNAUTHORIZED, UNAUTHORISED, detail, headers=headers)


def forbidden(request: AnyRequest, detail: str, challenge: str | None = None) -> Response[bytes]:
    """403; ``challenge`` says which role would do."""
    headers = None if challenge is None else {"WWW-Authenticate": challenge}
    return answer(request, HTTPStatus.FORBIDDEN, FORBIDDEN, detail, headers=headers)


class MayNot(Exception):
    """The caller may do most of this, but not what these parameters ask for."""


def may_not(request: AnyRequest, error: MayNot) -> Response[bytes]:
    """403 of a call that needs more than its route does."""
    return forbidden(request, str(error))


def unavailable(request: AnyRequest, error: Exception) -> Response[bytes]:
    """503: trying again may help."""
    log.warning("request.unavailable", request_id=request_id(request), error=str(error))
    return answer(
        request, HTTPStatus.SERVICE_UNAVAILABLE, UNAVAILABLE, str(error), headers={"Retry-After": "5"}
    )


def not_found(request: AnyRequest, error: NoSuchRun | NoSuchDecision) -> Response[bytes]:
    """404 for something the journal does not have."""
    return answer(request, HTTPStatus.NOT_FOUND, _BY_STATUS[404], str(error))


def no_such_order(request: AnyRequest, error: NoSuchOrder) -> Response[bytes]:
    """404 for an order that nobody here meant to place."""
    return answer(request, HTTPStatus.NOT_FOUND, _BY_STATUS[404], f"no order {str(error)!r}")


def no_such_lock(request: AnyRequest, error: NoSuchLock) -> Response[bytes]:
    """404 for a lock that no run holds."""
    return answer(request, HTTPStatus.NOT_FOUND, _BY_STATUS[404], f"no run holds the lock {str(error)!r}")


def not_blacklisted(request: AnyRequest, error: NotBlacklisted) -> Response[bytes]:
    """404 for a symbol that is not on the blacklist."""
    return answer(request, HTTPStatus.NOT_FOUND, _BY_STATUS[404], f"{error} is not on the blacklist")


def not_possible(request: AnyRequest, error: NotPossible) -> Response[bytes]:
    """409: the order stands otherwise."""
    return answer(request, HTTPStatus.CONFLICT, NOT_NOW, str(error))


def run_in_progress(request: AnyRequest, error: RunInProgress) -> Response[bytes]:
    """409: one run at a time; trying again helps once the other is done."""
    return answer(request, HTTPStatus.CONFLICT, RUN_IN_PROGRESS, str(error))


def not_explainable(request: AnyRequest, error: NotRestorable) -> Response[bytes]:
    """409: the decision is there, but this version cannot decide it again."""
    return answer(request, HTTPStatus.CONFLICT, NOT_EXPLAINABLE, str(error))


def http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refuses: a path, a method, a size."""
    status = error.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return failed(request, error)
    phrase = HTTPStatus(status).phrase
    kind = _BY_STATUS.get(status, Kind(phrase.lower().replace(" ", "-"), phrase))
    vague = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.method} is not possible at {request.url.path}",
        413: "the body is larger than anything that is read here",
    }
    detail = error.detail if error.detail not in ("", phrase) else vague.get(status, phrase)
    return answer(request, status, kind, detail, headers=error.headers)


def failed(request: AnyRequest, error: Exception) -> Response[bytes]:
    """500 with the id under which the log has the rest."""
    log.error("request.failed", request_id=request_id(request), path=request.url.path, exc_info=error)
    detail = f"the log has the details under request_id {request_id(request)}"
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL, detail)


HANDLERS: dict[int | type[Exception], Any] = {
    RequestProblem: refused,
    RunUnavailable: unavailable,
    RunInProgress: run_in_progress,
    NotRestorable: not_explainable,
    JournalError: unavailable,
    MayNot: may_not,
    OrdersUnavailable: unavailable,
    ExchangeError: unavailable,
    DurableError: unavailable,
    SwitchesUnavailable: unavailable,
    ScheduleUnavailable: unavailable,
    NoSuchOrder: no_such_order,
    NoSuchLock: no_such_lock,
    NotBlacklisted: not_blacklisted,
    NotPossible: not_possible,
    NoSuchRun: not_found,
    NoSuchDecision: not_found,
    HTTPException: http,
    Exception: failed,
}
"""What becomes of an exception; the nearest class wins."""

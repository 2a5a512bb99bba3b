"""Parameters out of a JSON body or a query string, with every problem of them in one go.

Nothing is coerced and nothing is passed over: unknown names, duplicates and wrong types are problems.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from engine.documents.nearest import nearest
from server.api.parameters import Parameter, Unfit
from server.run.request import FieldProblem, RequestProblem

BODY = "body"
"""Name of the field when the body as a whole is at fault."""

MAX_QUERY_FIELDS = 4000

Values = dict[str, Any]


class MalformedBody(ValueError):
    """A body that is not a JSON object; the message says why."""


def parse_object(content: bytes) -> list[tuple[str, Any]]:
    """The members of a JSON object in their order, duplicates included. Raises `MalformedBody`."""
    try:
        parsed = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_Members,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
        if b"\\u" in content:
            _refuse_half_characters(parsed)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"the body is not JSON: {error.msg} at {place}") from error
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8: byte {error.start}") from error
    except RecursionError as error:
        raise MalformedBody("the body is nested too deeply") from error
    except MalformedBody:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise MalformedBody(f"the body is not JSON: {error}") from error
    if not isinstance(parsed, _Members):
        raise MalformedBody("the body is not a JSON object")
    return list(parsed)


class _Members(list[tuple[str, Any]]):
    """The members of an object as they were written."""


def _refuse_half_characters(parsed: Any) -> None:
    """Half a surrogate pair is no text: it can neither be looked up nor sent back in an answer."""
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])
        raise MalformedBody(f"the body is not JSON: {half} is half of a character") from error


def _refuse_constant(word: str) -> NoReturn:
    raise MalformedBody(f"the body is not JSON: {word} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise MalformedBody(f"the number {text} is too large")
    return value


def read_body(content: bytes, parameters: Sequence[Parameter]) -> Values:
    """Values by parameter. Raises `RequestProblem` with everything that is wrong with the body."""
    try:
        members = parse_object(content)
    except MalformedBody as error:
        raise RequestProblem([FieldProblem(BODY, str(error))]) from error
    return read_members(members, parameters)


def read_members(members: Sequence[tuple[str, Any]], parameters: Sequence[Parameter]) -> Values:
    """Values by parameter. Raises `RequestProblem` as `read_body` does."""
    known = {parameter.name: parameter for parameter in parameters}
    problems: list[FieldProblem] = []
    values: Values = {}
    for name, value in members:
        parameter = known.get(name)
        if parameter is None:
            problems.append(unknown_parameter(name, known))
        elif name in values:
            problems.append(FieldProblem(name, "given more than once"))
        else:
            values[name] = None
            try:
                values[name] = parameter.read(_plain(value))
            except Unfit as error:
                problems.append(parameter.problem(error))
    problems += _not_given(parameters, values)
    if problems:
        raise RequestProblem(problems)
    return values


def read_query(query: bytes, parameters: Sequence[Parameter]) -> Values:
    """Values by parameter. Raises `RequestProblem` with everything that is wrong with the query string."""
    known = {parameter.name: parameter for parameter in parameters}
    spelled = known | {f"{name}[]": p for name, p in known.items() if p.repeated}
    problems: list[FieldProblem] = []
    texts: dict[str, list[str]] = {}
    for name, text in _pairs(query):
        if name in spelled:
            texts.setdefault(spelled[name].name, []).append(text)
        else:
            problems.append(unknown_parameter(name, known))
    values: Values = {}
    for name, given in texts.items():
        parameter = known[name]
        if len(given) > 1 and not parameter.repeated:
            problems.append(FieldProblem(name, "given more than once"))
            continue
        try:
            values[name] = parameter.read_text(",".join(given))
        except Unfit as error:
            problems.append(parameter.problem(error))
    problems += _not_given(parameters, texts)
    if problems:
        raise RequestProblem(problems)
    return values


def _not_given(parameters: Sequence[Parameter], given: Mapping[str, Any]) -> list[FieldProblem]:
    missing = (p for p in parameters if p.required and p.name not in given)
    return [FieldProblem(parameter.name, "has to be given") for parameter in missing]


def unknown_parameter(name: str, known: Iterable[str]) -> FieldProblem:
    """A name that is no parameter here, with the nearest one that is."""
    return FieldProblem(name, "there is no such parameter", did_you_mean=nearest(name, known))


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_QUERY_FIELDS,
        )
    except UnicodeDecodeError as error:
        raise RequestProblem([FieldProblem("query", "the query string is not UTF-8")]) from error
    except ValueError as error:
        raise RequestProblem([FieldProblem("query", f"the query string cannot be read: {error}")]) from error


def _plain(value: Any) -> Any:
    """Objects inside a value as dicts; no parameter takes one, they are only told apart from arrays."""
    return dict(value) if isinstance(value, _Members) else value


def one_of(values: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first of ``names`` that was given."""
    return next((name for name in names if name in values), None)


__all__ = [
    "Values",
    "one_of",
    "parse_object",
    "read_body",
    "read_members",
    "read_query",
    "unknown_parameter",
]

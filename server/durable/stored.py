"""How arguments, results and errors are written into rows: as JSON, and nothing else.

What is read back equals what was written, kind for kind, so a workflow that walks its steps again sees what
it saw before. Anything that JSON would bend on the way (tuples, ``Decimal``, numbers that are not finite,
keys that are not text, subclasses) is refused instead.
"""

from __future__ import annotations

import json
import math
from typing import Any, cast

from dbos import Serializer

from server.durable.port import Json, StepFailed

_ERROR = "entrygate:error"
"""Only key of the object that stands for an exception."""


def checked(value: object) -> Json:
    """The value, where it can be stored. Raises ``TypeError`` that says which part cannot."""
    problem = _problem(value, "value")
    if problem is not None:
        raise TypeError(problem)
    return cast(Json, value)


def described(error: BaseException) -> str:
    """``Kind: text`` of an exception."""
    if isinstance(error, StepFailed):
        return str(error)
    return f"{type(error).__name__}: {error}"


class JsonRows(Serializer):
    """Writes rows for DBOS, whose own way is pickle."""

    def name(self) -> str:
        """Stored beside every value."""
        return "entrygate-json"

    def serialize(self, data: Any) -> str:
        """JSON of a value, of an exception or of DBOS's record of a call. Raises ``TypeError``."""
        if isinstance(data, BaseException):
            return json.dumps({_ERROR: described(data)}, ensure_ascii=False)
        return json.dumps(checked(_as_list(data)), ensure_ascii=False, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        """What was written; a ``StepFailed`` for whatever exception it was."""
        value = json.loads(serialized_data)
        if isinstance(value, dict) and set(cast("dict[str, object]", value)) == {_ERROR}:
            return StepFailed(cast("dict[str, object]", value)[_ERROR])
        return cast(Json, value)


def _as_list(data: object) -> object:
    """DBOS's record of a call with its arguments as a list; anything else as it is."""
    if type(data) is dict and type(cast("dict[object, object]", data).get("args")) is tuple:
        call = cast("dict[str, tuple[object, ...]]", data)
        return {**call, "args": list(call["args"])}
    return cast(object, data)


def _problem(value: object, place: str) -> str | None:
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return None
    if kind is float:
        return None if math.isfinite(cast(float, value)) else f"{place} is {value}, which JSON does not have"
    if kind is list:
        items = enumerate(cast("list[object]", value))
        return next((p for at, item in items if (p := _problem(item, f"{place}[{at}]"))), None)
    if kind is dict:
        members = cast("dict[object, object]", value)
        if set(members) == {_ERROR}:
            return f"{place} has the only key '{_ERROR}', which stands for an exception"
        for key, member in members.items():
            if type(key) is not str:
                return f"{place} has the key {key!r}, which is not text"
            problem = _problem(member, f"{place}.{key}")
            if problem is not None:
                return problem
        return None
    return f"{place} is of type {kind.__name__}, which cannot be stored"

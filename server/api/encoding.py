"""Answers as bytes. Numbers that are not finite leave as null, decimals as texts."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import numpy as np
from litestar import MediaType, Response


def _other(value: Any) -> Any:
    if isinstance(value, np.generic):
        plain: Any = cast("np.generic[Any]", value).item()
        return plain
    raise TypeError(f"{type(value).__name__} has no place in an answer")


_ENCODER = msgspec.json.Encoder(enc_hook=_other)


def encode(value: Any) -> bytes:
    """JSON, in one pass and without copies. Raises ``TypeError`` for what has no JSON."""
    return _ENCODER.encode(value)


def json_response(value: Any, status: int = 200) -> Response[bytes]:
    """An answer of type ``application/json``."""
    return Response(encode(value), status_code=status, media_type=MediaType.JSON)

"""One request and what becomes of it, apart from how it travels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .faults import Ending

JSON_HEADERS = [(b"content-type", b"application/json;charset=UTF-8")]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]]
    code: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller meets. ``reply`` None: lost as ``ending`` says. ``cut``: half of its body comes."""

    reply: Reply | None
    ending: Ending = "timeout"
    wait_ms: int = 0
    cut: bool = False

"""A BitMart client whose other end is scripted: what it sends is kept, what it hears is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from server.exchange.bitmart import BitmartOptions, ReadRetries

SECRET = "6c6c98544461bbe71db2bca4c6d7fd0021e0ba9efc215f9c6ad41852df9d9df9"
MEMO = "test001"
KEY = "the-access-key"
NOW_MS = 1_750_000_000_000

Answer = httpx.Response | Exception
Script = Callable[[httpx.Request], Answer]


def ok(data: Any, **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"code": 1000, "message": "Ok", "trace": "t-1", "data": data, **more})


def error(code: int, status: int = 400, message: str = "no", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": message, "trace": "t-2"}, headers=headers)


@dataclass
class Wire:
    """Answers by path: a value for ever, or a list of them one after the other (the last one stays)."""

    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        name = request.url.path.rsplit("/", 1)[-1]
        answer = self.answers.get(name)
        assert answer is not None, f"nothing is scripted for {request.url}"
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, httpx.Response)
        # A fresh copy: a response object can be read once.
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)

    def sent(self, name: str) -> list[httpx.Request]:
        return [r for r in self.requests if r.url.path.endswith(f"/{name}")]

    def bodies(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.sent(name)]


@dataclass
class Clocks:
    """This machine's clocks, moved by hand, seconds."""

    wall: float = NOW_MS / 1000 + 7.5
    monotonic: float = 100.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def options(wire: Wire, clocks: Clocks, **changes: Any) -> BitmartOptions:
    given: dict[str, Any] = {
        "api_key": KEY,
        "secret": SECRET,
        "memo": MEMO,
        "base_url": "https://venue.test",
        "rate_factor": 1000.0,
        "absence_rechecks_sec": (0.0, 0.0, 0.0),
        "retries": ReadRetries(attempts=3, first_wait_sec=0.001, longest_wait_sec=0.002, jitter_sec=0.0),
        "transport": httpx.MockTransport(wire),
        "wall_sec": lambda: clocks.wall,
        "monotonic_sec": lambda: clocks.monotonic,
    }
    return BitmartOptions(**{**given, **changes})

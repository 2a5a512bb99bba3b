"""Answers of the API without what differs from call to call, and problems as tests read them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from server.access import Role

SHORTS = "2025-06-01T00:07:00Z"
"""ETHUSDT, SOLUSDT and BNBUSDT are READY short."""

LONG = "2025-06-02T07:09:00Z"
"""LINKUSDT is READY long."""

QUIET = "2025-06-03T15:32:00Z"
"""The end of the recording, which the venue's clock stands at; nothing is READY."""

SECRETS: dict[Role, str] = {
    "read": "r-0123456789abcdefghijklmn",
    "run": "u-0123456789abcdefghijklmn",
    "trade": "t-0123456789abcdefghijklmn",
}
KEYS = ",".join(f"{role}er:{role}:{secret}" for role, secret in SECRETS.items())

_VOLATILE = frozenset(
    {
        "run_id",
        "id",
        "fingerprint",
        "started_at",
        "finished_at",
        "execution_time_seconds",
        "performance",
        "timings",
    }
)


def lasting(value: Any) -> Any:
    """The value with ``…`` where ids, the wall clock, durations and fingerprints were."""
    match value:
        case dict():
            return {k: "…" if k in _VOLATILE and v is not None else lasting(v) for k, v in value.items()}
        case list():
            return [lasting(inner) for inner in value]
        case _:
            return value


def problem(response: Any, status: int) -> list[tuple[str, str]]:
    """Checks that the response is problem details of ``status``; its fields and messages."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"].startswith("urn:entrygate:problem:")
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == response.request.url.path
    assert UUID(body["request_id"])
    assert response.headers["x-request-id"] == body["request_id"]
    assert "Traceback" not in response.text
    return [(error["field"], error["message"]) for error in body.get("errors", [])]

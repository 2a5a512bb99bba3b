"""What Prometheus is told. Every service has a registry of its own, so that two can live in one process."""

from __future__ import annotations

import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

SEEN_SEC = 15.0
"""What was seen at a venue counts for so long."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters and gauges of decisions and orders; ``exchange`` is a venue's name everywhere."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seen: dict[str, tuple[float, int]] = {}
        self._decisions = self._counter(
            "entrygate_decisions",
            "Symbols of runs, each once, by what settled it; without a reason the plan went through.",
            ("stage", "status", "reason"),
        )
        self._asked = self._counter(
            "entrygate_order_outcomes",
            "What the venue answered to what was asked of it: accepted, refused, unknown.",
            ("exchange", "request", "outcome", "cause"),
        )
        self._ended = self._counter(
            "entrygate_orders_ended", "Orders by how they ended.", ("exchange", "state", "reason")
        )
        self._alarms = self._counter(
            "entrygate_alarms", "Things that a person should look at.", ("exchange", "alarm")
        )
        self._acknowledged = self._histogram(
            "entrygate_verdict_to_acknowledgement_seconds",
            "From the verdict's instant to the venue's acceptance of the order.",
        )
        self._unprotected = self._histogram(
            "entrygate_unprotected_seconds", "How long a position had no stop, by the venue's clock."
        )
        self._unprotected_now = self._gauge(
            "entrygate_unprotected_positions", "Open positions that are not known to have a stop."
        )
        self._unsettled_now = self._gauge(
            "entrygate_unsettled_orders", "Orders that may have left, and of which nobody knows."
        )

    def decided(self, stage: str, status: str, reason: str | None) -> None:
        """What a symbol of a run came to: in the stage that settled it, live or dry."""
        self._decisions.labels(stage, status, reason or "").inc()

    def asked(self, exchange: str, request: str, outcome: str, cause: str) -> None:
        """An answer of the venue; ``cause`` is empty unless it refused."""
        self._asked.labels(exchange, request, outcome, cause).inc()

    def ended(self, exchange: str, state: str, reason: str | None) -> None:
        """An order has come to its final state."""
        self._ended.labels(exchange, state, reason or "").inc()

    def alarm(self, exchange: str, alarm: str) -> None:
        """Something a person should look at."""
        self._alarms.labels(exchange, alarm).inc()

    def acknowledged(self, exchange: str, seconds: float) -> None:
        """An entry order was accepted so long after its verdict."""
        self._acknowledged.labels(exchange).observe(seconds)

    def unprotected(self, exchange: str, seconds: float) -> None:
        """A position has been without a stop for so long, and has one now or is closed."""
        self._unprotected.labels(exchange).observe(seconds)

    def now(self, exchange: str, *, unprotected: int, unsettled: int) -> None:
        """How many this process has just seen at the venue."""
        self._seen[exchange] = time.monotonic(), unprotected
        self._set(exchange, unprotected, unsettled)

    def stored(self, exchange: str, *, unprotected: int, unsettled: int) -> None:
        """How many the database knows of, whichever process looks after them.

        Positions that are not in it count for as long as this process has seen them lately.
        """
        at, seen = self._seen.get(exchange, (-SEEN_SEC, 0))
        fresh = time.monotonic() - at < SEEN_SEC
        self._set(exchange, max(unprotected, seen) if fresh else unprotected, unsettled)

    def _set(self, exchange: str, unprotected: int, unsettled: int) -> None:
        self._unprotected_now.labels(exchange).set(unprotected)
        self._unsettled_now.labels(exchange).set(unsettled)

    def render(self) -> bytes:
        """Everything in Prometheus' text format (``CONTENT_TYPE``)."""
        return generate_latest(self._registry)

    # The library does not say what its metrics are made of.

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Any:
        return Counter(name, text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Any:
        return Gauge(name, text, ("exchange",), registry=self._registry)

    def _histogram(self, name: str, text: str) -> Any:
        return Histogram(name, text, ("exchange",), buckets=_SECONDS, registry=self._registry)

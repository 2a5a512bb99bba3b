"""Worlds in which nothing is left to chance: a path of the price, and what happens at which instant.

A long unless said otherwise: verdict 30 s into a minute at 100 000, where it rests at the bid, 10 contracts,
stop 0.5 % below, target above. The minutes after the verdict are (low, high, close) or (low, high, close,
volume in BTC) in USDT from 100 000; the last close stays.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from course import BEGIN_MS, MINUTE_MS, PAST_MINUTES, Course, Minute, drawn, path
from world import World

FLAT: Minute = (0, 0, 0)
FILLS: Minute = (-20, 5, 0)
THIN: Minute = (-20, 5, 0, 0.06)
RISES: Minute = (0, 3000, 3000)
FALLS: Minute = (-3000, 0, -3000)
TTL = {"execution": {"order_ttl_sec": 20}}
NO_CONVERSION = {"end_of_zone": {"enabled": False}}


def course(
    *minutes: Minute,
    happenings: Sequence[tuple[float, str]] = (),
    forced: Mapping[str, Sequence[str]] | None = None,
    changes: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Course:
    """A world without chance."""
    plain: dict[str, Any] = {
        "rows": path(minutes),
        "begins_ms": BEGIN_MS + PAST_MINUTES * MINUTE_MS + 30_000,
        "side": "long",
        "direct": False,
        "attaches": True,
        "market": False,
        "two_targets": False,
        "rate": 0.0,
        "points": frozenset(),
        "chaos_sec": 0.0,
        "downtime": 0.0,
        "happenings": tuple(happenings),
        "order_ttl_sec": 120,
        "zone_ttl_sec": 180,
        "poll_sec": 1,
        "zone_ratio": 0.002,
        "converts": False,
        "latency": (0.05, 0.05),
        "volume": 20.0,
        "rng": _Steady(),
        "forced": dict(forced or {}),
        "changes": dict(changes or {}),
    }
    return replace(drawn(0), **(plain | fields))


def told(made: Course, folder: Path) -> dict[str, Any]:
    """How the world went, as a person would read it: instants in seconds after the verdict."""
    world = World(0, folder, made).run()
    began = made.begins_ms
    entries: list[dict[str, Any]] = []
    for intent in world.final:
        entries.append(
            {
                "decision_key": intent.decision_key,
                "outcome": [intent.state, intent.status, intent.reason],
                "journey": [
                    {"after_sec": (event.at - began) / 1000, "event": event.kind, **event.details}
                    for event in world.journeys[intent.decision_key]
                ],
            }
        )
    return {
        "answers": [[a["status"], a["reason"]] for _, a in world.plans.answers],
        "entries": entries,
        "holds": [
            [hold.cause, hold.until is not None and (hold.until - began) / 1000] for hold in world.holds
        ],
        "alarms": world.alarms,
        "without_stop_sec": [round(end - begin, 3) for begin, end in world.exposure.spells],
    }


class _Steady(random.Random):
    """Always takes the first, and the least."""

    def random(self) -> float:
        return 0.0

    def uniform(self, a: float, b: float) -> float:
        return a

    def choice(self, seq: Any) -> Any:
        return seq[0]

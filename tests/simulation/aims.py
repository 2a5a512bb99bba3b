"""Worlds that are aimed: each takes the path to one step, and meets one fault there.

Every second seed is aimed, at the pairs of step and fault in turn; the others are left to chance.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from course import (
    AIMS,
    BEGIN_MS,
    HAPPENINGS,
    MINUTE_MS,
    OF_WRITES,
    PAST_MINUTES,
    Aim,
    Course,
    Minute,
    drawn,
    path,
)

WRITES = 16
"""So many transactions, from the verdict to the closed position, each meet every fault of a write."""

STEPS_RECORDED = 3

_BY_OPERATOR: tuple[Sequence[tuple[float, str]], ...] = (
    (),
    ((4.0, "cancel"),),
    ((4.0, "halt"), (60.0, "resume")),
)

PAPER: tuple[Aim, ...] = (
    *(Aim(step, fault) for step, faults in AIMS.items() if step != "write" for fault in faults),
    *(Aim("write", fault, nth) for nth in range(WRITES) for fault in OF_WRITES),
    Aim("workflow start", "crash_before"),
    *(Aim("workflow step", "crash_before", nth) for nth in range(STEPS_RECORDED)),
    Aim("workflow end", "crash_before"),
    *(Aim("happens", happening) for happening in dict.fromkeys((*HAPPENINGS, "resume"))),
)
"""Every step with every fault that can befall it there."""

DIPS: Minute = (-20, 5, 0)
DIPS_THINLY: Minute = (-20, 5, 0, 0.06)
FLAT: Minute = (0, 0, 0)
RISES: Minute = (0, 3000, 3000)
FALLS: Minute = (-3000, 0, -3000)
RUNS: tuple[tuple[Minute, ...], ...] = (
    (RISES, (3000, 3000, 3000), (-3000, 3000, -3000)),
    (FALLS, (-3000, -3000, -3000), (-3000, 3000, 3000)),
)
"""So far that every position is closed; and back again, where a target is missing on the one side."""

FALLS_A_LITTLE: Minute = (-50, 0, -50)


def course_of(seed: int, aims: Sequence[Aim] = PAPER) -> Course:
    """The world of this seed."""
    if seed % 2:
        return drawn(seed)
    number = seed // 2
    return aimed(seed, aims[number % len(aims)])


def aimed(seed: int, aim: Aim) -> Course:
    """A world in which nothing else goes wrong before ``aim`` has come to pass."""
    base = drawn(seed)
    rng = base.rng
    fields = _unhindered(rng) | _reaching(aim, rng)
    minutes = fields.pop("minutes")
    forced = dict(fields.pop("forced", {})) | _forced(aim, rng)
    rows = path(minutes, short=base.side == "short")
    return replace(base, **fields, rows=rows, forced=forced, aim=aim)


def _unhindered(rng: random.Random) -> dict[str, Any]:
    """An entry that fills within two minutes, and is closed a minute later."""
    dips = rng.choice((DIPS, DIPS, DIPS, DIPS_THINLY))
    return {
        "minutes": (dips, dips, FLAT, *rng.choice(RUNS)),
        "begins_ms": BEGIN_MS + PAST_MINUTES * MINUTE_MS + rng.randrange(2_000, 45_000),
        "direct": False,
        "market": False,
        "rate": 0.0,
        "points": frozenset(),
        "chaos_sec": 240.0,
        "happenings": (),
        "order_ttl_sec": 120,
        "zone_ttl_sec": 180,
        "latency": rng.choice(((0.01, 0.05), (0.05, 0.4))),
    }


def _reaching(aim: Aim, rng: random.Random) -> dict[str, Any]:
    """What of it has to be otherwise for the step to be taken at all."""
    match aim.step:
        case "submit" | "leverage" | "write":
            return {"direct": rng.random() < 0.25, "market": rng.random() < 0.2}
        case "stop" | "target":
            return {"attaches": False, "two_targets": aim.step == "target"}
        case "close":
            return {"attaches": False, "forced": {"stop": ["refused:other"] * 60}}
        case "cancel":
            return {
                "minutes": (FLAT, FLAT, FLAT, *rng.choice(RUNS)),
                "order_ttl_sec": rng.choice((8, 15)),
                "converts": False,
                "happenings": rng.choice(_BY_OPERATOR),
            }
        case "amend":
            # The market entry is filled at a better price than it was planned for: a minute begins meanwhile.
            return {
                "minutes": (FALLS_A_LITTLE, *[(-50, -50, -50)] * 3, *rng.choice(RUNS)),
                "begins_ms": BEGIN_MS + PAST_MINUTES * MINUTE_MS + 59_750,
                "market": True,
                "attaches": True,
                "two_targets": False,
                "latency": (0.05, 0.05),
                "happenings": ((20.0, "align"), (70.0, "align")),
            }
        case "happens":
            return {"happenings": _happening(aim.fault, rng)}
        case _:
            return {}


def _happening(what: str, rng: random.Random) -> Sequence[tuple[float, str]]:
    at = rng.choice((0.0, 3.0, 10.0, 70.0, 130.0))
    after: Mapping[str, str] = {"halt": "resume"}
    before: Mapping[str, str] = {"resume": "halt"}
    if what in before:
        return ((at, before[what]), (at + 20.0, what))
    return ((at, what), (at + 20.0, after[what])) if what in after else ((at, what),)


def _forced(aim: Aim, rng: random.Random) -> dict[str, list[str]]:
    """The fault where the aim wants it, and more of the same kind after it."""
    if aim.step == "happens":
        return {}
    others = AIMS.get(aim.step, ())
    again = [aim.fault if not others or rng.random() < 0.6 else rng.choice(others) for _ in range(3)]
    more = [fault for fault in again[: rng.choice((0, 0, 1, 2, 3))] if aim.step in AIMS]
    return {aim.step: [*[""] * aim.nth, aim.fault, *more]}

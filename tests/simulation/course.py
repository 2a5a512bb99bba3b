"""What a seed makes of a world: the market's path, the plan's numbers, and what goes wrong.

All draws of one world come from `random.Random` objects that are made of its seed, in an order that the
virtual loop keeps the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

MINUTE_MS = 60_000
BEGIN_MS = 1_748_217_600_000
"""2025-05-26T00:00:00Z: two flat hours before the first signal."""

PAST_MINUTES = 120
PRICE = 100_000.0

Row = tuple[int, float, float, float, float, float]
Minute = tuple[float, float, float] | tuple[float, float, float, float]
"""(low, high, close) or (low, high, close, volume in BTC), prices in USDT from `PRICE`."""

Fault = Literal[
    "lost_request",
    "lost_reply",
    "error_before",
    "error_after",
    "not_sent",
    "duplicate_ack",
    "late",
    "slow",
    "refused",
    "unarmed",
    "partial",
    "market_first",
    "unavailable",
    "stale",
    "bug",
    "crash_before",
    "crash_after",
    "database_before",
    "database_after",
]
"""lost_request, error_before: nothing happened, and the caller does not know. lost_reply, error_after: it
happened, and the caller does not know. not_sent: turned away. duplicate_ack: it happened, and the answer is
that the id is known. late: the caller has gone when it happens. slow: everything takes seconds. refused:
proven, for a drawn cause. unarmed: the entry is taken, its presets are lost. partial: the rest of an entry
never fills. market_first: the price moves while a request is on its way. unavailable, stale: of reads. bug:
an exception that nobody expects. crash_*: the process dies around a request or a write. database_*: the
database does not answer, before or after the commit."""

OF_CHANGES: tuple[Fault, ...] = (
    "lost_request",
    "lost_reply",
    "error_before",
    "error_after",
    "not_sent",
    "late",
    "slow",
    "refused",
    "crash_before",
    "crash_after",
)
OF_NAMED: tuple[Fault, ...] = (*OF_CHANGES, "duplicate_ack")
"""Changes that carry an id of ours."""

OF_CANCELS: tuple[Fault, ...] = (*OF_CHANGES, "market_first")
OF_READS: tuple[Fault, ...] = ("unavailable", "stale", "slow", "crash_after", "bug")
OF_CRASHES: tuple[Fault, ...] = ("crash_before", "crash_after", "slow", "bug")
OF_WRITES: tuple[Fault, ...] = ("crash_before", "crash_after", "database_before", "database_after")
OF_SUBMITS: tuple[Fault, ...] = (*OF_NAMED, "unarmed", "partial")

Happening = Literal[
    "kill",
    "cancel",
    "halt",
    "resume",
    "switch_off",
    "outage",
    "clock_jump",
    "sleep",
    "stop_taken",
    "order_gone",
    "order_forgotten",
    "close_by_hand",
    "again",
    "another",
    "align",
    "retry",
    "stop_moved",
]
"""Things that come at an instant: the process is killed, the operator acts (``switch_off``: the global
switch), the venue is away for a while,
its clock jumps, the machine sleeps, somebody takes the stop or the order away or closes the position, the
venue forgets the order, the same decision is delivered again, another of the symbol comes, protection is
realigned, the operator has the first entry decided again, somebody moves the stop by 200."""

HAPPENINGS: tuple[Happening, ...] = (
    "kill",
    "kill",
    "cancel",
    "halt",
    "outage",
    "clock_jump",
    "sleep",
    "stop_taken",
    "order_gone",
    "order_forgotten",
    "close_by_hand",
    "again",
    "another",
    "align",
)


@dataclass(frozen=True, slots=True)
class Aim:
    """One step of the path and one fault that befalls it: the ``nth`` time it is taken, from 0."""

    step: str
    fault: str
    nth: int = 0

    @property
    def name(self) -> str:
        """As `Chaos.fired` counts it."""
        return f"{self.step} {self.fault}"


@dataclass(frozen=True, slots=True)
class Course:
    """One world, before it begins. Times in seconds after the signal unless they say otherwise.

    ``rate``: probability of a fault per request and write while there is chaos; ``points``: requests or
    writes, counted from 0, that surely meet one. ``downtime``: how long a dead process stays away.
    """

    seed: int
    rows: list[Row]
    begins_ms: int
    side: Literal["long", "short"]
    direct: bool
    attaches: bool
    market: bool
    two_targets: bool
    rate: float
    points: frozenset[int]
    chaos_sec: float
    downtime: float
    happenings: tuple[tuple[float, Happening], ...]
    order_ttl_sec: int
    zone_ttl_sec: int
    poll_sec: int
    zone_ratio: float
    converts: bool
    latency: tuple[float, float]
    volume: float
    rng: random.Random = field(repr=False, compare=False)
    looks_only: bool = False
    """Whether the processes may only look at the venue."""
    aim: Aim | None = None
    """What surely befalls it, and has to have come to pass when it is over."""
    forced: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Faults of the first, second, … request of a kind; an empty text is none. ``refused:cause`` says why."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the profile, over those that the other fields make."""


def drawn(seed: int) -> Course:
    """The world of this seed."""
    rng = random.Random(f"world {seed}")
    begins_ms = BEGIN_MS + PAST_MINUTES * MINUTE_MS + rng.randrange(MINUTE_MS)
    style = rng.choice(("calm", "points", "points", *["aimed"] * 6, "rate", "storm", "late"))
    order_ttl = rng.choice((8, 15, 30, 70, 120))
    count = 0 if style == "calm" else rng.choice((0, 0, 1, 1, 2, 3))
    span = rng.choice((5.0, 20.0, 90.0, 240.0))
    happenings = sorted((round(rng.uniform(0, span), 3), rng.choice(HAPPENINGS)) for _ in range(count))
    resumes = [(at + rng.uniform(1, 40), "resume") for at, what in happenings if what == "halt"]
    points = rng.sample(range(rng.choice((30, 90, 200))), k=rng.choice((1, 1, 2, 3)))
    volume = rng.choice((20.0, 20.0, 0.25, 0.1))
    return Course(
        seed=seed,
        rows=_path(rng, volume),
        begins_ms=begins_ms,
        side=rng.choice(("long", "short")),
        direct=rng.random() < 0.25,
        attaches=rng.random() < 0.6,
        market=rng.random() < 0.15,
        two_targets=rng.random() < 0.3,
        rate={"rate": rng.choice((0.02, 0.08)), "storm": 0.3, "late": 0.05}.get(style, 0.0),
        points=frozenset(points) if style == "points" else frozenset(),
        chaos_sec=rng.choice((10.0, 60.0, 200.0)),
        downtime=rng.choice((0.2, 3.0, 15.0, 70.0)),
        happenings=tuple(sorted([*happenings, *resumes])),  # type: ignore[list-item]
        order_ttl_sec=order_ttl,
        zone_ttl_sec=rng.choice((20, 60, 180)),
        poll_sec=rng.choice((1, 1, 2, 5)),
        zone_ratio=rng.choice((0.0005, 0.002, 0.01)),
        converts=rng.random() < 0.6,
        latency=rng.choice(((0.01, 0.05), (0.05, 0.4), (0.2, 2.0))),
        volume=volume,
        rng=rng,
        forced=_aimed(rng) if style == "aimed" else {},
    )


AIMS: Mapping[str, tuple[Fault, ...]] = {
    "submit": OF_SUBMITS,
    "leverage": OF_CHANGES,
    "stop": OF_NAMED,
    "target": OF_NAMED,
    "close": OF_NAMED,
    "cancel": OF_CANCELS,
    "amend": OF_CHANGES,
    "order": OF_READS,
    "positions": OF_READS,
    "triggers": OF_READS,
    "open_orders": OF_READS,
    "fills": tuple(fault for fault in OF_READS if fault != "stale"),
    "book": tuple(fault for fault in OF_READS if fault != "stale"),
    "balance": tuple(fault for fault in OF_READS if fault != "stale"),
    "write": OF_WRITES,
}
"""What can befall each kind of request, and the writes."""


def _aimed(rng: random.Random) -> dict[str, list[str]]:
    """Faults of the first requests of some kinds; a position without its stop is made more often."""
    aims: dict[str, list[str]] = {}
    for kind in rng.sample(list(AIMS), k=rng.choice((1, 2, 3))):
        passed = [""] * rng.choice((0, 0, 0, 1, 2, 5))
        fault = rng.choice(AIMS[kind])
        again = [
            fault if rng.random() < 0.6 else rng.choice(AIMS[kind]) for _ in range(rng.choice((0, 1, 2, 8)))
        ]
        aims[kind] = [*passed, fault, *again]
    if rng.random() < 0.3 and "submit" not in aims:
        aims["submit"] = ["unarmed", "unarmed", "unarmed"]
    if "close" in aims:
        # A position is only closed from here where it cannot be protected.
        aims.setdefault("submit", ["unarmed", "unarmed", "unarmed"])
        aims["stop"] = ["refused:invalid_price"]
    return aims


def path(minutes: Sequence[Minute], *, short: bool = False) -> list[Row]:
    """Two flat hours, these minutes, and then the last close for an hour; upside down for a short."""
    rows = [(BEGIN_MS + i * MINUTE_MS, PRICE, PRICE, PRICE, PRICE, 20.0) for i in range(PAST_MINUTES)]
    price = 0.0
    for number in range(60):
        low, high, close, *volume = minutes[number] if number < len(minutes) else (price, price, price)
        if short and number < len(minutes):
            low, high, close = -high, -low, -close
        top, bottom = PRICE + max(high, price, close), PRICE + min(low, price, close)
        at = BEGIN_MS + (PAST_MINUTES + number) * MINUTE_MS
        rows.append((at, PRICE + price, top, bottom, PRICE + close, volume[0] if volume else 20.0))
        price = close
    return rows


def _path(rng: random.Random, volume: float) -> list[Row]:
    """Two flat hours, a wild quarter of an hour, and then a run so far that every position is closed."""
    rows = [(BEGIN_MS + i * MINUTE_MS, PRICE, PRICE, PRICE, PRICE, 20.0) for i in range(PAST_MINUTES - 1)]
    price = PRICE
    wildness = rng.choice((0.0004, 0.0015, 0.004))
    run = rng.choice((-0.02, 0.02))
    for minute in range(PAST_MINUTES - 1, PAST_MINUTES + 60):
        calm = minute < PAST_MINUTES
        late = minute > PAST_MINUTES + 14
        step = 0.0 if calm else rng.gauss(0, wildness) + (run if late and minute < PAST_MINUTES + 25 else 0.0)
        if not calm and not late and rng.random() < 0.08:
            step += rng.choice((-0.012, 0.012))
        close = _on_tick(price * (1 + step))
        opened = price if rng.random() < 0.9 else _on_tick((price + close) / 2)
        wick = 0.0 if calm else abs(rng.gauss(0, wildness)) * price
        high, low = _on_tick(max(opened, close) + wick), _on_tick(min(opened, close) - wick)
        traded = 20.0 if late or calm else volume * rng.uniform(0.5, 1.5)
        rows.append((BEGIN_MS + minute * MINUTE_MS, opened, high, low, close, round(traded, 4)))
        price = close
    return rows


def _on_tick(price: float) -> float:
    return round(price, 1)

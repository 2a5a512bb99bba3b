"""Why there was no order: what runs said of one symbol over a period, and what stood in the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from engine.candles import STEP_MS
from engine.explain import Misses, NearMiss
from engine.models.base import Side
from engine.verdict import VerdictBatch
from server.instants import iso
from server.journal import CompileProfile, Decision, Journal, RunFilter
from server.journal.course import Course, CourseRun, course_of
from server.journal.stretch import Stretches
from server.orders.reading import OrderFilter
from server.orders.store import Orders
from server.overview.orders import order_json
from server.overview.pending import become
from server.overview.statistics import asked

Json = dict[str, Any]
Kind = Literal["decided", "excluded", "not_in_run", "no_run", "running", "interrupted", "failed"]
Said = tuple[Kind, str | None, str | None, str | None, Side | None]
"""Kind, status, reason, the check behind an outward reason, side."""

HowFar = Literal["slightly over", "over", "far"]

SLIGHTLY, OVER = Decimal("1.05"), Decimal("1.5")
"""Up to these ratios of the deviation that is allowed, words for how far beyond it a price was."""

ZONE_SKIPS = ("skipped_out_of_zone", "zone_far_from_market")
ORDERS_SHOWN = 50
MINUTE_MS = 60_000


@dataclass(slots=True)
class Segment:
    """Runs in a row that came to the same, from ``start`` up to ``end``; ``no_run``: a time without any."""

    kind: Kind
    status: str | None
    reason: str | None
    blocked_by: str | None
    side: Side | None
    start: int
    end: int
    runs: int
    last_run_id: str | None

    @property
    def said(self) -> Said:
        """What every run of it came to."""
        return self.kind, self.status, self.reason, self.blocked_by, self.side

    def to_json(self) -> Json:
        """Instants as ISO 8601."""
        return {
            "kind": self.kind,
            "status": self.status,
            "reason": self.reason,
            "blocked_by": self.blocked_by,
            "side": self.side,
            "from": iso(self.start),
            "to": iso(self.end),
            "runs": self.runs,
            "last_run_id": self.last_run_id,
        }


@dataclass(slots=True)
class Blocker:
    """A condition that stood in the way: how often, how often alone, and how near it was at best."""

    timeframe: str
    phase: str
    side: Side
    condition: str
    runs: int = 0
    alone: int = 0
    unknown: int = 0
    nearest: float | None = None

    def add(self, *, alone: bool, margin: float | None) -> None:
        """One more run. ``margin`` is relative, negative where it fails; None where it is unknown."""
        self.runs += 1
        self.alone += alone
        if margin is None:
            self.unknown += 1
        elif math.isfinite(margin):
            self.nearest = -margin if self.nearest is None else min(self.nearest, -margin)

    def to_json(self) -> Json:
        """``nearest_relative`` is the smallest distance as a share of the larger side."""
        return {
            "timeframe": self.timeframe,
            "phase": self.phase,
            "side": self.side,
            "condition": self.condition,
            "runs": self.runs,
            "alone": self.alone,
            "unknown": self.unknown,
            "nearest_relative": self.nearest,
        }


@dataclass(slots=True)
class TimeframeOff:
    """A timeframe that was asked and switched off for the symbol: in how many runs, from when to when."""

    timeframe: str
    phase: str
    runs: int
    first: int
    last: int

    def add(self, instants: Sequence[int]) -> None:
        """More runs, at these instants."""
        self.runs += len(instants)
        self.first, self.last = min(self.first, *instants), max(self.last, *instants)

    def to_json(self) -> Json:
        """Instants as ISO 8601."""
        told = {"timeframe": self.timeframe, "phase": self.phase, "runs": self.runs}
        return told | {"first": iso(self.first), "last": iso(self.last)}


@dataclass(frozen=True, slots=True)
class Miss:
    """A near miss and when it was; ``candle`` tells candles of its timeframe apart."""

    at: int
    run_id: str
    candle: int
    miss: NearMiss

    def to_json(self) -> Json:
        """As an explanation has it, with its time."""
        return {"at": iso(self.at), "run_id": self.run_id} | self.miss.to_json()


@dataclass(slots=True)
class ProfileWhy:
    """What the runs of one profile came to."""

    profile: str
    segments: list[Segment]
    switched_off: list[TimeframeOff] = field(default_factory=list[TimeframeOff])
    blockers: list[Blocker] = field(default_factory=list[Blocker])
    misses: list[Miss] = field(default_factory=list[Miss])
    trades: list[Json] = field(default_factory=list[Json])

    def to_json(self) -> Json:
        """Counts first."""
        runs: Counter[str] = Counter()
        for segment in self.segments:
            runs[segment.kind if segment.kind != "decided" else segment.status or ""] += segment.runs
        return {
            "profile": self.profile,
            "runs": sum(segment.runs for segment in self.segments),
            "by_status": dict(runs),
            "sequence": [segment.to_json() for segment in self.segments],
            "switched_off": [off.to_json() for off in self.switched_off],
            "blockers": [blocker.to_json() for blocker in self.blockers],
            "nearest": [miss.to_json() for miss in self.misses],
            "trade_entry": self.trades,
        }


async def why(
    journal: Journal,
    orders: Orders,
    compile_profile: CompileProfile,
    symbol: str,
    wanted: RunFilter,
    nearest: int,
) -> Json:
    """The whole answer. ``wanted`` has both ends. Raises ``JournalError``, ``OrdersUnavailable``."""
    start, end = wanted.from_ms or 0, wanted.to_ms or 0
    course = await course_of(journal, symbol, wanted)
    trades = {run_id: d.to_json() for run_id, d in course.decisions.items() if d.trade is not None}
    await become(list(trades.values()), orders)
    known = {run_id: found["trading_decision"] for run_id, found in trades.items()}
    profiles = sorted({run.profile for run in course.runs} | ({wanted.profile} if wanted.profile else set()))
    stretches = Stretches(journal, compile_profile, wanted, symbol=symbol)
    steps: dict[str, int] = {}
    blockers: dict[str, dict[tuple[str, ...], Blocker]] = {}
    misses: dict[str, list[Miss]] = {}
    switched: dict[str, dict[tuple[str, str], TimeframeOff]] = {}
    async for stretch in stretches.read():
        rules = stretch.batch.rules
        steps[rules.name] = min((STEP_MS[tf] for tf in rules.execution), default=MINUTE_MS)
        of_profile, near = blockers.setdefault(rules.name, {}), misses.setdefault(rules.name, [])
        _count_off(switched.setdefault(rules.name, {}), stretch.batch)
        reader = Misses(stretch.batch)
        for row, run_id in enumerate(stretch.run_ids):
            as_of = int(stretch.batch.as_of[row])
            for miss in reader.of(row):
                candle = int(stretch.batch.health[miss.timeframe].newest[row])
                near.append(Miss(as_of, run_id, candle, miss))
            _count(of_profile, reader.of(row), rules.context)
    answers = [
        ProfileWhy(
            name,
            list(_segments(course, known, name, start, end, steps.get(name, MINUTE_MS))),
            list(switched.get(name, {}).values()),
            sorted(
                blockers.get(name, {}).values(), key=lambda b: (-b.runs, -b.alone, b.timeframe, b.condition)
            ),
            _nearest(misses.get(name, ()), nearest),
            _trades(course, known, name),
        )
        for name in profiles
    ]
    placed = await orders.page(
        OrderFilter(symbol=symbol, profile=wanted.profile, from_ms=start, to_ms=end), page_size=ORDERS_SHOWN
    )
    return {
        "symbol": symbol,
        "from": iso(start),
        "to": iso(end),
        "profiles": [answer.to_json() for answer in answers],
        "orders": [order_json(intent) for intent in placed.items],
        "orders_total": placed.total,
        "not_restored": [{"cause": cause, "runs": runs} for cause, runs in stretches.lost.items()],
    }


def _count_off(found: dict[tuple[str, str], TimeframeOff], batch: VerdictBatch) -> None:
    """Where a timeframe was asked: one of execution only speaks where the context is valid."""
    for signals, rows in asked(batch):
        off = batch.switched_off.get(signals.timeframe)
        instants: list[int] = [] if off is None else batch.as_of[rows & off].tolist()
        if instants:
            key = signals.timeframe, signals.phase
            found.setdefault(key, TimeframeOff(*key, 0, instants[0], instants[0])).add(instants)


def _count(
    blockers: dict[tuple[str, ...], Blocker], misses: Sequence[NearMiss], context: Sequence[str]
) -> None:
    """A condition counts once per run, timeframe and side, however many scenarios it stands in."""
    seen: dict[tuple[str, str, Side, str], tuple[bool, float | None]] = {}
    for miss in misses:
        phase = "context" if miss.timeframe in context else "execution"
        for obstacle in miss.obstacles:
            key = (miss.timeframe, phase, miss.side, obstacle.label)
            alone = len(miss.obstacles) == 1 or seen.get(key, (False, None))[0]
            seen[key] = alone, obstacle.relative_margin
    for key, (alone, margin) in seen.items():
        blockers.setdefault(key, Blocker(*key)).add(alone=alone, margin=margin)


def _nearest(misses: Iterable[Miss], most: int) -> list[Miss]:
    """The fewest conditions away first, then the least distance; once per candle."""
    found: dict[tuple[object, ...], Miss] = {}
    for miss in sorted(misses, key=lambda m: (len(m.miss.obstacles), m.miss.distance, m.at)):
        labels = tuple(o.label for o in miss.miss.obstacles)
        found.setdefault((miss.miss.timeframe, miss.miss.side, miss.candle, labels), miss)
        if len(found) == most:
            break
    return list(found.values())


def _segments(
    course: Course, trades: Mapping[str, Json], profile: str, start: int, end: int, step: int
) -> Iterator[Segment]:
    """They follow each other without a gap from ``start`` to ``end``, and every run is in one."""
    current: Segment | None = None
    covered = start
    for run in (run for run in course.runs if run.profile == profile):
        gap_end = max(start, run.as_of // step * step)
        if gap_end >= covered + step:
            gap = Segment("no_run", None, None, None, None, covered, gap_end, 0, None)
            if current is not None:
                current.end = gap.start
                yield current
            yield gap
            current, covered = None, gap_end
        said = _said(course, trades, run)
        if current is not None and said == current.said:
            current.runs += 1
            current.last_run_id = run.run_id
        else:
            begins = covered if current is None else max(run.as_of, current.start)
            if current is not None:
                current.end = begins
                yield current
            current = Segment(*said, begins, end, 1, run.run_id)
        covered = max(covered, min(end, (run.as_of // step + 1) * step))
    if current is not None:
        current.end = covered if covered + step <= end else end
        yield current
        covered = current.end
    if covered < end:
        yield Segment("no_run", None, None, None, None, covered, end, 0, None)


_ENDED: Mapping[str, Kind] = {"running": "running", "interrupted": "interrupted", "error": "failed"}


def _said(course: Course, trades: Mapping[str, Json], run: CourseRun) -> Said:
    decision, excluded = course.decisions.get(run.run_id), course.excluded.get(run.run_id)
    if decision is not None:
        return _decided(decision, trades.get(run.run_id))
    if excluded is not None:
        return "excluded", "EXCLUDED", excluded.reason, None, None
    return _ENDED.get(run.status, "not_in_run"), None, None, None, None


def _decided(decision: Decision, trade: Json | None) -> Said:
    if trade is None:
        return "decided", decision.status, decision.reason, None, decision.side
    reason = trade.get("reason") or trade["status"]
    return "decided", decision.status, reason, trade.get("blocked_by"), decision.side


def _trades(course: Course, trades: Mapping[str, Json], profile: str) -> list[Json]:
    """What trade entry came to, each outcome once, the most frequent first; with the facts of its last."""
    found: dict[tuple[Any, ...], Json] = {}
    for run in course.runs:
        if run.profile != profile or run.run_id not in trades:
            continue
        trade = trades[run.run_id]
        raw: Json = trade.get("raw") or {}
        key = (trade["status"], trade.get("reason"), trade.get("blocked_by"))
        entry = found.setdefault(
            key,
            {
                "status": key[0],
                "reason": key[1],
                "blocked_by": key[2],
                "runs": 0,
                "first": iso(run.as_of),
                "zone": None,
            },
        )
        entry["runs"] += 1
        entry |= {"last": iso(run.as_of), "last_run_id": run.run_id, "facts": raw.get("context", {})}
        beyond = _beyond(raw.get("context", {})) if key[1] in ZONE_SKIPS else None
        if beyond is not None:
            entry["zone"] = _zone(entry["zone"], beyond, run.as_of)
    return sorted(found.values(), key=lambda entry: -entry["runs"])


def _beyond(facts: Mapping[str, Any]) -> tuple[Decimal, Decimal] | None:
    """Deviation from the zone and the deviation allowed, as ratios; None where one is not known."""
    try:
        deviation, allowed = (
            Decimal(str(facts[name])) for name in ("zone_deviation_ratio", "zone_max_deviation_ratio")
        )
    except (KeyError, InvalidOperation):
        return None
    return deviation, allowed


def how_far(deviation: Decimal, allowed: Decimal) -> HowFar | None:
    """In words; None where the deviation was not beyond what is allowed, so that something else decided."""
    if deviation <= allowed:
        return None
    if allowed <= 0:
        return "far"
    ratio = deviation / allowed
    return "slightly over" if ratio <= SLIGHTLY else "over" if ratio <= OVER else "far"


def _zone(known: Json | None, beyond: tuple[Decimal, Decimal], at: int) -> Json:
    """How far beyond the limit the skips were, and the nearest of them."""
    deviation, allowed = beyond
    nearest = dict.fromkeys(("nearest_deviation_ratio", "max_deviation_ratio", "at"))
    zone: Json = known or {"slightly_over": 0, "over": 0, "far": 0, "within_limit": 0} | nearest
    zone[(how_far(deviation, allowed) or "within limit").replace(" ", "_")] += 1
    if zone["nearest_deviation_ratio"] is None or deviation < Decimal(zone["nearest_deviation_ratio"]):
        zone |= {
            "nearest_deviation_ratio": str(deviation),
            "max_deviation_ratio": str(allowed),
            "at": iso(at),
        }
    return zone

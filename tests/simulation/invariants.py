"""What must be true of a world that is over, whatever happened in it. Each function yields what is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from outcomes import OUTCOMES, registered

from server.exchange.trading import Fill
from server.execution.desk import progress_of
from server.orders.intent import FINAL, Intent
from server.orders.store import Orders

if TYPE_CHECKING:
    from world import World

_codes = cache(registered)

BY_THE_VENUE = ("filled", "closed")
"""Events whose instant is the venue's own, which may be before that of an event already told."""


async def broken(world: World, orders: Orders) -> list[str]:
    """Every invariant that does not hold, in words."""
    found = list(world.violations)
    aim = world.course.aim
    if aim is not None and not world.chaos.fired[aim.name]:
        found.append(f"what it was aimed at did not come to pass: {aim.name}")
    found += [f"nobody expected {error!r}" for error in world.unexpected]
    for intent in world.final:
        found += [f"{intent.decision_key}: {text}" async for text in _of_intent(world, orders, intent)]
    found += [text async for text in _of_venue(world)]
    found += list(_of_exposure(world))
    found += world.side.problems()
    told = "\n".join([*world.trace, repr(world.journeys), repr(world.plans.answers)])
    found += ["a secret is told" for secret in world.side.secrets if secret in told]
    found += [text async for text in _of_holds(world, orders)]
    found += [
        f"answered {answer['status']} {answer['reason']}"
        for _, answer in world.plans.answers
        if answer["reason"] is not None and answer["reason"] not in _codes()
    ]
    return found


async def _of_intent(world: World, orders: Orders, intent: Intent) -> AsyncIterator[str]:
    outcome = (intent.state, intent.status, intent.reason)
    if outcome not in OUTCOMES:
        yield f"{outcome} is no outcome"
    if intent.reason is not None and intent.reason not in _codes():
        yield f"{intent.reason} is not registered"
    if intent.state not in FINAL:
        yield f"is not final but {intent.state}"
    names = {name.client_order_id for name in await orders.names(intent.decision_key)}
    at_venue = [name for name in world.plans.names_of(intent.decision_key) if await world.side.order(name)]
    for name in sorted(set(at_venue) - names):
        yield f"the venue has its order {name}, which was never written down"
    fills = [f for f in await world.side.fills() if f.client_order_id in names and not f.closes]
    for text in _of_fills(intent, fills):
        yield text
    for text in _of_journey(await orders.journey(intent.decision_key)):
        yield text


def _of_fills(intent: Intent, fills: list[Fill]) -> Iterator[str]:
    filled = sum((fill.size for fill in fills), Decimal(0))
    if intent.ticket is None:
        if filled:
            yield f"{filled} filled without a ticket"
        return
    known = progress_of(intent).filled
    if filled > intent.ticket.size:
        yield f"{filled} filled of {intent.ticket.size} planned"
    if filled != known:
        yield f"the venue filled {filled}, the database has {known}"
    if (intent.state == "closed") != (filled > 0) and intent.state != "failed":
        yield f"{filled} filled, and it is {intent.state}"


def _of_journey(events: object) -> Iterator[str]:
    journey = list(events)  # type: ignore[call-overload]
    if [event.number for event in journey] != list(range(1, len(journey) + 1)):
        yield f"its events are numbered {[event.number for event in journey]}"
    if journey[0].kind != "decided":
        yield f"its journey begins with {journey[0].kind}"
    own = [event.at for event in journey if event.kind not in BY_THE_VENUE]
    if own != sorted(own):
        told = [(e.kind, e.at - own[0], dict(e.details)) for e in journey if e.kind not in BY_THE_VENUE]
        back = next(i for i in range(1, len(own)) if own[i] < own[i - 1])
        yield f"its events go back in time: {told[back - 1 : back + 1]}"
    recorded = [event.recorded_at for event in journey]
    if recorded != sorted(recorded):
        yield "its events were recorded out of order"


async def _of_venue(world: World) -> AsyncIterator[str]:
    truth = await world.side.truth()
    for name in truth.live_entries:
        yield f"the order {name} still rests"
    for position in truth.positions:
        yield f"{position.size} {position.symbol} {position.side} is still open"
    for trigger in truth.triggers:
        yield f"the {trigger.kind} {trigger.order_id} still waits"


def _of_exposure(world: World) -> Iterator[str]:
    """A position may be without a stop for as long as it takes to see its fill, to place one and, where
    that fails, to close it, each with the waits between two looks; and no longer, but for the time in which
    the process was dead, the venue away, or a request met a fault.
    """
    course = world.course
    bound = 5 + 2 * course.poll_sec + 5 + 14 * course.latency[1] + 2
    for begun, ended in world.exposure.spells + [
        (s, world.loop.time()) for s in world.exposure.since.values()
    ]:
        seconds = (ended - begun) - _overlap(begun, ended, world.chaos.excused)
        if seconds > bound:
            spell = f"from {begun:.1f} to {ended:.1f}, {seconds:.1f} s of it for no reason"
            yield f"without a stop {spell} (bound {bound:.1f})"


def _overlap(begun: float, ended: float, spells: list[tuple[float, float]]) -> float:
    """Seconds of a spell that lie in any of ``spells``."""
    covered, reached = 0.0, begun
    for since, until in sorted(spells):
        since, until = max(since, reached), min(until, ended)
        if until > since:
            covered += until - since
            reached = until
    return covered


async def _of_holds(world: World, orders: Orders) -> AsyncIterator[str]:
    """Cool-downs of decision 25: by what became of the entry that holds the symbol last."""
    by_key = {intent.decision_key: intent for intent in world.final}
    wanted = {
        "closed": ("submitted", "stopped_out"),
        "cancelled": ("cancelled",),
        "refused": ("cancelled",),
        "rejected": ("cancelled",),
    }
    for hold in await orders.holds(world.side.name, "main", 0):
        intent = by_key.get(hold.decision_key)
        if intent is None:
            yield f"{hold} belongs to nobody"
        elif hold.until is None:
            yield f"{hold.symbol} is held for ever by an intent that is {intent.state}"
        elif hold.cause not in wanted.get(intent.state, ()):
            yield f"the hold after {intent.state} is {hold.cause}"
    held = {hold.decision_key for hold in await orders.holds(world.side.name, "main", 0)}
    for intent in world.final:
        if intent.state == "closed" and intent.decision_key not in held and not world.another:
            yield f"{intent.decision_key} is closed, and nothing cools down"

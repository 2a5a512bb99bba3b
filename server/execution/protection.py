"""A position's stop and targets: what they should be, what the venue has, and the way from one to the other.

The stop comes first and is never taken away before another stands. Triggers are moved in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from server.exchange.errors import ExchangeError
from server.exchange.port import Position
from server.exchange.trading import (
    Accepted,
    ClosingOrder,
    Outcome,
    Refused,
    TriggerKind,
    TriggerOrder,
    TriggerRequest,
)
from server.execution.desk import MS, Change, Desk, event, identity, progress_of, ticket_of
from server.execution.holding import Held, closed_already, held
from server.execution.names import order_name
from server.orders.intent import Intent
from server.orders.reasons import ExecutionReason
from server.trade_entry.quantise import ceil_to, floor_to
from server.trade_entry.ticket import Ticket

LOOK_SEC = 0.25


@dataclass(frozen=True, slots=True)
class Level:
    """A trigger there should be; ``size`` None: the whole position."""

    kind: TriggerKind
    price: Decimal
    size: Decimal | None


def levels(ticket: Ticket, average: Decimal, size: Decimal) -> list[Level]:
    """Stop and targets of a position of ``size`` contracts that was entered at ``average``.

    The plan's distances are kept: what was paid above or below its entry moves all of them. The stop is
    rounded away from the entry and covers everything, targets are rounded toward it. Two targets whose parts
    would be below the least size become the first one alone.
    """
    moved, tick = average - ticket.entry, ticket.tick_size
    # Away from the entry for a stop and toward it for a target are the same direction.
    to_tick = floor_to if ticket.side == "long" else ceil_to
    parts = split(ticket, size)
    targets = [
        Level("take_profit", to_tick(target.price + moved, tick), None if len(parts) == 1 else part)
        for target, part in zip(ticket.targets, parts, strict=False)
    ]
    return [Level("stop_loss", to_tick(ticket.stop + moved, tick), None), *targets]


def split(ticket: Ticket, size: Decimal) -> list[Decimal]:
    """Contracts of each target, on the size step; what is left over goes to the last."""
    if len(ticket.targets) == 1:
        return [size]
    first = floor_to(size * ticket.targets[0].share, ticket.size_step)
    rest = size - first
    return [first, rest] if first >= ticket.min_size and rest >= ticket.min_size else [size]


async def protect(desk: Desk, intent: Intent) -> Intent:
    """Makes sure that what has filled has a stop, within the time the profile allows; then the targets.

    A position that cannot be protected is to be closed: the intent comes back in state ``closing``. Whoever
    takes it up when that time is over already still tries once, and gives the venue as long to say what it
    holds.
    """
    ticket, progress, begun = ticket_of(intent), progress_of(intent), await desk.now()
    since = progress.unprotected_since or begun
    within = ticket.execution.protect_within_sec * MS
    limit = since + within
    patience = limit if begun <= limit else begun + within
    number, last = progress.names, "the venue did not say what it holds"
    # Where no stop travelled with the entry, its absence is an alarm from the second try on.
    late, alarmed = not any(attempt.attached for attempt in progress.attempts), False
    refused = False  # by the venue, and proven; else it never took a trigger or never answered
    while True:
        now = await desk.now()
        try:
            found = await held(desk, ticket.symbol, ticket.side)
        except ExchangeError as error:
            found, last = None, str(error)
        if found is not None and found.position is not None and found.covered:
            intent = await _protected(desk, intent, found, since, now)
            return await place_targets(desk, intent, found)
        if found is not None and found.position is None:
            if await closed_already(desk, intent):
                return await _no_position(desk, intent, now, missing=False)
            if now > patience:
                return await _no_position(desk, intent, now, missing=True)
        if now > limit and (number > progress.names or now > patience):
            return await _give_up(desk, intent, now, last, refused=refused)
        if found is not None and found.position is not None:
            if not alarmed and (now == since or not late or number > progress.names):
                alarmed = True
                desk.alarm("unprotected", **identity(intent))
            intent, outcome = await _place_stop(desk, intent, found.position, number)
            number += 1
            if not isinstance(outcome, Accepted):
                last = outcome.detail
            if isinstance(outcome, Refused):
                refused = True
                if outcome.cause == "invalid_price":
                    beyond = "the price is beyond the stop already"
                    return await _give_up(desk, intent, await desk.now(), beyond, refused=True)
        await desk.venue.wait(LOOK_SEC)


async def _place_stop(desk: Desk, intent: Intent, position: Position, number: int) -> tuple[Intent, Outcome]:
    """One try; ``invalid_price`` where the price has passed the stop."""
    ticket, progress, now = ticket_of(intent), progress_of(intent), await desk.now()
    average = progress.average or position.entry_price
    level = levels(ticket, average, position.size)[0]
    name = order_name(intent.decision_key, "stop", number)
    told = event("unprotected", now, client_order_id=name, stop=level.price)
    intent = await desk.write(
        intent,
        Change(progress=progress.with_(names=number + 1), names=((name, "stop", number),), events=(told,)),
    )
    outcome = await desk.venue.place_trigger(
        TriggerRequest(
            symbol=ticket.symbol,
            client_order_id=name,
            kind="stop_loss",
            side=ticket.side,
            trigger_price=level.price,
            size=None,
        )
    )
    desk.tell("stop", intent, outcome)
    return intent, outcome


async def _protected(desk: Desk, intent: Intent, found: Held, since: int, now: int) -> Intent:
    progress = progress_of(intent)
    if progress.protected and progress.unprotected_since is None:
        return intent
    nearest = found.stops[0] if found.stops else None
    seconds = max(0, (nearest.created_at_ms if nearest else now) - since) / MS
    desk.metrics.unprotected(desk.venue.name, seconds)
    return await desk.write(
        intent,
        Change(
            progress=progress.with_(
                protected=True,
                unprotected_since=None,
                stop=nearest.trigger_price if nearest else None,
                stop_moved=False,
            ),
            events=(
                event(
                    "protected",
                    now,
                    stop=nearest.trigger_price if nearest else None,
                    order_id=nearest.order_id if nearest else None,
                    unprotected_sec=seconds,
                ),
            ),
        ),
    )


async def _give_up(desk: Desk, intent: Intent, now: int, detail: str, *, refused: bool) -> Intent:
    reason = ExecutionReason.PROTECTION_FAILED if refused else ExecutionReason.TP_SL_SERVICE_UNAVAILABLE
    desk.alarm("protection_failed", **identity(intent), detail=detail)
    return await desk.write(
        intent,
        Change(
            state="closing",
            status="error",
            reason=reason,
            progress=progress_of(intent).with_(closing_since=now, close_cause=str(reason)),
            events=(event("closing", now, reason=str(reason), detail=detail),),
        ),
    )


async def _no_position(desk: Desk, intent: Intent, now: int, *, missing: bool) -> Intent:
    """What has filled is closed again already; or ``missing``: the venue does not show it at all."""
    progress = progress_of(intent).with_(protected=True, unprotected_since=None)
    if not missing:
        return await desk.write(intent, Change(progress=progress))
    desk.alarm("position_not_found", **identity(intent))
    return await desk.write(
        intent,
        Change(
            status="error",
            reason=ExecutionReason.ENTRY_PRICE_NOT_FOUND,
            progress=progress,
            events=(event("unprotected", now, detail="the venue shows no such position"),),
        ),
    )


async def place_targets(desk: Desk, intent: Intent, found: Held) -> Intent:
    """Places the targets once. The stop stands; a target that is refused is tried again by the guardian.

    What a person takes away at the venue afterwards is not placed again, nor is what has been reached.
    """
    ticket, progress, position = ticket_of(intent), progress_of(intent), found.position
    if position is None or progress.targets_placed:
        return intent
    if len(ticket.targets) > 1 and intent.state != "open":
        return intent  # parts of what has filled so far would be too small for the whole
    whole = max(progress.filled, position.size)
    planned = levels(ticket, progress.average or position.entry_price, whole)[1:]
    wanted = _left(planned, position.size, ticket.min_size)
    standing = {trigger.trigger_price for trigger in found.triggers if trigger.kind == "take_profit"}
    missing = [level for level in wanted if level.price not in standing]
    if len(standing) >= len(wanted):
        missing = []
    accepted = True
    for level in missing:
        number = progress_of(intent).names
        name = order_name(intent.decision_key, "target", number)
        named = progress_of(intent).with_(names=number + 1)
        intent = await desk.write(intent, Change(progress=named, names=((name, "target", number),)))
        outcome = await desk.venue.place_trigger(
            TriggerRequest(
                symbol=ticket.symbol,
                client_order_id=name,
                kind="take_profit",
                side=ticket.side,
                trigger_price=level.price,
                size=level.size,
            )
        )
        desk.tell("target", intent, outcome)
        if isinstance(outcome, Refused) and outcome.cause == "invalid_price":
            # The price is there already: the profit is taken now, for it may never come back.
            intent, outcome = await _take_now(desk, intent, level.size or position.size)
        accepted = accepted and isinstance(outcome, Accepted)
    done = accepted and intent.state == "open"
    return (
        await desk.write(intent, Change(progress=progress_of(intent).with_(targets_placed=True)))
        if done
        else intent
    )


def _left(targets: list[Level], size: Decimal, min_size: Decimal) -> list[Level]:
    """Targets of what is left of a position: the last one is for all of it, those before it for their parts
    as far as it reaches. What is closed of a position is what the nearest targets were for.
    """
    *parts, last = targets
    kept: list[Level] = []
    rest = size - (last.size or size)
    for level in reversed(parts):
        part = min(level.size or rest, rest)
        if part < min_size:
            break
        kept.insert(0, Level(level.kind, level.price, part))
        rest -= part
    return [*kept, last if kept else Level(last.kind, last.price, None)]


async def _take_now(desk: Desk, intent: Intent, size: Decimal) -> tuple[Intent, Outcome]:
    """Closes a part at the market."""
    number = progress_of(intent).names
    name = order_name(intent.decision_key, "close", number)
    named = progress_of(intent).with_(names=number + 1)
    intent = await desk.write(intent, Change(progress=named, names=((name, "close", number),)))
    outcome = await desk.venue.close(
        ClosingOrder(symbol=intent.symbol, client_order_id=name, side=intent.side, size=size)
    )
    desk.tell("close", intent, outcome)
    return intent, outcome


async def realign(desk: Desk, intent: Intent, found: Held) -> Intent:
    """Moves stop and targets in place to where the plan's distances from the real entry put them.

    Only what stands where we last saw it: a stop that a person moved is theirs, and is left.
    """
    ticket, progress, position = ticket_of(intent), progress_of(intent), found.position
    average = progress.average
    if position is None or average is None or position.size < progress.filled or len(found.stops) != 1:
        return intent
    stop, (wanted, *targets) = found.stops[0], levels(ticket, average, position.size)
    moves: list[tuple[TriggerOrder, Level]] = []
    where_it_was = stop.trigger_price == progress.stop and not progress.stop_moved
    if where_it_was and stop.trigger_price != wanted.price:
        moves.append((stop, wanted))
    standing = sorted(
        (t for t in found.triggers if t.kind == "take_profit"),
        key=lambda trigger: abs(trigger.trigger_price - average),
    )
    planned = {target.price for target in ticket.targets}
    if len(standing) == len(targets):
        moves += [
            (trigger, level)
            for trigger, level in zip(standing, targets, strict=True)
            if trigger.trigger_price != level.price and trigger.trigger_price in planned
        ]
    for trigger, level in moves:
        outcome = await desk.venue.amend_trigger(trigger, level.price, trigger.size)
        desk.tell("amend", intent, outcome)
        if not isinstance(outcome, Accepted):
            continue
        told = event(
            "amended", await desk.now(), trigger=level.kind, before=trigger.trigger_price, after=level.price
        )
        known = progress_of(intent)
        known = known.with_(stop=level.price) if level.kind == "stop_loss" else known
        intent = await desk.write(intent, Change(progress=known, events=(told,)))
    return intent

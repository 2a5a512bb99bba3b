"""The kill switch, and what operators did and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.database import order_tables as t
from server.instants import machine_ms
from server.orders import rows
from server.orders.holds import Halt
from server.orders.locks import HALT, lock
from server.orders.rows import AnyRow

ActionName = Literal[
    "halt",
    "resume",
    "cancel",
    "retry",
    "reset_daily_loss",
    "switch_on",
    "switch_off",
    "queue",
    "blacklist_add",
    "blacklist_remove",
    "release_lock",
    "protect_position",
    "cancel_trigger",
]

ACTION_NAMES: tuple[ActionName, ...] = get_args(ActionName)

GUARDIAN = "guardian"
"""Actor of what is done to orders and positions that no decision here has."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action. ``subject`` is what it was done to: a decision key, an account, a switch, a symbol, a
    run's lock, ``trading``; or, where the guardian did it to what no decision here has, a client order id or
    a position (``SYMBOL side``).
    """

    number: int
    action: ActionName
    subject: str
    actor: str
    reason: str
    details: Mapping[str, Any]
    recorded_at: int


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """``about``: a part of the subject, in any case; ``[from_ms, to_ms)`` in ms UTC. None: any."""

    action: str | None = None
    actor: str | None = None
    about: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


TRADING = "trading"
"""Subject of actions that concern everything."""

_NEVER = Halt(halted=False, reason="", actor="", recorded_at=0)


def check_words(actor: str, reason: str) -> None:
    """Raises ``ValueError`` where somebody acts namelessly or without a reason."""
    for name, said in (("an actor", actor), ("a reason", reason)):
        if not said.strip():
            raise ValueError(f"an operator's action needs {name}")


async def store_action(
    connection: AsyncConnection,
    action: ActionName,
    subject: str,
    actor: str,
    reason: str,
    details: Mapping[str, Any],
) -> Action:
    """Records an action. Raises ``ValueError`` without an actor or a reason."""
    check_words(actor, reason)
    now = machine_ms()
    statement = insert(t.operator_action).values(
        action=action,
        subject=subject,
        actor=actor,
        reason=reason,
        details=rows.text_of(details),
        recorded_at=now,
    )
    number = (await connection.execute(statement.returning(t.operator_action.c.id))).scalar_one()
    return Action(number, action, subject, actor, reason, dict(details), now)


async def actions(
    connection: AsyncConnection, wanted: ActionFilter, offset: int, limit: int
) -> tuple[tuple[Action, ...], int]:
    """A slice of the actions, newest first, and how many there are."""
    c = t.operator_action.c
    conditions = list(_conditions(wanted))
    total = await connection.scalar(select(func.count()).select_from(t.operator_action).where(*conditions))
    query = select(*c).where(*conditions).order_by(c.id.desc()).offset(offset).limit(limit)
    return tuple(_action_of(row) for row in await connection.execute(query)), total or 0


def _conditions(wanted: ActionFilter) -> Iterator[ColumnElement[bool]]:
    c = t.operator_action.c
    if wanted.action is not None:
        yield c.action == wanted.action
    if wanted.actor is not None:
        yield c.actor == wanted.actor
    if wanted.about is not None:
        yield func.lower(c.subject).contains(wanted.about.lower(), autoescape=True)
    if wanted.from_ms is not None:
        yield c.recorded_at >= wanted.from_ms
    if wanted.to_ms is not None:
        yield c.recorded_at < wanted.to_ms


async def turn(connection: AsyncConnection, *, halted: bool, actor: str, reason: str) -> Halt:
    """Turns the kill switch and records who did, once nobody records an intent any more."""
    await lock(connection, HALT)
    name: ActionName = "halt" if halted else "resume"
    action = await store_action(connection, name, TRADING, actor, reason, {})
    halt = Halt(halted, reason, actor, action.recorded_at)
    values = asdict(halt)
    statement = rows.insert_into(connection, t.trading_halt).values(id=1, **values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=[t.trading_halt.c.id], set_=values)
    )
    return halt


async def halt_in_force(connection: AsyncConnection) -> Halt:
    """The switch as it stands."""
    c = t.trading_halt.c
    row = (await connection.execute(select(c.halted, c.reason, c.actor, c.recorded_at))).first()
    return _NEVER if row is None else Halt(*row)


def _action_of(row: AnyRow) -> Action:
    number, action, subject, actor, reason, details, recorded_at = row
    return Action(number, action, subject, actor, reason, json.loads(details), recorded_at)

"""Whether an order may be recorded at this moment; asked in the transaction that records it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.models.base import Side
from server.database import order_tables as t
from server.instants import machine_ms
from server.orders import rows
from server.orders.errors import TradingHalted
from server.orders.holds import HoldCause, utc_day
from server.orders.intent import NOT_COUNTED, UNDER_WAY, Intent
from server.orders.locks import HALT, SWITCHES, account_lock, lock
from server.orders.reasons import GuardReason
from server.orders.writing import Denied
from server.switches import reading as switches
from server.switches.switch import keeping_out
from server.trade_entry.quantise import shown
from server.trade_entry.ticket import Ticket

BUSY: frozenset[HoldCause] = frozenset({"under_way", "unsettled"})
"""Holds that are no cool-down: something of the symbol is not done."""


@dataclass(frozen=True, slots=True)
class FreeBalance:
    """What the venue said is free, and which entries it must have counted, as (decision key, attempt): those
    that it had accepted before it was asked.
    """

    available_usdt: Decimal
    counted: Collection[tuple[str, int]] = ()


async def denial(
    connection: AsyncConnection,
    intent: Intent,
    max_positions: int,
    now_ms: int,
    positions: Collection[tuple[str, Side]],
    ticket: Ticket,
    free: FreeBalance,
) -> Denied | None:
    """What forbids the intent, or None; in either case nothing else of its account is recorded meanwhile, and
    no switch is turned.

    Intents are read before the hold: one that ends in between has placed its cool-down by then.
    """
    await lock(connection, HALT, shared=True)
    await lock(connection, SWITCHES, shared=True)
    await lock(connection, account_lock(intent.exchange, intent.account))
    if halt := await _halt(connection):
        return Denied(GuardReason.TRADING_HALTED, halt)
    kept_out = keeping_out(
        await switches.state(connection, machine_ms(), intent.symbol), intent.symbol, ticket.timeframes
    )
    if kept_out is not None:
        return Denied(GuardReason(kept_out.reason), kept_out.told)
    if loss := await _locked_loss(connection, intent, now_ms):
        return Denied(GuardReason.DAILY_LOSS_LIMIT_REACHED, loss)
    others = await _under_way(connection, intent)
    taken = [(symbol, side) for symbol, side, *_ in others]
    if held := await _held(connection, intent, now_ms):
        return held
    places = {*taken, *positions}
    sides = sorted(side for symbol, side in places if symbol == intent.symbol)
    if sides:
        facts = {"symbol_positions": len(sides), "sides": sides}
        return Denied(GuardReason.HAS_OPEN_ORDERS_OR_POSITIONS, facts)
    if len(places) >= max_positions:
        facts = {"positions": len(places), "max_concurrent_positions": max_positions}
        return Denied(GuardReason.MAX_CONCURRENT_POSITIONS_REACHED, facts)
    return _balance_taken(ticket, free, others)


def _balance_taken(ticket: Ticket, free: FreeBalance, others: Sequence[rows.AnyRow]) -> Denied | None:
    """Whether the balance does not carry this entry beside those that were recorded while it was planned."""
    reserved = sum(
        (
            rows.ticket_of(stored).held_usdt
            for _, _, key, state, attempt, stored in others
            if stored is not None and (state in NOT_COUNTED or (key, attempt) not in free.counted)
        ),
        Decimal(0),
    )
    if ticket.held_usdt + reserved <= free.available_usdt:
        return None
    facts = {
        "required_free_usdt": shown(ticket.held_usdt),
        "available_usdt": shown(free.available_usdt),
        "reserved_usdt": shown(reserved),
    }
    return Denied(GuardReason.BALANCE_TAKEN, facts)


async def may_leave(connection: AsyncConnection) -> None:
    """Raises `TradingHalted`; otherwise trading is not halted before this transaction has ended."""
    await lock(connection, HALT, shared=True)
    if halt := await _halt(connection):
        raise TradingHalted(f"trading is halted by {halt['halted_by']}: {halt['halt_reason']}")


async def _halt(connection: AsyncConnection) -> dict[str, Any] | None:
    c = t.trading_halt.c
    row = (await connection.execute(select(c.reason, c.actor).where(c.halted))).first()
    return None if row is None else {"halted": True, "halt_reason": row.reason, "halted_by": row.actor}


async def _locked_loss(connection: AsyncConnection, intent: Intent, now_ms: int) -> dict[str, Any] | None:
    c = t.daily_loss.c
    query = select(*rows.DAILY_LOSS).where(
        c.exchange == intent.exchange, c.account == intent.account, c.day == utc_day(now_ms), c.locked
    )
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    loss = rows.daily_loss_of(row)
    return {
        "daily_locked": True,
        "daily_loss_usdt": str(loss.counted_usdt),
        "daily_limit_usdt": str(loss.limit_usdt),
    }


async def _under_way(connection: AsyncConnection, intent: Intent) -> Sequence[rows.AnyRow]:
    """Symbol, side, decision key, state, attempt and ticket of the others."""
    c = t.order_intent.c
    query = select(c.symbol, c.side, c.decision_key, c.state, c.attempt, c.ticket).where(
        c.exchange == intent.exchange,
        c.account == intent.account,
        c.state.in_(UNDER_WAY),
        c.decision_key != intent.decision_key,
    )
    return (await connection.execute(query)).all()


async def _held(connection: AsyncConnection, intent: Intent, now_ms: int) -> Denied | None:
    c = t.symbol_hold.c
    query = select(*rows.HOLD).where(
        c.exchange == intent.exchange, c.account == intent.account, c.symbol == intent.symbol
    )
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    hold = rows.hold_of(row)
    if hold.decision_key == intent.decision_key or not hold.in_force(now_ms):
        return None
    reason = GuardReason.SYMBOL_UNDER_WAY if hold.cause in BUSY else GuardReason.SYMBOL_COOLING_DOWN
    return Denied(reason, {"hold_cause": hold.cause, "hold_until": hold.until, "held_by": hold.decision_key})

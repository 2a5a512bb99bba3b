"""``process_tp_sl``: stops and targets of open positions are moved to where their real entries want them."""

from __future__ import annotations

from dataclasses import dataclass, field

from server.execution.desk import Desk
from server.execution.holding import Held
from server.execution.protection import realign
from server.orders.intent import Intent
from server.orders.reasons import TpSlReason
from server.run.shapes import SkippedPosition, TpSlAnswer


@dataclass(slots=True)
class Realigned:
    """Symbols whose stop or target was moved to where the real entry wants it, and those that were let be."""

    moved: list[str] = field(default_factory=list[str])
    skipped: dict[str, TpSlReason] = field(default_factory=dict[str, TpSlReason])

    def to_json(self) -> TpSlAnswer:
        """As in the answer of a run."""
        skipped: list[SkippedPosition] = [
            {"symbol": symbol, "reason": str(reason)} for symbol, reason in self.skipped.items()
        ]
        return {"moved": list(self.moved), "skipped": skipped}


async def realign_one(desk: Desk, intent: Intent, found: Held, answer: Realigned) -> None:
    """A position without a target, or with several, is let be."""
    if intent.state != "open" or found.position is None:
        return
    targets = sum(trigger.kind == "take_profit" for trigger in found.triggers)
    if targets != 1:
        several = TpSlReason.MULTIPLE_TP_ORDERS if targets else TpSlReason.NO_TP_ORDERS
        answer.skipped[intent.symbol] = several
    elif (await realign(desk, intent, found)).version != intent.version:
        answer.moved.append(intent.symbol)

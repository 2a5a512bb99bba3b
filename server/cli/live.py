"""Following the orders of a run in the terminal, from the verdict to the close."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from server.cli.orders import event_lines
from server.cli.output import Answer

if TYPE_CHECKING:
    from server.orders.intent import Intent
    from server.run.result import RunResult
    from server.service import Service

LOOK_SEC = 0.2
"""How often the orders are read."""

SPEED = 20.0
"""Recorded seconds per second where none is given: a candle passes in three."""


def placed(result: RunResult) -> list[str]:
    """Decision keys of the entries that this run began, whatever has come of them so far."""
    decisions = [answer["trading_decision"] for answer in result.symbols.values()]
    return [
        decision["decision_key"]
        for decision in decisions
        if decision is not None and decision["status"] in ("submitted", "pending")
    ]


@dataclass
class Following:
    """Orders that are followed. ``shown``: how many events of each have been printed."""

    service: Service
    keys: Sequence[str]
    shown: dict[str, int] = field(default_factory=dict[str, int])

    async def to_the_end(self, console: Answer | None) -> str | None:
        """Prints events as they come until every order is done; why it ended before that, if it did."""
        from server.orders.intent import FINAL

        while True:
            intents = await self.service.orders.many(self.keys)
            for intent in intents.values():
                await self._tell(intent, console)
            if len(intents) == len(self.keys) and all(i.state in FINAL for i in intents.values()):
                return None
            for venue in {intent.exchange for intent in intents.values()}:
                obstacle = self.service.venues[venue].orders_obstacle()
                if obstacle is not None:
                    return obstacle
            await asyncio.sleep(LOOK_SEC)

    async def left(self) -> list[Intent]:
        """Orders that are not done."""
        from server.orders.intent import FINAL

        return [i for i in (await self.service.orders.many(self.keys)).values() if i.state not in FINAL]

    async def journeys(self) -> list[Any]:
        """Every order with its events, in the types of JSON."""
        from server.overview.orders import journey, journey_json

        found = await self.service.orders.many(self.keys)
        return [journey_json(await journey(self.service.orders, found[k])) for k in self.keys if k in found]

    async def failed(self) -> bool:
        """Whether any order ended in an error."""
        found = await self.service.orders.many(self.keys)
        return any(intent.status == "error" for intent in found.values())

    async def _tell(self, intent: Intent, console: Answer | None) -> None:
        events = await self.service.orders.journey(intent.decision_key)
        new = events[self.shown.get(intent.decision_key, 0) :]
        self.shown[intent.decision_key] = len(events)
        if console is not None:
            for line in event_lines(new, events[0].at, intent.symbol):
                console.print(line, wrap=False)


def left_over(intents: Sequence[Intent], serve: str) -> list[str]:
    """What is still under way, and who goes on with it."""
    standing = ", ".join(f"{intent.symbol} {intent.state}" for intent in intents)
    return [f"still under way: {standing}", f"goes on with it: {serve}, or entrygate worker"]

"""The state of a paper account as the ledger keeps it: read as often as wanted, changed in turns."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.exchange.paper.ledger import Ledger
from server.exchange.paper.state import State, decode, encode


@dataclass(slots=True)
class StateTurn:
    """``state`` may be changed, or replaced, and is kept when the turn ends."""

    state: State


class Register:
    """``opening`` makes the state of an account that was never kept."""

    def __init__(self, ledger: Ledger, opening: Callable[[], State]) -> None:
        self._ledger = ledger
        self._opening = opening
        self._seen: tuple[str | None, State] = None, opening()

    async def read(self) -> State:
        """The state to look at; it is nobody's to change and does not change while it is looked at.

        The document is read every time, so no turn of any process is missed; it is decoded when it is new.
        """
        document = await self._ledger.read()
        kept, state = self._seen
        if document is None or document == kept:
            return state if document == kept else self._opening()
        state = decode(document)
        self._seen = document, state
        return state

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[StateTurn]:
        """An exclusive turn with a state of its own. Nothing of one that ends with an error is kept."""
        async with self._ledger.turn() as turn:
            state = self._opening() if turn.document is None else decode(turn.document)
            made = StateTurn(state)
            yield made
            turn.document = encode(made.state)
        self._seen = turn.document, made.state

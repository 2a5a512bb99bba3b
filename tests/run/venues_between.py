"""What stands between a run and what it works with, and does one thing otherwise: venues, and the rules."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from engine.candles import CandleSet, Timeframe
from engine.facts import Snapshot
from engine.ruleset.program import ProfileRules
from engine.verdict import VerdictBatch
from server.exchange.errors import VenueUnavailable
from server.exchange.port import Book, Exchange, OpenOrder, Position
from server.run.evaluation import Evaluation
from server.run.rules import RulesInForce
from server.run.runner import Runner
from server.service import Service


class Between:
    """Hands everything on."""

    def __init__(self, venue: Exchange) -> None:
        self.venue = venue

    def __getattr__(self, name: str) -> Any:
        return getattr(self.venue, name)


class Mute(Between):
    """Does not say what is open: ``positions``, ``orders`` or both."""

    def __init__(self, venue: Exchange, *lists: str) -> None:
        super().__init__(venue)
        self.lists = lists

    async def positions(self) -> Sequence[Position]:
        if "positions" in self.lists:
            raise VenueUnavailable("paper", "positions", "no route to the venue")
        return await self.venue.positions()

    async def open_orders(self) -> Sequence[OpenOrder]:
        if "orders" in self.lists:
            raise VenueUnavailable("paper", "open_orders", "no route to the venue")
        return await self.venue.open_orders()


class Slow(Between):
    """Never answers for one symbol, for ``candles`` or for ``book``."""

    def __init__(self, venue: Exchange, symbol: str, what: str) -> None:
        super().__init__(venue)
        self.symbol, self.what = symbol, what

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        if (symbol, "candles") == (self.symbol, self.what):
            await asyncio.Event().wait()
        return await self.venue.candles(symbol, timeframe, start_ms, end_ms)

    async def top_of_book(self, symbol: str, at_ms: int | None = None) -> Book:
        if (symbol, "book") == (self.symbol, self.what):
            await asyncio.Event().wait()
        return await self.venue.top_of_book(symbol, at_ms)


class SlowToDecide:
    """Decides as ever, but nothing that the named symbol is part of before `release`."""

    def __init__(self, decide: Callable[..., VerdictBatch]) -> None:
        self._decide, self._released = decide, threading.Event()
        self._symbol: str | None = None

    def __call__(self, symbol: str | None) -> None:
        """Which symbol it is from now on; None: none."""
        self._symbol = symbol

    def decide(self, rules: ProfileRules, source: Snapshot, *how: Any, **more: Any) -> VerdictBatch:
        if self._symbol in source.symbols:
            self._released.wait()
        return self._decide(rules, source, *how, **more)

    def release(self) -> None:
        self._released.set()


class Meanwhile(Between):
    """Something happens while the first candles are read."""

    def __init__(self, venue: Exchange, happens: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(venue)
        self.happens: Callable[[], Awaitable[Any]] | None = happens

    async def candles(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> CandleSet:
        happens, self.happens = self.happens, None
        if happens is not None:
            await happens()
        return await self.venue.candles(symbol, timeframe, start_ms, end_ms)


def another_runner(service: Service, venue: Any, *, looks: bool = False) -> Runner:
    """Another runner of the same service, on a venue of the test's own; it places orders if the service does,
    unless it ``looks`` only.
    """
    trading = None if looks else service.trading
    return Runner(
        RulesInForce(service.rulesets),
        service.journal,
        orders=service.orders,
        switches=service.switches,
        locks=service.run_locks,
        contracts=service.contracts,
        metrics=service.metrics,
        evaluation=Evaluation({"paper": venue}),
        distribution=None,
        dispatcher=None if trading is None else trading.dispatcher,
        align=None if trading is None else trading.operations.align,
        default_exchange=None,
        live=False,
    )

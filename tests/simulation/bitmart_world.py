"""The local BitMart server of one world, one client per process, and faults on both sides of the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

from aims import course_of
from course import OF_CRASHES, PAST_MINUTES, Aim, Course, Fault
from paper_world import Truth, covered
from venues.bitmart import DEMO_KEY, BitMart, Clock, Direct, Faults, matching
from venues.bitmart import closing as ends
from venues.bitmart.faults import Chosen
from venues.bitmart.state import CLOSE_LONG, CLOSE_SHORT, LONG, Order, opens

from server.exchange.bitmart import BitmartExchange, BitmartOptions, ReadRetries
from server.exchange.errors import VenueUnavailable
from server.exchange.port import Contract, Position
from server.exchange.trading import Fill, TriggerOrder
from server.execution.names import is_ours
from server.trade_entry.preflight import Market

if TYPE_CHECKING:
    from wire import Chaos
    from world import Process, World

SYMBOL = "BTCUSDT"

RATES = {
    "drop_before": 0.15,
    "drop_after": 0.15,
    "late": 0.1,
    "throttle": 0.1,
    "error_before": 0.1,
    "error_after": 0.1,
    "reject": 0.05,
    "duplicate_ack": 0.1,
    "cut": 0.05,
    "stale": 0.05,
    "delay": 0.05,
    "hide": 0.1,
    "partial_fill": 0.1,
    "presets_lost": 0.1,
}
"""Shares of the faults in what goes wrong; the world's own rate says how much does."""

OF_SUBMITS = ("duplicate_ack", "hide", "partial_fill", "presets_lost")

POINTS = (
    "submit-leverage",
    "submit-order",
    "submit-order",
    "cancel-order",
    "submit-tp-sl-order",
    "submit-tp-sl-order",
    "get-open-orders",
    "position-v2",
    "current-plan-order",
    "order-history",
    "trades",
)


REPLIES = (
    "drop_before",
    "drop_after",
    "throttle",
    "error_before",
    "error_after",
    "cut",
    "delay",
)
"""What can befall any request on its way back; the rest only some of them."""

OF_CHANGES = (*REPLIES, "late", "reject")
OF_CREATIONS = (*OF_CHANGES, "duplicate_ack", "hide")
CRASHES = ("crash_before", "crash_after")
"""Those of the process, which the wire makes: the server knows nothing of them."""

AT_SERVER: Mapping[str, Sequence[str]] = {
    "submit": (*OF_CREATIONS, "partial_fill", "presets_lost"),
    "leverage": OF_CHANGES,
    "stop": OF_CREATIONS,
    "target": OF_CREATIONS,
    "close": OF_CREATIONS,
    "cancel": (*OF_CHANGES, "market_first"),
    "amend": OF_CHANGES,
    "get-open-orders": (*REPLIES, "stale"),
    "position-v2": (*REPLIES, "stale"),
    "current-plan-order": (*REPLIES, "stale"),
    "order-history": (*REPLIES, "stale"),
    "trades": REPLIES,
    "assets-detail": REPLIES,
    "depth": REPLIES,
}
"""Steps by the wire's names and, where they only read, by those of their endpoints."""

STEPS = ("submit", "leverage", "stop", "target", "close", "cancel", "amend")

PAIRS: tuple[Aim, ...] = (
    *(Aim(step, fault) for step, faults in AT_SERVER.items() for fault in faults),
    *(Aim(step, fault) for step in STEPS for fault in CRASHES),
)
"""Every step with every fault that can befall it there."""

ENTERS = {"long": 1, "short": 4}
EXITS = {"long": 3, "short": 2}


def step_of(endpoint: str, params: Mapping[str, Any]) -> str:
    """What a request does, by the names of `AT_SERVER`."""
    if endpoint == "submit-order":
        return "submit" if params.get("side") in ENTERS.values() else "close"
    if endpoint == "submit-tp-sl-order":
        return "stop" if params.get("type") == "stop_loss" else "target"
    others = {"submit-leverage": "leverage", "cancel-order": "cancel", "modify-tp-sl-order": "amend"}
    return others.get(endpoint, endpoint)


class _VenueClock(Clock):
    """The world's clock as the server reads it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._clock = world.clock

    def now_ms(self) -> int:
        return self._clock.now_ms()


class _Faults(Faults):
    """The server's own, which are counted with those of the wire. ``race`` comes before a cancellation."""

    def __init__(self, chaos: Chaos, race: Callable[[str], None]) -> None:
        super().__init__()
        self._chaos, self._race = chaos, race

    def choose(self, endpoint: str, method: str, params: Any) -> Chosen:
        chosen, step = super().choose(endpoint, method, params), step_of(endpoint, params)
        for name in filter(None, chosen.label.split("+")):
            self._chaos.fired[f"{step} {name}"] += 1
            self._chaos.excuse(12.0)
        if step == "cancel":
            self._race(str(params.get("client_order_id", "")))
        return chosen


class BitmartSide:
    """The server and whoever stands beside it."""

    name = "bitmart"
    secrets = (DEMO_KEY.secret, DEMO_KEY.memo)
    of_changes: tuple[Fault, ...] = OF_CRASHES
    of_reads: tuple[Fault, ...] = OF_CRASHES

    @staticmethod
    def drawn(seed: int) -> Course:
        """The world of this seed."""
        return course_of(seed, PAIRS)

    def __init__(self, world: World) -> None:
        self._world = world
        self.server = BitMart(usdt="1000", clock=_VenueClock(world), limits=False)
        self.server.faults = _Faults(world.chaos, self._race)
        self.account = self.server.venue.account()
        self.hands = Hands(self)
        self._races = 1 if world.course.aim == Aim("cancel", "market_first") else 0
        if world.course.volume < 1:
            self.server.faults.plan("partial_fill", "submit-order", share=Decimal("0.5"))

    async def begin(self) -> None:
        """Sets the first price, asks for what a plan needs while nothing goes wrong, and plans the faults."""
        course = self._world.course
        self._set(course.rows[PAST_MINUTES - 1][4])
        venue = self.connect(None)
        await venue.open()
        contract = (await venue.contracts())[SYMBOL]
        assert isinstance(contract, Contract)
        self.market = Market(contract, await venue.top_of_book(SYMBOL), await venue.balance())
        rng, faults = course.rng, self.server.faults
        if course.aim is not None:
            self._plan(course.aim)
        if course.rate:
            faults.randomly(course.seed, {k: v * course.rate for k, v in RATES.items()}, largest_ms=4000)
        for _ in course.points:
            kind: Any = rng.choice(list(RATES))
            faults.plan(
                kind,
                rng.choice(POINTS) if kind not in OF_SUBMITS else "submit-order",
                after=rng.choice((0, 0, 0, 1, 3)),
                times=rng.choice((1, 1, 2, 6)),
                ms=rng.randrange(200, 4500),
                reads=rng.choice((1, 2)),
                code=rng.choice((40012, 40043, 40044, 42000)),
            )

    def _plan(self, aim: Aim) -> None:
        """The fault it is aimed at, and what leads there: an entry without its stop, one that is refused."""
        course, faults, rng = self._world.course, self.server.faults, self._world.rng
        enters = {"side": ENTERS[course.side]}
        if aim.step in ("stop", "close"):
            faults.plan("presets_lost", "submit-order", match=enters, times=9)
        if aim.step == "close":
            faults.refuse_stop(times=60)
        if aim.fault in CRASHES or aim.fault == "market_first":
            return
        endpoint, match = {
            "submit": ("submit-order", enters),
            "close": ("submit-order", {"side": EXITS[course.side]}),
            "stop": ("submit-tp-sl-order", {"type": "stop_loss"}),
            "target": ("submit-tp-sl-order", {"type": "take_profit"}),
            "leverage": ("submit-leverage", {}),
            "cancel": ("cancel-order", {}),
            "amend": ("modify-tp-sl-order", {}),
        }.get(aim.step, (aim.step, {}))
        kind: Any = aim.fault
        faults.plan(
            kind,
            endpoint,
            match=match,
            times=rng.choice((1, 1, 2, 4)),
            ms=rng.randrange(200, 4500),
            reads=rng.choice((1, 2)),
            code=rng.choice((40012, 40043, 40044, 42000)),
            ending=rng.choice(("timeout", "disconnect")),
            html=rng.random() < 0.3,
        )

    def _race(self, name: str) -> None:
        """The market comes to an order while the request to cancel it is on its way."""
        order = self.account.client_ids.get(name)
        if not self._races or not isinstance(order, Order) or not order.is_open or order.price is None:
            return
        self._races -= 1
        share = self._world.rng.choice((Decimal("0.3"), Decimal(1)))
        size = int((order.remaining * share).to_integral_value(ROUND_FLOOR))
        matching.execute(self.server.venue, self.account, order, order.price, size, maker=True)
        self._world.chaos.fired["cancel market_first"] += 1
        self._world.chaos.excuse(12.0)

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.server.faults.clear()

    def connect(self, process: Process | None) -> BitmartExchange:
        """A client of its own, as every process has one."""
        loop = self._world.loop
        return BitmartExchange(
            BitmartOptions(
                base_url="http://bitmart",
                api_key=DEMO_KEY.access,
                secret=DEMO_KEY.secret,
                memo=DEMO_KEY.memo,
                rate_factor=1000.0,
                receive_window_ms=6_000,
                retries=ReadRetries(first_wait_sec=0.1, longest_wait_sec=0.5, jitter_sec=0.0),
                transport=Direct(self.server),
                wall_sec=lambda: self._world.clock.now_ms() / 1000,
                monotonic_sec=loop.time,
            )
        )

    async def opened(self, venue: Any) -> None:
        """What a process does with its client first."""
        try:
            await venue.open()
        except VenueUnavailable as error:
            self._world.note(f"not opened: {error}")

    async def minute(self) -> None:
        """The market goes through the candle that is over."""
        self.server.run_due()
        now = self._world.clock.now_ms()
        candle = next((row for row in reversed(self._world.course.rows) if row[0] + 60_000 <= now), None)
        if candle is None or candle[0] + 120_000 <= now:
            return
        _, opened, high, low, close, _ = candle
        path = (opened, low, high, close) if close >= opened else (opened, high, low, close)
        for price in path:
            self._set(price)

    def _set(self, price: float) -> None:
        exact = Decimal(str(price))
        self.server.venue.set_price(SYMBOL, exact, last=exact, mark=exact)

    async def truth(self) -> Truth:
        self.server.run_due()
        account, now = self.account, self._world.clock.now_ms()
        positions = tuple(_position(p, now) for p in account.positions.values() if p.amount)
        triggers = tuple(_trigger(p) for p in account.waiting.values())
        return Truth(
            tuple(o.client_order_id for o in account.open_orders.values() if opens(o.side)),
            positions,
            triggers,
            tuple((p.symbol, p.side) for p in positions if not covered(p, triggers)),
        )

    async def order(self, name: str) -> object | None:
        return self.account.client_ids.get(name)

    async def fills(self) -> list[Fill]:
        return [
            Fill(
                symbol=t.symbol,
                order_id=str(t.order_id),
                client_order_id=t.client_order_id,
                side="long" if t.side in (1, 3) else "short",
                closes=not opens(t.side),
                price=t.price,
                size=Decimal(t.size),
                fee_usdt=t.fee,
                realised_pnl_usdt=t.profit,
                at_ms=t.at_ms,
            )
            for t in self.account.trades
        ]

    def problems(self) -> list[str]:
        """What the server has to complain about."""
        journal = self.server.journal
        found = [f"undocumented parameters: {dict(journal.undocumented)}"] if journal.undocumented else []
        return found + ([f"{journal.without_id} orders without an id"] if journal.without_id else [])


def _position(p: Any, now: int) -> Position:
    side = "long" if p.kind == LONG else "short"
    zero = Decimal(0)
    return Position(
        p.symbol, side, Decimal(p.amount), p.average, p.average, p.leverage, p.margin, zero, None, now
    )


def _trigger(p: Any) -> TriggerOrder:
    return TriggerOrder(
        symbol=p.symbol,
        order_id=str(p.order_id),
        client_order_id=p.client_order_id,
        kind="stop_loss" if p.kind == "stop_loss" else "take_profit",
        side="long" if p.side == CLOSE_LONG else "short",
        trigger_price=p.trigger,
        size=None if p.size is None else Decimal(p.size),
        created_at_ms=p.created_ms,
    )


class Hands:
    """What the market, or a person at the venue, does out of turn."""

    def __init__(self, side: BitmartSide) -> None:
        self._side = side

    async def fill(self, name: str, share: Decimal) -> None:
        """Fills a share of what is open of an order, at its limit."""
        venue, account = self._side.server.venue, self._side.account
        order = account.client_ids.get(name)
        if isinstance(order, Order) and order.is_open and order.price is not None:
            size = int((order.remaining * share).to_integral_value(ROUND_FLOOR))
            if size:
                matching.execute(venue, account, order, order.price, size, maker=True)

    async def take_stop(self) -> None:
        """Somebody takes every stop away."""
        for plan in [p for p in self._side.account.waiting.values() if p.kind == "stop_loss"]:
            ends.drop(self._side.server.venue, self._side.account, plan, "cancelled")

    async def move_stop(self, by: Decimal) -> None:
        """Somebody moves every stop."""
        for plan in self._side.account.waiting.values():
            if plan.kind == "stop_loss":
                plan.trigger += by

    async def lose_order(self) -> None:
        """The venue ends an entry order by itself."""
        for order in list(self._side.account.open_orders.values()):
            if is_ours(order.client_order_id):
                ends.finish(self._side.server.venue, self._side.account, order)

    async def forget_order(self) -> None:
        """The venue knows nothing of an entry order any more."""
        account = self._side.account
        for order in list(account.open_orders.values()):
            if not order.deal_size:
                del account.open_orders[order.order_id], account.orders[order.order_id]

    async def close(self) -> None:
        """Somebody closes every position."""
        venue, account = self._side.server.venue, self._side.account
        for position in [p for p in account.positions.values() if p.amount]:
            now = venue.clock.now_ms()
            side = CLOSE_LONG if position.kind == LONG else CLOSE_SHORT
            order = Order(
                venue.new_id(), f"hand{now}", position.symbol, side, "market", 1, position.amount, None,
                position.leverage, position.open_type, now, now,
            )  # fmt: skip
            matching.place(venue, account, order)

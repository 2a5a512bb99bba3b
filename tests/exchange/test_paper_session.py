"""A running clock that processes share: what a restart continues, and what begins anew."""

from __future__ import annotations

from decimal import Decimal

import pytest
from conformance_trader import accepted, new_id

from server.exchange.paper import Ledger, MemoryLedger, PaperExchange, PaperOptions
from server.exchange.paper.errors import SessionInUse
from server.exchange.paper.session import Others
from server.exchange.trading import EntryOrder
from server.instants import at, iso

START_MS = at("2025-06-01T00:00:00Z")
SYMBOL = "BTCUSDT"


class World:
    """Real time, moved by hand: what every process of this machine reads."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.seconds = 1_000.0

    async def process(
        self,
        *,
        others: Others = "nobody",
        adopts: bool = False,
        follows: bool = False,
        start_ms: int = START_MS,
        speed: float = 60,
    ) -> PaperExchange:
        """A venue as a new process makes it; its monotonic clock has nothing to do with that of others."""
        born = self.seconds
        venue = PaperExchange(
            PaperOptions() if follows else PaperOptions(start_ms=start_ms, speed=speed),
            lambda: self.seconds - born,
            ledger=self.ledger,
            unix=lambda: self.seconds + 1.7e9,
            follows=follows,
        )
        await venue.open(others=others, adopts=adopts)
        return venue


@pytest.fixture
def world() -> World:
    return World(MemoryLedger())


async def stake(venue: PaperExchange) -> EntryOrder:
    """A limit order well below the market."""
    book = await venue.top_of_book(SYMBOL)
    order = EntryOrder(
        symbol=SYMBOL,
        client_order_id=new_id(),
        side="long",
        type="limit",
        size=Decimal(1),
        price=book.bid - 4000,
        time_in_force="post_only",
        leverage=5,
        margin_mode="isolated",
    )
    accepted(await venue.submit(order))
    return order


async def test_a_restart_with_something_at_stake_goes_on_where_the_clock_would_be(world: World) -> None:
    first = await world.process()
    assert first.session_note == "a paper session begins at 2025-06-01T00:00:00Z with 1000 USDT"
    world.seconds += 60
    order = await stake(first)
    world.seconds += 60
    again = await world.process()
    assert again.session_note == (
        "the paper session that began at 2025-06-01T00:00:00Z goes on at 2025-06-01T02:00:00Z "
        "with 1 open order and 0 positions"
    )
    assert iso(await again.now_ms()) == iso(await first.now_ms()) == "2025-06-01T02:00:00Z"
    assert await again.order(SYMBOL, order.client_order_id) is not None


async def test_a_restart_with_nothing_at_stake_begins_anew(world: World) -> None:
    first = await world.process()
    world.seconds += 60
    order = await stake(first)
    accepted(await first.cancel(SYMBOL, order.client_order_id))
    again = await world.process()
    assert await again.now_ms() == START_MS
    assert await again.order(SYMBOL, order.client_order_id) is None
    # Who was there follows: the account and its clock are one.
    await first.open_orders()
    assert await first.now_ms() == START_MS


async def test_who_joins_takes_the_clock_that_runs(world: World) -> None:
    first = await world.process()
    world.seconds += 60
    beside = await world.process(others="somebody")
    assert iso(await beside.now_ms()) == "2025-06-01T01:00:00Z"
    order = await stake(first)
    assert await beside.order(SYMBOL, order.client_order_id) is not None


async def test_another_start_gives_up_what_was_at_stake_and_says_so(world: World) -> None:
    await stake(await world.process())
    other = await world.process(speed=30)
    assert other.session_note == (
        "a paper session begins at 2025-06-01T00:00:00Z with 1000 USDT; "
        "the one before is given up with 1 open order and 0 positions"
    )
    assert not await other.open_orders()


@pytest.mark.parametrize(("start_ms", "speed"), [(START_MS, 30.0), (START_MS + 60_000, 60.0)])
async def test_a_session_that_somebody_is_in_is_not_begun_anew_under_them(
    world: World, start_ms: int, speed: float
) -> None:
    first = await world.process()
    world.seconds += 60
    for others in ("perhaps", "somebody"):
        with pytest.raises(SessionInUse, match="another process is in the paper session that began at 2025"):
            await world.process(others=others, start_ms=start_ms, speed=speed)
    assert iso(await first.now_ms()) == "2025-06-01T01:00:00Z"
    order = await stake(first)
    worker = await world.process(adopts=True, others="somebody", start_ms=start_ms, speed=speed)
    assert await worker.order(SYMBOL, order.client_order_id) is not None
    assert iso(await worker.now_ms()) == "2025-06-01T01:00:00Z"


async def test_whether_somebody_lives_matters_only_where_nothing_is_at_stake(world: World) -> None:
    first = await world.process()
    with pytest.raises(SessionInUse):
        await world.process(others="perhaps")
    order = await stake(first)
    again = await world.process(others="perhaps")
    assert await again.order(SYMBOL, order.client_order_id) is not None


async def test_who_follows_is_in_whatever_session_there_is(world: World) -> None:
    follower = await world.process(follows=True)
    assert iso(await follower.now_ms()) == "2025-06-03T15:32:00Z"
    assert not await follower.in_session() and not await follower.at_stake()
    for speed in (60.0, 30.0):
        first = await world.process(speed=speed)
        world.seconds += 60
        order = await stake(first)
        assert await follower.now_ms() == await first.now_ms() == START_MS + speed * 60_000
        assert await follower.in_session() and await follower.at_stake()
        assert await follower.order(SYMBOL, order.client_order_id) is not None
        accepted(await follower.cancel(SYMBOL, order.client_order_id))
        assert not await follower.at_stake()


async def test_a_session_whose_recording_has_ended_is_not_continued(world: World) -> None:
    first = await world.process()
    await stake(first)
    world.seconds += 10 * 86_400
    obstacle = first.orders_obstacle()
    assert obstacle is not None and "the recording has ended at 2025-06-03T15:32:00Z" in obstacle
    again = await world.process()
    assert await again.now_ms() == START_MS
    assert again.orders_obstacle() is None


async def test_a_shared_clock_has_to_be_opened(world: World) -> None:
    venue = PaperExchange(PaperOptions(start_ms=START_MS), ledger=world.ledger)
    with pytest.raises(RuntimeError, match=r"await venue\.open\(\)"):
        await venue.balance()


async def test_a_standing_clock_leaves_the_ledger_alone(world: World) -> None:
    await stake(await world.process())
    standing = PaperExchange(PaperOptions(), ledger=world.ledger)
    await standing.open()
    assert not await standing.open_orders()
    assert len(await (await world.process()).open_orders()) == 1

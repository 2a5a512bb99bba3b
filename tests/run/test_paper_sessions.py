"""One paper session after another in one database, and entries whose process died as it handed them over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from server.exchange.paper import PaperExchange
from server.execution.submission import Submission
from server.execution.workflow import WORKFLOW, begin
from server.instants import at
from server.orders.store import Orders
from server.run.request import RunRequest
from server.service import Service, service
from server.settings import Settings

FILLS = at("2025-06-02T17:56:00Z")
ANOTHER = at("2025-06-02T18:40:00Z")


async def reaches(orders: Orders, key: str, state: str) -> None:
    """Waits until an entry is in a state."""
    for _ in range(900):
        known = (await orders.many([key])).get(key)
        if known is not None and known.state == state:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{key} is not {state}")


async def entered(opened: Service, symbol: str) -> dict[str, Any]:
    request = RunRequest(actor="test", symbols=(symbol,), dry_run=False, may_trade=True)
    return dict((await opened.runner.run(request)).symbols[symbol]["trading_decision"] or {})


async def test_a_session_that_is_given_up_takes_its_orders_with_it(
    settings: Settings, golden: SnapshotAssertion
) -> None:
    """A position of the old session neither blocks its symbol nor takes a place in the new one."""
    first = settings.model_copy(update={"paper_start": FILLS, "paper_speed": 10.0})
    async with service(first, trades=True) as opened:
        key = (await entered(opened, "AVAXUSDT"))["decision_key"]
        await reaches(opened.orders, key, "open")
    second = settings.model_copy(update={"paper_start": ANOTHER, "paper_speed": 10.0})
    async with service(second, trades=True) as opened:
        intent = await opened.orders.intent(key)
        last = (await opened.orders.journey(key))[-1]
        assert {
            "state": intent.state,
            "status": intent.status,
            "reason": intent.reason,
            "event": last.kind,
            "details": dict(last.details),
        } == golden
        assert await opened.orders.under_way("paper", "main") == ()
        assert await opened.orders.holds("paper", "main", ANOTHER) == ()
        result = await opened.runner.run(RunRequest(actor="test", symbols=("AVAXUSDT",)))
        assert result.run.excluded == ()


async def test_a_session_that_goes_on_keeps_its_orders(settings: Settings) -> None:
    running = settings.model_copy(update={"paper_start": FILLS, "paper_speed": 10.0})
    async with service(running, trades=True) as opened:
        key = (await entered(opened, "AVAXUSDT"))["decision_key"]
        await reaches(opened.orders, key, "open")
    async with service(running, trades=True) as opened:
        assert (await opened.orders.intent(key)).reason != "session_given_up"


async def handed_over(opened: Service, symbol: str, patch: pytest.MonkeyPatch) -> Submission:
    """What a live run hands over for a READY symbol; nothing is done with it."""
    assert opened.trading is not None
    submissions: list[Submission] = []

    async def only_listen(submission: Submission) -> dict[str, Any]:
        submissions.append(submission)
        raise asyncio.CancelledError

    with patch.context() as patched:
        patched.setattr(opened.trading.dispatcher, "enter", only_listen)
        await asyncio.wait([asyncio.create_task(entered(opened, symbol))])
    (submission,) = submissions
    return submission


async def test_a_session_that_an_entry_was_begun_in_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process died before anything left: the session is the same for who takes it up."""
    running = settings.model_copy(update={"paper_start": FILLS, "paper_speed": 10.0})
    async with service(running, trades=True) as opened:
        submission = await handed_over(opened, "AVAXUSDT", monkeypatch)
        await begin(opened.orders, submission)
        first = traded(opened).session_began_ms
    async with service(running, trades=True) as opened:
        assert traded(opened).session_began_ms == first
        intent = await opened.orders.intent(submission.decision_key)
        assert intent.reason != "session_given_up"


def traded(opened: Service) -> PaperExchange:
    venue = opened.venues["paper"]
    assert isinstance(venue, PaperExchange)
    return venue


async def test_an_entry_that_was_handed_over_is_decided_whoever_lives(
    trading: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died after it had handed the workflow over, and before it stored the intent."""
    assert trading.trading is not None
    dispatcher, durable = trading.trading.dispatcher, trading.trading.durable
    submission = await handed_over(trading, "SUIUSDT", monkeypatch)
    key = submission.decision_key
    assert await trading.orders.many([key]) == {}
    await durable.start(WORKFLOW, key, submission.to_json())
    await reaches(trading.orders, key, "resting")
    again = await dispatcher.enter(submission)
    assert (again["status"], again["reason"]) == ("skipped", "duplicate_decision_key")

"""One golden file per reason code of trade entry: the whole outward decision, and the simulated one."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion
from test_trade_entry_reasons import CASES, Case, outcome
from trade_entry_bench import btc_facts, decided, settings, signal, venue

FIRST_OF_EACH = {case.blocked_by or case.reason: case for case in reversed(CASES)}


@pytest.mark.parametrize("code", sorted(FIRST_OF_EACH))
async def test_decision(code: str, golden: SnapshotAssertion) -> None:
    case: Case = FIRST_OF_EACH[code]
    assert (await outcome(case)).to_json() == golden


async def test_exception_during_trade_entry(golden: SnapshotAssertion) -> None:
    broken = venue(top=RuntimeError("a detail that stays in the log"))
    decision = await decided(signal(), btc_facts(), settings(), broken)
    assert decision.to_json() == golden


async def test_simulated(golden: SnapshotAssertion) -> None:
    decision = await decided(signal(), btc_facts(), settings(), venue())
    assert decision.to_json() == golden

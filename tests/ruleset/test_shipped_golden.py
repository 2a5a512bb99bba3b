"""What the shipped rules say as a whole: the table of reasons, and the profile in force with its origins."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from engine.ruleset import Ruleset, load
from server.fixed_code import FIXED_CODE
from server.settings import shipped_rules


@pytest.fixture(scope="module")
def shipped() -> Ruleset:
    return load(shipped_rules(), FIXED_CODE)


def test_reasons(shipped: Ruleset, golden: SnapshotAssertion) -> None:
    assert {code: reason.model_dump() for code, reason in sorted(shipped.reasons.items())} == golden


def test_effective_scalper_micro(shipped: Ruleset, golden: SnapshotAssertion) -> None:
    values = shipped.effective("scalper_micro")
    assert {v.path: f"{v.value}  ({f'{v.file}:{v.line}' if v.file else 'engine'})" for v in values} == golden

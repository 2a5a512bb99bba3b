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


@pytest.mark.parametrize("profile", ["regular", "scalper", "scalper_micro", "crash"])
def test_effective(shipped: Ruleset, golden: SnapshotAssertion, profile: str) -> None:
    values = shipped.effective(profile)
    assert {v.path: f"{v.value}  ({f'{v.file}:{v.line}' if v.file else 'engine'})" for v in values} == golden


def test_every_profile_has_its_golden_file(shipped: Ruleset) -> None:
    assert set(shipped.profiles) == {"regular", "scalper", "scalper_micro", "crash"}

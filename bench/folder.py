"""The shipped rules, as benchmarks use them."""

from __future__ import annotations

from pathlib import Path

from engine.ruleset import Profile, load
from server.fixed_code import FIXED_CODE

RULES = Path(__file__).resolve().parent.parent / "rules"


def profile() -> Profile:
    """The default profile."""
    ruleset = load(RULES, FIXED_CODE)
    return ruleset.profiles[ruleset.default_profile]

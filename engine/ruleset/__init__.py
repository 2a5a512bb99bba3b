"""A folder of YAML documents, loaded, linked, checked and fingerprinted; the last good one is kept."""

from engine.ruleset.described import Described, described
from engine.ruleset.effective import EffectiveValue
from engine.ruleset.fixed_code import VERDICT, FixedCode
from engine.ruleset.folder import DocumentCache
from engine.ruleset.profile import Canonical, Profile, canonical_json
from engine.ruleset.ruleset import Ruleset, RulesetError, build, load
from engine.ruleset.store import RulesetStore

__all__ = [
    "VERDICT",
    "Canonical",
    "Described",
    "DocumentCache",
    "EffectiveValue",
    "FixedCode",
    "Profile",
    "Ruleset",
    "RulesetError",
    "RulesetStore",
    "build",
    "canonical_json",
    "described",
    "load",
]

"""The catalogue of conditions as an operator sees it: filtered, in the shape of the API and ``--json``."""

from __future__ import annotations

from collections.abc import Iterable

from engine.ruleset import Described, Ruleset
from server.overview.shapes import ConditionEntry


def select(known: Iterable[Described], *, profile: str | None, fact: str | None) -> list[Described]:
    """Those that a profile uses, and that read a fact, on whatever timeframe."""
    return [
        entry
        for entry in known
        if (profile is None or any(use.profile == profile for use in entry.uses))
        and (fact is None or fact in {plain_name(read) for read in entry.facts})
    ]


def facts_read(ruleset: Ruleset, known: Iterable[Described]) -> frozenset[str]:
    """Every fact that a condition reads, or could."""
    return frozenset(ruleset.facts.facts) | {plain_name(read) for entry in known for read in entry.facts}


def plain_name(fact: str) -> str:
    """A fact's name without the timeframe that it is read on."""
    return fact.partition("[")[0]


def condition_json(entry: Described) -> ConditionEntry:
    """One condition."""
    return {
        "name": entry.name,
        "summary": entry.summary,
        "formula": entry.formula,
        "composed": entry.composed,
        "requires": entry.requires,
        "parameters": [
            {
                "name": name,
                "default": parameter.default,
                "unit": parameter.unit,
                "minimum": parameter.minimum,
                "maximum": parameter.maximum,
                "by_timeframe": {str(tf): value for tf, value in parameter.by_timeframe.items()},
            }
            for name, parameter in entry.params.items()
        ],
        "facts": list(entry.facts),
        "used_by": [
            {"profile": use.profile, "places": list(use.places), "through": list(use.through)}
            for use in entry.uses
        ],
        "file": entry.file,
        "line": entry.line,
    }

"""A share of a run as it travels between processes: what is to be decided, and what came of it, as JSON.

What was decided travels as the journal stores it: facts and outcomes as columns, from which the verdicts are
made again; a share that does not come out as it was decided is refused.
"""

from __future__ import annotations

import base64
import struct
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from engine.ruleset import Profile
from engine.verdict import ProfileRules, VerdictBatch
from engine.verdict.stage_facts import in_force
from server.durable import Json
from server.journal import codec
from server.journal.columns import StoredTimeframe, contents, redecide, stored_timeframe
from server.journal.errors import NotRestorable
from server.journal.walk_columns import WALK, StoredWalk, stored_walk
from server.run.evaluation import Work
from server.run.judged import Failure, Findings, Judged
from server.run.switched_off import rows_off


def work_json(work: Work, fingerprint: str) -> dict[str, Json]:
    """``fingerprint``: under which the profile is kept."""
    return {
        "venue": work.venue,
        "fingerprint": fingerprint,
        "symbols": list(work.symbols),
        "as_of_ms": work.as_of_ms,
        "mode": work.mode,
        "limit_sec": work.limit_sec,
        "most_requests": work.most_requests,
        "timeframes_off": [list(one) for one in sorted(work.timeframes_off)],
    }


def work_of(described: Any, profile: Profile) -> Work:
    """The work that ``work_json`` described, by one worker."""
    return Work(
        venue=described["venue"],
        profile=profile,
        symbols=tuple(described["symbols"]),
        as_of_ms=described["as_of_ms"],
        mode=described["mode"],
        workers=1,
        limit_sec=described["limit_sec"],
        most_requests=described["most_requests"],
        timeframes_off=frozenset((symbol, timeframe) for symbol, timeframe in described["timeframes_off"]),
    )


def findings_json(findings: Findings) -> Json:
    """Verdicts and failures of a share."""
    batches: dict[int, VerdictBatch] = {id(one.batch): one.batch for one in findings.judged.values()}
    return cast(
        "Json",
        {
            "batches": [_batch_json(batch) for batch in batches.values()],
            "failures": [asdict(failure) for failure in findings.failures.values()],
        },
    )


def findings_of(answer: Any, work: Work) -> Findings:
    """What ``findings_json`` made of this work. Raises ``JournalError`` where it does not come out as it was
    decided, is about other switches, or cannot be read, as from another version.
    """
    judged: dict[str, Judged] = {}
    try:
        for part in answer["batches"]:
            batch = _batch_of(part, work.profile.rules, work.as_of_ms, work.mode)
            _compare_switches(batch, work)
            for row, symbol in enumerate(batch.symbols):
                judged[symbol] = Judged(batch.verdict(row), batch, row)
        failures = [Failure(**failure) for failure in answer["failures"]]
    except (LookupError, TypeError, ValueError, AttributeError, struct.error) as error:
        raise NotRestorable(f"the share cannot be read: {type(error).__name__}: {error}") from error
    return Findings(judged, {one.symbol: one for one in failures if one.symbol is not None})


def _compare_switches(batch: VerdictBatch, work: Work) -> None:
    """A share that was decided as if a timeframe were on does not count."""
    wanted = in_force(work.profile.rules, rows_off(batch.symbols, work.timeframes_off))
    same = wanted.keys() == batch.switched_off.keys()
    if not same or any(not np.array_equal(wanted[tf], batch.switched_off[tf]) for tf in wanted):
        raise NotRestorable("the share was decided with other timeframes switched off")


def _batch_json(batch: VerdictBatch) -> dict[str, Any]:
    return {
        "symbols": list(batch.symbols),
        "columns": [
            [part.timeframe, part.layout.decode(), base64.b64encode(codec.compress(part.columns)).decode()]
            for part in contents(batch)
        ],
    }


def _batch_of(part: Any, rules: ProfileRules, as_of_ms: int, mode: str) -> VerdictBatch:
    symbols = tuple(part["symbols"])
    walk: StoredWalk | None = None
    timeframes: list[StoredTimeframe] = []
    for timeframe, layout, columns in part["columns"]:
        content = codec.expand(base64.b64decode(columns))
        if timeframe == WALK:
            walk = stored_walk(layout.encode(), content, len(symbols))
        else:
            timeframes.append(stored_timeframe(timeframe, layout.encode(), content))
    return redecide(rules, symbols, as_of_ms, mode, timeframes, walk)

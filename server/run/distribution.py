"""Shares of a run decided by any process: on a shared database they wait for the first that takes them.

A share changes nothing and can be decided by whoever comes first, the process of the run included. One that
nobody takes in time, or that does not come out, is decided where the run is. So a run ends with the same
answer whatever happens to the others.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, cast

import structlog

from server.durable import Done, Durable, DurableError, Json, Outcome, Running, Steps
from server.exchange.errors import ExchangeError
from server.instants import iso, machine_ms
from server.journal import JournalError
from server.journal.rulesets import Rulesets
from server.run.evaluation import Evaluation, Work
from server.run.judged import Failure, Findings, Judged
from server.run.share import findings_json, findings_of, work_json, work_of
from server.run.verdicts import shares

SHARE = "run_share"
"""Name of the workflow."""

TAKEN_WITHIN_SEC = 3.0
"""How long a share waits for somebody."""

ASK_SEC = 0.5

log = structlog.get_logger(__name__)


class Refused(Exception):
    """A share that this process cannot decide as the run would; says why."""


class Sharer:
    """Decides shares that other processes, or this one, have left in the queue."""

    def __init__(self, evaluation: Evaluation, rulesets: Rulesets) -> None:
        self._evaluation, self._rulesets = evaluation, rulesets

    async def __call__(self, steps: Steps, argument: Json) -> Json:
        """The workflow: what was found, or why it was not looked for."""
        share = cast("dict[str, Any]", argument)
        try:
            findings = await self._decided(share)
        except (Refused, ExchangeError, JournalError) as error:
            log.warning("run.share_refused", share=steps.workflow_id, cause=str(error))
            return {"refused": str(error)}
        log.info("run.share_decided", share=steps.workflow_id, symbols=len(share["work"]["symbols"]))
        answer = await asyncio.to_thread(findings_json, findings)
        return {"found": answer}

    async def _decided(self, share: dict[str, Any]) -> Findings:
        if machine_ms() > share["until"]:
            raise Refused(f"it waited until {iso(share['until'])} only")
        described = share["work"]
        if described["venue"] not in self._evaluation.venues:
            raise Refused(f"there is no exchange '{described['venue']}' here")
        work = work_of(described, await self._rulesets.profile(described["fingerprint"]))
        market = await self._evaluation.candles(work)
        if market.known_ms != share["known_ms"]:
            raise Refused(f"candles are known until {iso(market.known_ms)} here")
        return await self._evaluation.verdicts(work, market)


class Distribution:
    """Splits the work of a run and collects what comes of it."""

    def __init__(self, durable: Durable, evaluation: Evaluation, rulesets: Rulesets) -> None:
        self._durable, self._evaluation, self._rulesets = durable, evaluation, rulesets

    async def findings(self, run_id: str, work: Work, done: Callable[[int], None]) -> Findings:
        """Of every symbol, in the order of the work. Raises ``ExchangeError`` if the venue has no clock."""
        known_ms = min(work.as_of_ms, await self._evaluation.venues[work.venue].now_ms())
        parts = [work.about(symbols) for symbols in shares(work.symbols, work.workers)]
        once = secrets.token_hex(4)
        asked = (self._one(f"{run_id}.{once}.{n}", part, known_ms, done) for n, part in enumerate(parts))
        found = await asyncio.gather(*asked)
        judged: dict[str, Judged] = {}
        failures: dict[str, Failure] = {}
        for findings in found:
            judged |= findings.judged
            failures |= findings.failures
        return Findings(judged, failures)

    async def _one(self, key: str, part: Work, known_ms: int, done: Callable[[int], None]) -> Findings:
        try:
            findings = await self._elsewhere(key, part, known_ms)
        except (Refused, DurableError, JournalError) as error:
            log.warning("run.share_not_taken", share=key, cause=str(error))
            market = await self._evaluation.candles(part)
            return await self._evaluation.verdicts(part, market, done)
        done(len(part.symbols))
        return findings

    async def _elsewhere(self, key: str, part: Work, known_ms: int) -> Findings:
        now_ms = machine_ms()
        fingerprint = await self._rulesets.keep(part.profile, now_ms)
        until = now_ms + int(TAKEN_WITHIN_SEC * 1000)
        share: Json = {"work": work_json(part, fingerprint), "known_ms": known_ms, "until": until}
        await self._durable.enqueue(SHARE, key, share)
        outcome = await self._outcome(key)
        if not isinstance(outcome, Done):
            nobody = isinstance(outcome, Running)
            raise Refused("nobody took it in time" if nobody else f"it ended as {outcome}")
        await self._durable.forget(key)
        said: dict[str, Json] = outcome.result if isinstance(outcome.result, dict) else {}
        if "found" not in said:
            raise Refused(str(said.get("refused", "it says nothing that this version reads")))
        found = await asyncio.to_thread(findings_of, said["found"], part)
        if missing := set(part.symbols) - found.judged.keys() - found.failures.keys():
            raise Refused(f"nothing was said of {', '.join(sorted(missing))}")
        return found

    async def _outcome(self, key: str) -> Outcome:
        """How it ended, however long it takes once it is taken; ``Running`` where nobody took it."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + TAKEN_WITHIN_SEC
        while True:
            outcome = await self._durable.result(key, ASK_SEC)
            if not isinstance(outcome, Running) or (not outcome.taken and loop.time() >= patience):
                return outcome

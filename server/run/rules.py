"""The rules a run works with: the folder is looked at when a run begins, and read again if it changed."""

from __future__ import annotations

import asyncio

import structlog

from engine.ruleset import Ruleset, RulesetStore

SHOWN_PROBLEMS = 3

log = structlog.get_logger(__name__)


class RulesInForce:
    """A `RulesetStore` that is kept current. A broken folder never replaces the rules that are in force."""

    def __init__(self, store: RulesetStore) -> None:
        self.store = store
        self._lock = asyncio.Lock()
        self._unreadable: str | None = None

    async def now(self) -> tuple[Ruleset, tuple[str, ...]]:
        """The rules in force, and warnings if the folder says something else by now."""
        async with self._lock:
            await asyncio.to_thread(self._look)
            return self.store.current, self.warnings()

    def warnings(self) -> tuple[str, ...]:
        """Why the folder, as last looked at, is not what is in force; with its first problems."""
        if self._unreadable is not None:
            return (f"the rules folder cannot be read, the last good rules are in force: {self._unreadable}",)
        problems = self.store.problems
        if not problems:
            return ()
        count = f"{len(problems)} problems" if len(problems) > 1 else "a problem"
        headline = f"the rules folder has {count}, the last good rules are in force"
        return (headline, *(str(problem) for problem in problems[:SHOWN_PROBLEMS]))

    def _look(self) -> None:
        try:
            if self.store.changed():
                problems = self.store.reload()
                told = log.warning if problems else log.info
                shown = [str(problem) for problem in problems[:SHOWN_PROBLEMS]]
                told("rules.read_again", folder=str(self.store.folder), problems=len(problems), first=shown)
            self._unreadable = None
        except OSError as error:
            self._unreadable = f"{error.strerror or error}"
            log.warning("rules.unreadable", folder=str(self.store.folder), error=self._unreadable)

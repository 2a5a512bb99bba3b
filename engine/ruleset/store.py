"""The ruleset in force: replaced by a good folder, kept when the folder goes bad."""

from __future__ import annotations

from pathlib import Path

from engine.documents import Problem
from engine.ruleset.fixed_code import FixedCode
from engine.ruleset.folder import DocumentCache, content_hash, read_contents
from engine.ruleset.ruleset import Ruleset, RulesetError, build


class RulesetStore:
    """Holds the last good ruleset of a folder.

    A caller takes ``current`` once and works with it to the end of its run: a reload in between does not
    touch it. Raises what ``load`` raises when the folder is not good to begin with.
    """

    def __init__(self, folder: Path, fixed: FixedCode) -> None:
        self.folder = folder
        self._fixed = fixed
        self._cache = DocumentCache()
        contents = read_contents(folder)
        self._current = build(folder.as_posix(), contents, fixed, self._cache)
        self._seen = content_hash(contents)
        self._problems: tuple[Problem, ...] = ()

    @property
    def current(self) -> Ruleset:
        """The last good ruleset."""
        return self._current

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the folder, as last read, is not the ruleset in force; empty when it is."""
        return self._problems

    def changed(self) -> bool:
        """Whether a file came, went or changed since the folder was last read. Raises ``OSError``."""
        return content_hash(read_contents(self.folder)) != self._seen

    def reload(self) -> tuple[Problem, ...]:
        """Reads the folder and puts it in force if it is good; returns its problems. Raises ``OSError``."""
        contents = read_contents(self.folder)
        try:
            self._current = build(self.folder.as_posix(), contents, self._fixed, self._cache)
            self._problems = ()
        except RulesetError as error:
            self._problems = error.problems
        self._seen = content_hash(contents)
        return self._problems

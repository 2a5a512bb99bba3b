"""The shipped folder, read once."""

from __future__ import annotations

import pytest
from rule_folders import RULES, Contents

from engine.ruleset import DocumentCache, Ruleset, build
from engine.ruleset.folder import read_contents
from server.fixed_code import FIXED_CODE


@pytest.fixture(scope="session")
def every_slip(request: pytest.FixtureRequest) -> bool:
    """Whether every letter of every place is tried, which takes minutes."""
    return bool(request.config.getoption("--every-slip"))


@pytest.fixture(scope="session")
def shipped_contents() -> Contents:
    """The shipped files by relative path."""
    return read_contents(RULES)


@pytest.fixture(scope="session")
def cache() -> DocumentCache:
    """Documents that tests share: the same text is the same document."""
    return DocumentCache()


@pytest.fixture(scope="session")
def shipped(shipped_contents: Contents, cache: DocumentCache) -> Ruleset:
    """The shipped ruleset."""
    return build("rules", shipped_contents, FIXED_CODE, cache)

"""No golden file without its test: when a test or case is renamed or deleted, its file claims nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from shipped import ROOT

GOLDEN = ROOT / "golden"
TESTS = ROOT / "tests"
DROPPED = '\\/?*:|"<>'
"""Characters that a test's name loses in the name of its file."""


def files() -> dict[str, list[str]]:
    """Names without suffix, by the test module whose folder they lie in."""
    found: dict[str, list[str]] = {}
    for path in sorted(GOLDEN.rglob("*")):
        if path.is_file():
            parts = path.relative_to(GOLDEN).parts
            assert len(parts) == 2, f"{path} is not golden/<test module>/<test>.json"
            assert path.suffix == ".json", f"{path} is no golden file"
            found.setdefault(parts[0], []).append(path.stem)
    return found


def modules() -> dict[str, Path]:
    """Test modules that use golden files."""
    paths = [path for path in TESTS.rglob("test_*.py") if "golden" in path.read_text(encoding="utf-8")]
    return {path.stem: path for path in paths}


def named(module: str, name: str, into: dict[str, set[str]]) -> None:
    into.setdefault(module, set()).add(name.translate(str.maketrans("", "", DROPPED)))


def in_this_session(session: pytest.Session) -> dict[str, set[str]]:
    """Tests by module, of the modules that this session has collected whole."""
    selecting = ("keyword", "markexpr", "deselect", "lf", "stepwise")
    chosen = any(getattr(session.config.option, name, None) for name in selecting)
    found: dict[str, set[str]] = {}
    if not chosen and not any("::" in argument for argument in session.config.args):
        for item in session.items:
            named(item.path.stem, item.name, found)
    return found


def collected(paths: list[Path]) -> dict[str, set[str]]:
    """Names of the tests, with their cases, as pytest finds them in each module."""
    options = ["--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, *map(str, paths)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    found: dict[str, set[str]] = {}
    for line in run.stdout.splitlines():
        match = re.match(r"\S*?([^/\s]+)\.py::(.+)$", line)
        if match:
            named(match[1], match[2].rsplit("::", 1)[-1], found)
    return found


def claimed(stem: str, tests: set[str]) -> bool:
    """A test's own file, its second and later ones (``.1``), or one it names (``[name]``)."""
    return any(stem == name or stem.startswith((f"{name}[", f"{name}.")) for name in tests)


def test_every_golden_file_belongs_to_a_test(request: pytest.FixtureRequest) -> None:
    known = modules()
    stored = files()
    assert set(stored) <= set(known), f"golden folders without a test module: {set(stored) - set(known)}"
    tests = in_this_session(request.session)
    missing = [known[module] for module in stored if module not in tests]
    tests |= collected(missing) if missing else {}
    orphans = [
        f"golden/{module}/{stem}.json"
        for module, stems in stored.items()
        for stem in stems
        if not claimed(stem, tests.get(module, set()))
    ]
    assert orphans == []


def test_an_orphan_is_noticed() -> None:
    tests = {"test_verdict[klines_stale]", "test_all", "test_two"}
    assert claimed("test_verdict[klines_stale]", tests)
    assert claimed("test_all", tests)
    assert claimed("test_two.1", tests)
    assert claimed("test_two[shorts]", tests)
    for orphan in ("test_verdict", "test_verdict[renamed]", "test_allied", "test_gone"):
        assert not claimed(orphan, tests)

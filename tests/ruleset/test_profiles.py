"""The fingerprint of a profile, and the form in which its rules outlive their files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rule_folders import PROFILE, RULES, Contents, edited
from small_folder import SMALL, build_small, with_edit

from engine.ruleset import DocumentCache, Profile, Ruleset, RulesetStore, build, load
from engine.ruleset.profile import canonical_json
from server.fixed_code import FIXED_CODE

COMMENT = re.compile(r"(?m)^\s*#.*\n|\s+#.*$")


def test_comments_do_not_change_the_fingerprint(shipped: Ruleset, shipped_contents: Contents) -> None:
    bare = {path: COMMENT.sub("", text.decode()).encode() for path, text in shipped_contents.items()}
    assert bare != shipped_contents
    again = build("rules", bare, FIXED_CODE, DocumentCache())
    assert again.profiles["scalper_micro"].fingerprint == shipped.profiles["scalper_micro"].fingerprint


SAME = [
    (
        "conditions/all.yaml",
        "{default: 30, unit: index, minimum: 0}",
        "{minimum: 0, unit: index, default: 30}",
    ),
    ("conditions/all.yaml", "default: 30", "default: 30.0"),
    (
        "facts.yaml",
        "  close: {indicator",
        "  unused: {indicator: ema, period: 3, unit: price}\n  close: {indicator",
    ),
    ("facts.yaml", "version: 1", "version: 2"),
    ("conditions/all.yaml", "  above:\n", "  unused: {when: close > 1}\n  above:\n"),
    ("reasons.yaml", "meaning: m, remedy: r}\n  no_side", "meaning: other, remedy: r}\n  no_side"),
    (
        "profiles/one/trade_entry.yaml",
        "decision: {}\n",
        "decision: {dry_run_validate_all_timeframes: false}\n",
    ),
    ("profiles/one/validation.yaml", "mode: pragmatic", "mode: 'pragmatic'"),
]

OTHER = [
    ("conditions/all.yaml", "default: 30", "default: 31"),
    ("conditions/all.yaml", "close > ema_9", "close >= ema_9"),
    ("facts.yaml", "period: 9", "period: 10"),
    ("facts.yaml", "{anchor: previous_week}", "{anchor: previous_month}"),
    ("facts.yaml", "{indicator: atr, period: 14", "{indicator: atr, period: 15"),
    ("gates/context.yaml", "longs == 0", "longs < 1"),
    ("profiles/one/validation.yaml", "min_candles: 20", "min_candles: 21"),
    ("profiles/one/trade_entry.yaml", "risk_pct: 1", "risk_pct: 2"),
    ("profiles/one/contracts.yaml", "top_n: 1", "top_n: 2"),
]


@pytest.mark.parametrize(("file", "old", "new"), SAME)
def test_what_no_verdict_depends_on_does_not_change_it(file: str, old: str, new: str) -> None:
    before = build_small(SMALL).profiles["one"]
    after = build_small(with_edit(file, old, new)).profiles["one"]
    assert after.canonical() == before.canonical()
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize(("file", "old", "new"), OTHER)
def test_what_a_verdict_depends_on_changes_it(file: str, old: str, new: str) -> None:
    before = build_small(SMALL).profiles["one"]
    after = build_small(with_edit(file, old, new)).profiles["one"]
    assert after.fingerprint != before.fingerprint


def test_the_fingerprint_is_the_hash_of_the_canonical_form(shipped: Ruleset) -> None:
    from hashlib import sha256

    profile = shipped.profiles["scalper_micro"]
    assert profile.fingerprint == sha256(canonical_json(profile.canonical()).encode()).hexdigest()


def test_a_profile_comes_back_from_its_canonical_form(shipped: Ruleset) -> None:
    profile = shipped.profiles["scalper_micro"]
    stored = json.loads(canonical_json(profile.canonical()))
    restored = Profile.from_canonical(stored)
    assert restored.fingerprint == profile.fingerprint
    assert restored.validation == profile.validation
    assert restored.trade_entry == profile.trade_entry
    assert restored.contracts == profile.contracts
    assert {tf: p.labels for tf, p in restored.rules.timeframes.items()} == {
        tf: p.labels for tf, p in profile.rules.timeframes.items()
    }
    assert restored.rules.plans == profile.rules.plans


def test_a_restored_profile_keeps_the_version_of_the_engine_it_was_made_by(shipped: Ruleset) -> None:
    old = {**shipped.profiles["scalper_micro"].canonical(), "engine": "0.0.1"}
    restored = Profile.from_canonical(old)
    assert restored.canonical() == old
    assert restored.fingerprint != shipped.profiles["scalper_micro"].fingerprint


def test_a_broken_folder_never_replaces_a_good_one(tmp_path: Path, shipped_contents: Contents) -> None:
    def write(contents: Contents) -> None:
        for path, content in contents.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    write(shipped_contents)
    store = RulesetStore(tmp_path, FIXED_CODE)
    first = store.current
    assert not store.changed()
    assert store.reload() == ()

    write(edited(shipped_contents, f"{PROFILE}/validation.yaml", ("mode: pragmatic", "mode: pragmatc")))
    assert store.changed()
    kept = store.current
    problems = store.reload()
    assert [problem.message for problem in problems] == ["unknown mode 'pragmatc'"]
    assert store.problems == problems
    assert store.current is kept
    assert kept.profiles["scalper_micro"].fingerprint == first.profiles["scalper_micro"].fingerprint
    assert not store.changed()

    write(edited(shipped_contents, f"{PROFILE}/validation.yaml", ("mode: pragmatic", "mode: strict")))
    assert store.changed()
    assert store.reload() == ()
    assert store.problems == ()
    assert store.current.profiles["scalper_micro"].validation.mode == "strict"
    assert first.profiles["scalper_micro"].validation.mode == "pragmatic"


def test_a_file_that_comes_or_goes_is_a_change(tmp_path: Path, shipped_contents: Contents) -> None:
    for path, content in shipped_contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    store = RulesetStore(tmp_path, FIXED_CODE)
    (tmp_path / "notes.txt").write_text("not a document")
    assert not store.changed()
    extra = tmp_path / "extra.yaml"
    extra.write_text("a: 1\n")
    assert store.changed()
    extra.unlink()
    assert not store.changed()


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(NotADirectoryError):
        load(RULES / "nothing", FIXED_CODE)

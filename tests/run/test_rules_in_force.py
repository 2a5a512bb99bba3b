"""Editing the rules: the next run uses them, a broken edit is told and changes nothing."""

from __future__ import annotations

import shutil

from run_answers import LONG, QUIET, lasting

from server.run import RunRequest
from server.service import Service


def edit(opened: Service, old: str, new: str) -> None:
    file = opened.rulesets.folder / "profiles/scalper_micro/validation.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


async def test_an_edit_changes_the_next_run(opened: Service) -> None:
    before = (await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG))).to_json()
    edit(opened, "- rsi_lt_70", "- rsi_lt_70: {threshold: 1}")
    after = (await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG))).to_json()

    assert before["data"]["symbols"]["LINKUSDT"]["status"] == "READY"
    assert after["data"]["symbols"]["LINKUSDT"]["status"] == "INVALID"
    assert after["data"]["run"]["fingerprint"] != before["data"]["run"]["fingerprint"]
    assert after["data"]["warnings"] == []


async def test_a_broken_edit_leaves_the_last_good_rules_in_force_and_says_so(opened: Service) -> None:
    before = (await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG))).to_json()
    edit(opened, "- rsi_lt_70", "- rsi_lt_7o")
    broken = (await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG))).to_json()

    warnings = broken["data"].pop("warnings")
    assert "the last good rules are in force" in warnings[0]
    assert "validation.yaml:" in warnings[1]
    assert "did you mean 'rsi_lt_70'?" in warnings[1]
    assert lasting(before)["data"]["symbols"] == lasting(broken)["data"]["symbols"]
    assert broken["data"]["run"]["fingerprint"] == before["data"]["run"]["fingerprint"]

    edit(opened, "- rsi_lt_7o", "- rsi_lt_70")
    mended = (await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG))).to_json()
    assert lasting(mended) == lasting(before)


async def test_a_folder_that_is_gone_does_not_stop_the_service(opened: Service) -> None:
    shutil.rmtree(opened.rulesets.folder)
    answer = (await opened.runner.run(RunRequest(actor="test", as_of_ms=QUIET))).to_json()
    assert answer["status"] == "success"
    assert "cannot be read" in answer["data"]["warnings"][0]


async def test_a_stored_decision_keeps_its_rules(opened: Service) -> None:
    first = (await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG))).to_json()["data"]["run"]
    edit(opened, "- rsi_lt_70", "- rsi_lt_70: {threshold: 1}")
    second = (await opened.runner.run(RunRequest(actor="test", as_of_ms=LONG))).to_json()["data"]["run"]

    stored = [await opened.journal.decision(f"{run['run_id']}.LINKUSDT") for run in (first, second)]
    assert [d.status for d in stored] == ["READY", "INVALID"]
    assert [d.fingerprint for d in stored] == [first["fingerprint"], second["fingerprint"]]

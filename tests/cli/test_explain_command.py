"""``explain``: the tree of one verdict, now or stored."""

from __future__ import annotations

import json
from pathlib import Path

from command_lines import AT, Command, edit
from syrupy.assertion import SnapshotAssertion


def test_the_tree_of_a_symbol_that_is_not_ready(entrygate: Command, golden: SnapshotAssertion) -> None:
    answer = entrygate("explain", "AVAXUSDT", "--at", AT)

    assert (answer.code, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= 80
    assert answer.lines == golden


def test_the_tree_of_a_ready_symbol_ends_with_its_plan(entrygate: Command, golden: SnapshotAssertion) -> None:
    assert entrygate("explain", "LINKUSDT", "--at", AT).lines == golden


def test_json_has_every_condition_with_its_margin(entrygate: Command, tmp_path: Path) -> None:
    said = json.loads(entrygate("explain", "BNBUSDT", "--at", AT, "--json").out)
    (five,) = said["explanation"]["timeframes"]
    long = five["sides"][0]["scenarios"][0]
    bullish = next(child for child in long["children"] if child["label"] == "rsi_bullish")

    assert said["decision"]["reason"] == "pragmatic_context_has_invalid_timeframes"
    assert bullish["outcome"] == "fail" and bullish["params"] == {"threshold": 49.0}
    assert bullish["margin"] == bullish["facts"]["rsi"] - 49
    assert not (tmp_path / "journal.db").exists(), "asking is not a run"


def test_a_stored_decision_explains_the_same_after_its_rules_have_changed(
    entrygate: Command, rules: Path
) -> None:
    run = entrygate("run", "AVAXUSDT", "--rules", "rules", "--at", AT, "--json")
    decision = f"{json.loads(run.out)['data']['run']['run_id']}.AVAXUSDT"
    then = entrygate("explain", "AVAXUSDT", "--rules", "rules", "--at", AT)
    edit(rules / "conditions/rsi.yaml", "default: 48", "default: 44")

    stored = entrygate("explain", "--decision", decision, "--rules", "rules")
    now = entrygate("explain", "AVAXUSDT", "--rules", "rules", "--at", AT)

    assert (stored.code, stored.out) == (0, then.out)
    assert "rsi 49.014 < threshold 48" in stored.out
    assert "rsi 49.014 < threshold 44" in now.out


def test_a_decision_that_does_not_exist_is_wrong_use(entrygate: Command) -> None:
    answer = entrygate("explain", "--decision", "nothing.BTCUSDT")

    assert (answer.code, answer.err) == (2, "no decision 'nothing.BTCUSDT'\n")


def test_candles_that_cannot_be_read_are_told_in_a_line(entrygate: Command, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "BTCUSDT-1m.parquet").write_bytes(b"not a parquet file")

    answer = entrygate("explain", "BTCUSDT", "--market-data", "data")

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "data: no candle file here has a readable row\n"

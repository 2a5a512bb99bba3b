"""``entrygate contracts``."""

from __future__ import annotations

import json
from pathlib import Path

from command_lines import AT, Command


def test_what_is_selected_and_what_is_not(entrygate: Command, rules: Path) -> None:
    edited = rules / "profiles/scalper_micro/contracts.yaml"
    edited.write_text(edited.read_text().replace("top_n: 170", "top_n: 3"))
    listed = entrygate("contracts", "--rules", rules, "--at", AT)
    one = entrygate("contracts", "avaxusdt", "--rules", rules, "--at", AT)
    said = json.loads(entrygate("contracts", "BTCUSDT", "--rules", rules, "--at", AT, "--json").out)

    assert (listed.code, listed.err) == (0, "")
    assert max(map(len, listed.lines)) <= 80
    assert [line.split()[1] for line in listed.lines[1:4]] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert listed.lines[-2:] == [
        "profile scalper_micro at paper: 3 selected, 5 left out",
        "     5 bucket_full",
    ]
    assert (one.code, one.lines[0]) == (1, "AVAXUSDT: left out, bucket_full")
    assert one.lines[1:] == ["  rank 8", "  bucket_size 3"]
    assert (said["selected"], said["items"][0]["place"]) == (3, 1)


def test_names_that_do_not_exist(entrygate: Command) -> None:
    for arguments, told in (
        (["AVAXUSTD"], "no symbol 'AVAXUSTD'; did you mean 'AVAXUSDT'?"),
        (["--profile", "scalper_mikro"], "no profile 'scalper_mikro'; did you mean 'scalper_micro'?"),
        (["--reason", "bucket_ful"], "no reason code 'bucket_ful'; did you mean 'bucket_full'?"),
        (["--state", "chosen"], "--state chosen: expected selected or left_out"),
    ):
        answer = entrygate("contracts", "--at", AT, *arguments)
        assert (answer.code, answer.err.strip()) == (2, told)

"""``check``, ``schema``, ``init``, ``reasons``, ``conditions`` and ``profiles``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_lines import ROOT, Command, edit

from engine.documents import read_document, schema_text
from engine.models import KINDS


def test_check_finds_nothing_wrong_with_the_shipped_rules(light: Command) -> None:
    answer = light("check", ROOT / "rules")

    assert answer.code == 0
    assert answer.lines[0].startswith(f"{ROOT / 'rules'}: ok (4 profiles, ")
    assert "  scalper_micro  (fingerprint)  (default)" in answer.lines[1:]


def test_check_tells_every_problem_in_a_line_and_how_many_there_are(light: Command, rules: Path) -> None:
    edit(rules / "profiles/scalper_micro/validation.yaml", "near_vwap", "near_vwpa")
    edit(rules / "conditions/price.yaml", "when: close < vwap", "when: close < vwapp")

    answer = light("check", "rules")

    assert answer.code == 1
    assert answer.err == ""
    assert answer.out.splitlines() == [
        "rules/conditions/price.yaml:16:19: unknown fact or parameter 'vwapp'; did you mean 'vwap'?",
        "rules/profiles/scalper_micro/validation.yaml:40:13: unknown condition 'near_vwpa';"
        " did you mean 'near_vwap'?",
        "2 problems in rules",
    ]


def test_check_in_json(light: Command, rules: Path) -> None:
    good = json.loads(light("check", "rules", "--json").out)
    service = rules / "service.yaml"
    edit(service, "enabled: true", "enabled: yes")
    line = next(n for n, text in enumerate(service.read_text().splitlines(), 1) if "enabled: yes" in text)
    answer = light("check", "rules", "--json")
    bad = json.loads(answer.out)

    assert good["ok"] and good["default_profile"] == "scalper_micro" and good["counts"]["profiles"] == 4
    assert answer.code == 1 and not bad["ok"]
    assert ("rules/service.yaml", line) in [(p["file"], p["line"]) for p in bad["problems"]]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "there is no folder 'nowhere'"),
        (".", "'.' is not a folder of rules; did you mean 'rules'?"),
        (
            "rules/facts.yaml",
            "'rules/facts.yaml' is a file, not a folder of rules; did you mean the folder 'rules'?",
        ),
    ],
)
@pytest.mark.usefixtures("rules")
def test_a_path_that_is_no_folder_of_rules_is_wrong_use(light: Command, path: str, message: str) -> None:
    answer = light("check", path)

    assert (answer.code, answer.out, answer.err) == (2, "", f"{message}\n")


@pytest.mark.usefixtures("rules")
def test_the_folder_may_be_named_before_the_command_and_the_nearer_one_wins(light: Command) -> None:
    assert light("--rules", "rules", "check").lines[0].startswith("rules: ok")
    assert light("--rules", "nowhere", "check", "--rules", "rules").code == 0
    assert light("--rules", "nowhere", "check").code == 2


def test_schema_prints_one_kind_and_writes_all(light: Command, tmp_path: Path) -> None:
    assert light("schema", "gate").out == schema_text("gate")
    assert light("schema", "--write", "here").out == f"{len(KINDS)} schemas written to here\n"
    assert {file.name for file in (tmp_path / "here").iterdir()} == {f"{kind}.schema.json" for kind in KINDS}
    assert [line.split()[0] for line in light("schema").lines[1:] if not line.startswith(" ")] == list(KINDS)
    assert light("schema", "gates").err == "no kind of document 'gates'; did you mean 'gate'?\n"
    assert light("schema", "gate", "--write", "here").code == 2


def test_init_makes_rules_whose_schema_comments_lead_to_the_schemas(light: Command, tmp_path: Path) -> None:
    answer = light("init", "mine")

    assert answer.code == 0
    assert "  check     entrygate check mine" in answer.lines
    for file in (tmp_path / "mine").rglob("*.yaml"):
        named = file.read_text().splitlines()[0].rpartition("$schema=")[2]
        assert (file.parent / named).resolve().parent == tmp_path / "mine" / "schemas"
        assert (file.parent / named).is_file()
        assert read_document(file.name, file.read_text()).problems == ()
    assert light("check", "mine").lines[1:] == light("check", ROOT / "rules").lines[1:], "the same rules"


def test_init_overwrites_nothing(light: Command, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()

    answer = light("init", "taken")

    assert answer.code == 2
    assert answer.err == "'taken' is not empty, and nothing is overwritten; choose another folder\n"
    assert [file.name for file in (tmp_path / "taken").iterdir()] == ["notes.txt"]
    assert light("init", "taken/notes.txt").code == 2
    assert light("init", "empty").code == 0


def test_reasons_lists_all_and_explains_one(light: Command, rules: Path) -> None:
    registered = {entry["code"] for entry in json.loads(light("reasons", "--json").out)}
    listed = light("reasons")
    one = light("reasons", "klines_stale")

    assert all(any(line.startswith(f"{code}  ") for line in listed.lines) for code in registered)
    assert max(map(len, listed.lines)) <= 80
    assert one.lines[0] == "klines_stale"
    assert [line.split()[0] for line in one.lines[1:]] == ["stage", "status", "meaning", "remedy"]
    assert (
        light("reasons", "klines_stal").err == "no reason code 'klines_stal'; did you mean 'klines_stale'?\n"
    )
    assert light("reasons", "nothing").err == "no reason code 'nothing'; entrygate reasons lists them\n"
    assert light("reasons", "klines_stale", "--markdown").code == 2


def test_profiles_lists_them_and_shows_where_each_value_is_from(light: Command, rules: Path) -> None:
    overview, one = light("profiles"), light("profiles", "scalper_micro")
    entries = {entry["name"]: entry for entry in json.loads(light("profiles", "--json").out)}
    entry = entries["scalper_micro"]
    values = json.loads(light("profiles", "scalper_micro", "--json").out)["values"]

    assert [line.split()[:2] for line in overview.lines[1:5]] == [
        ["regular", "disabled"],
        ["scalper", "disabled"],
        ["scalper_micro", "default"],
        ["crash", "disabled"],
    ]
    assert entry["default"] and entry["context_timeframes"] == ["5m"]
    assert "     :7  mode: pragmatic" in one.lines
    assert max(map(len, one.lines[2:])) <= 80
    for value in values:
        if value["file"] is not None:
            key = value["path"].rpartition(".")[2].partition("[")[0]
            line = (rules / value["file"]).read_text().splitlines()[value["line"] - 1]
            assert key in line or str(value["value"]) in line
    assert light("profiles", "scalpre").err == "no profile 'scalpre'; did you mean 'scalper'?\n"


def test_a_profile_can_be_shown_only_where_the_rules_are_sound(light: Command, rules: Path) -> None:
    edit(rules / "facts.yaml", "period: 9,", "period: nine,")
    lines = (rules / "facts.yaml").read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "nine" in text)

    answer = light("profiles", "--rules", "rules")

    assert answer.code == 1
    assert answer.err.splitlines()[0].startswith(f"rules/facts.yaml:{line}:37: expected a whole number")
    assert answer.err.splitlines()[-1] == "1 problem in rules"


def test_conditions_as_a_list_and_one_in_full(light: Command) -> None:
    overview = light("conditions")
    used = json.loads(light("conditions", "--profile", "scalper_micro", "--fact", "vwap", "--json").out)
    one = light("conditions", "atr_volatility_ok")
    composed = json.loads(light("conditions", "close_below_vwap_or_ma9", "--json").out)

    assert (overview.code, used and one.code) == (0, 0)
    assert "conditions/price.yaml" in overview.lines
    assert max(map(len, overview.lines)) <= 80
    assert [entry["name"] for entry in used] == [
        "close_below_vwap",
        "close_above_vwap_or_ma9",
        "close_below_vwap_or_ma9",
        "near_vwap",
    ]
    assert next(use for use in used[0]["used_by"] if use["profile"] == "scalper_micro") == {
        "profile": "scalper_micro",
        "places": [],
        "through": ["close_below_vwap_or_ma9"],
    }
    assert "  requires    minimum < maximum" in one.lines
    minimum = "minimum 0.001, 0.0015 on 15m, 0.0008 on 1h, 0.0005 on 4h (ratio, from 0 to 1)"
    assert f"  parameters  {minimum}" in one.lines
    assert composed["formula"] == "any_of [close_below_vwap, close_below_ma_9]"
    assert composed["facts"] == ["close", "vwap", "ema_9"]


def test_conditions_that_a_profile_has_for_itself(light: Command) -> None:
    own = light("conditions", "pullback_short_vwap")
    listed = json.loads(light("conditions", "--profile", "regular", "--json").out)
    found = next(entry for entry in listed if entry["name"] == "pullback_short_vwap")

    assert "  used by     regular: filter short" in own.lines
    assert found["file"] == "profiles/regular/validation.yaml"
    written = (ROOT / "rules" / found["file"]).read_text().splitlines()[found["line"] - 1]
    assert written == "  pullback_short_vwap:"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("near_vwpa",), "no condition 'near_vwpa'; did you mean 'near_vwap'?\n"),
        (("--profile", "scalpre"), "no profile 'scalpre'; did you mean 'scalper'?\n"),
        (("--fact", "vwpa"), "no fact 'vwpa'; did you mean 'vwap'?\n"),
        (
            ("near_vwap", "--fact", "vwap"),
            "NAME shows one condition; leave out --profile and --fact\n",
        ),
        (
            ("--markdown", "--json"),
            "--markdown prints the whole list; leave out NAME and the other options\n",
        ),
    ],
)
def test_conditions_that_there_are_not(light: Command, arguments: tuple[str, ...], expected: str) -> None:
    answer = light("conditions", *arguments)

    assert (answer.code, answer.out, answer.err) == (2, "", expected)

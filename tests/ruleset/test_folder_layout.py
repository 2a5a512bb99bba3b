"""Files in the wrong place, and places without a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_folder import SMALL, build_small, problems, with_edit

from engine.ruleset.folder import content_hash, read_contents

FILES = [
    (
        {"fact.yaml": "a: 1"},
        "fact.yaml:1:1: no document of this name is read here; did you mean 'facts.yaml'?",
    ),
    (
        {"facts.yml": "a: 1"},
        "facts.yml:1:1: no document of this name is read here; did you mean 'facts.yaml'?",
    ),
    (
        {"profiles/one/validatoin.yaml": "a: 1"},
        "profiles/one/validatoin.yaml:1:1: no document of this name is read in profiles/one; "
        "did you mean 'validation.yaml'?",
    ),
    (
        {"conditions.yaml": "a: 1"},
        "conditions.yaml:1:1: no document of this name is read here; "
        "conditions are read from the files in conditions, so move it there",
    ),
    ({"more/x.yaml": "a: 1"}, "more/x.yaml:1:1: no document of this name is read in more"),
    ({"a\nb.yaml": "a: 1"}, "a\\nb.yaml:1:1: no document of this name is read here"),
]


@pytest.mark.parametrize(("extra", "expected"), FILES)
def test_a_file_that_nobody_reads(extra: dict[str, str], expected: str) -> None:
    assert problems({**SMALL, **extra}) == [expected]


MISSING = [
    ("facts.yaml", ["facts.yaml:1:1: there is no facts.yaml"]),
    (
        "conditions/all.yaml",
        ["conditions:1:1: there are no conditions; add conditions/<name>.yaml"],
    ),
    ("gates/data.yaml", ["gates/data.yaml:1:1: there is no gate 'data'"]),
    ("profiles/one/contracts.yaml", ["profiles/one/contracts.yaml:1:1: profile 'one' has no contracts.yaml"]),
]


@pytest.mark.parametrize(("file", "expected"), MISSING)
def test_a_file_that_is_missing(file: str, expected: list[str]) -> None:
    found = problems({path: text for path, text in SMALL.items() if path != file})
    assert [line for line in found if not line.startswith("reasons.yaml")] == expected


def test_a_gate_that_nobody_asks() -> None:
    gate = SMALL["gates/data.yaml"].replace("gate: data", "gate: dat")
    assert problems({**SMALL, "gates/dat.yaml": gate}) == [
        "gates/dat.yaml:2:7: unknown gate 'dat'; did you mean 'data'?"
    ]


def test_a_file_whose_name_is_no_text(tmp_path: Path) -> None:
    tmp_path.joinpath(os.fsdecode(b"a\xff.yaml")).write_text("a: 1")
    contents = read_contents(tmp_path)
    assert list(contents) == ["a\\udcff.yaml"]
    assert content_hash(contents) != content_hash({})


MORE = "kind: conditions\nversion: 1\nconditions:\n"


def test_conditions_of_several_files_are_one_catalogue() -> None:
    texts = {**SMALL, "conditions/more.yaml": f"{MORE}  third: {{any_of: [above, near]}}\n"}

    assert problems(texts) == []
    assert list(build_small(texts).conditions) == ["above", "near", "rsi_between", "rises", "both", "third"]


def test_a_condition_that_two_files_define() -> None:
    texts = {**SMALL, "conditions/more.yaml": f"{MORE}  near: {{when: close > emma_9}}\n"}

    assert problems(texts) == [
        "conditions/more.yaml:4:3: condition 'near' exists already; it is in conditions/all.yaml:6",
        "conditions/more.yaml:4:24: unknown fact or parameter 'emma_9'; did you mean 'ema_9'?",
    ]


def test_a_file_of_conditions_that_cannot_be_read_hides_nothing_of_the_others() -> None:
    texts = {
        **with_edit("conditions/all.yaml", "close > ema_9", "close > ema_99"),
        "conditions/more.yaml": f"{MORE}  third: [\n",
    }

    told = problems(texts)

    assert "conditions/all.yaml:5:19: unknown fact or parameter 'ema_99'; did you mean 'ema_9'?" in told
    assert {line.partition(":")[0] for line in told} == {"conditions/all.yaml", "conditions/more.yaml"}

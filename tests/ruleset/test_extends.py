"""A profile laid over another: maps merge, lists replace, and every value keeps its origin."""

from __future__ import annotations

from small_folder import SMALL, build_small, problems

SERVICE = """\
kind: service
version: 1
default_exchange: paper
profiles:
  - {name: two, enabled: true}
  - {name: one, enabled: false}
"""

TWO = {
    "profiles/two/validation.yaml": """\
kind: validation
version: 7
profile: two
extends: one
mode: strict
rules:
  mine: {when: close > 2 * ema_9}
timeframes:
  1m:
    short: [mine]
    long:
      - near: 0.003
""",
    "profiles/two/trade_entry.yaml": """\
kind: trade_entry
version: 1
profile: two
extends: one
risk:
  risk_pct: 2
""",
    "profiles/two/contracts.yaml": """\
kind: contracts
version: 1
profile: two
extends: one
""",
}

FOLDER = {**SMALL, "service.yaml": SERVICE, **TWO}


def test_maps_merge_and_lists_replace() -> None:
    ruleset = build_small(FOLDER)
    one, two = ruleset.profiles["one"], ruleset.profiles["two"]
    assert ruleset.default_profile == "two"
    assert (two.validation.mode, two.validation.version, two.validation.extends) == ("strict", 7, None)
    assert two.validation.timeframes["5m"] == one.validation.timeframes["5m"]
    assert len(two.validation.timeframes["1m"].long) == 1
    assert two.validation.timeframes["1m"].short == ["mine"]
    assert two.trade_entry.risk.risk_pct == 2
    assert two.trade_entry.risk.initial_margin_usdt == one.trade_entry.risk.initial_margin_usdt
    assert two.contracts.selection == one.contracts.selection
    assert two.fingerprint != one.fingerprint


def test_every_value_says_where_it_comes_from() -> None:
    ruleset = build_small(FOLDER)
    values = {v.path: (v.value, v.file, v.line) for v in ruleset.effective("two")}
    one, two = "profiles/one", "profiles/two"
    assert values["validation.mode"] == ("strict", f"{two}/validation.yaml", 5)
    assert values["validation.min_candles"] == (20, f"{one}/validation.yaml", 9)
    assert values["validation.timeframes.1m.long[0].near"] == (0.003, f"{two}/validation.yaml", 12)
    assert values["validation.timeframes.5m.long[0].all_of[1].near.tolerance"] == (
        0.002,
        f"{one}/validation.yaml",
        15,
    )
    assert values["trade_entry.risk.risk_pct"] == (2, f"{two}/trade_entry.yaml", 6)
    assert values["trade_entry.risk.initial_margin_usdt"] == (10, f"{one}/trade_entry.yaml", 5)
    assert values["trade_entry.risk.base"] == ("equity", None, None)
    assert "validation.extends" not in values


def test_a_problem_of_the_whole_stands_where_its_part_was_written() -> None:
    text = TWO["profiles/two/trade_entry.yaml"] + "entry_zone: {w_min: 0.15}\n"
    assert problems({**FOLDER, "profiles/two/trade_entry.yaml": text}) == [
        "profiles/two/trade_entry.yaml:7:1: w_min 0.15 is above w_max 0.01"
    ]


def test_names_are_checked_in_the_whole() -> None:
    text = TWO["profiles/two/validation.yaml"].replace("near: 0.003", "nera: 0.003")
    assert problems({**FOLDER, "profiles/two/validation.yaml": text}) == [
        "profiles/two/validation.yaml:12:9: unknown condition 'nera'; did you mean 'near'?"
    ]


def test_an_unknown_profile_cannot_be_extended() -> None:
    text = TWO["profiles/two/contracts.yaml"].replace("extends: one", "extends: noe")
    assert problems({**FOLDER, "profiles/two/contracts.yaml": text}) == [
        "profiles/two/contracts.yaml:4:10: unknown profile 'noe'; did you mean 'one'?"
    ]


def test_a_circle_of_profiles() -> None:
    texts = {**FOLDER}
    texts["profiles/one/contracts.yaml"] = texts["profiles/one/contracts.yaml"] + "extends: two\n"
    assert problems(texts) == [
        "profiles/one/contracts.yaml:10:10: profiles extend each other in a circle: two → one → two",
        "profiles/two/contracts.yaml:4:10: profiles extend each other in a circle: one → two → one",
    ]


def test_nothing_is_said_of_a_whole_whose_base_is_broken() -> None:
    texts = {**FOLDER, "profiles/one/validation.yaml": "kind: 'validation\n"}
    assert problems(texts) == [
        "profiles/one/validation.yaml:1:7: a quoted text that never ends; add the closing quote"
    ]

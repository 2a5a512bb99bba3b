"""A document that has not the shape of its kind: every departure, at its place, with what was meant."""

from __future__ import annotations

import pytest

from engine.documents import read_bytes, read_document

NAME_RULE = "a name starts with a small letter and goes on with small letters, digits and '_'"

CONDITIONS = "kind: conditions\nversion: 1\nconditions:\n"
FACTS = "kind: facts\nversion: 1\nhistory:\n  1m: {anchor: previous_day}\nfacts:\n"
VALIDATION = """\
kind: validation
version: 1
profile: p
mode: strict
neutral_policy: reject
context_timeframes: [5m]
execution_timeframes: [1m]
execution_selector: {strategy: highest_valid}
min_candles: 10
"""

CASES = [
    # keys
    (CONDITIONS, "  a: {whn: close > 1}", ["4:7: unknown key 'whn'; did you mean 'when'?"]),
    (CONDITIONS, "  a: {when: x, colour: 1}", ["4:16: unknown key 'colour'"]),
    (CONDITIONS, "  a: {summary: x}", ["4:3: missing key 'when'"]),
    (CONDITIONS, "  a: {when: x, all_of: [b]}", ["4:16: key 'all_of' does not go with 'when'"]),
    (CONDITIONS, "  Foo: {when: x}", [f"4:3: 'Foo' is not a name; {NAME_RULE}"]),
    (CONDITIONS, "  a: {}", ["4:3: missing key 'when'"]),
    # types
    (CONDITIONS, "  a: 5", ["4:6: expected a map, got the number 5"]),
    (CONDITIONS, "  a: {when: 5}", ["4:13: expected text, got the number 5; put it in quotes"]),
    (CONDITIONS, "  a: {when: ''}", ["4:13: an empty text"]),
    # trees
    (CONDITIONS, "  a: {all_of: []}", ["4:15: an empty list"]),
    (CONDITIONS, "  a: {al_of: [b]}", ["4:7: unknown key 'al_of'; did you mean 'all_of'?"]),
    (CONDITIONS, "  a: {all_of: [{al_of: [b]}]}", ["4:17: unknown key 'al_of'; did you mean 'all_of'?"]),
    (CONDITIONS, "  a: {all_of: [{nt: b}]}", ["4:17: unknown key 'nt'; did you mean 'not'?"]),
    (CONDITIONS, "  a: {all_of: [{not: {any_of: []}}]}", ["4:31: an empty list"]),
    (
        CONDITIONS,
        "  a:\n    all_of:\n      - b\n      - any_of:\n          - c: {p: x}\n",
        ["8:20: expected a number or true or false, got the text 'x'"],
    ),
    (CONDITIONS, "  a: {all_of: [{b: x}]}", ["4:20: expected a number or a map, got the text 'x'"]),
    (
        CONDITIONS,
        "  a: {all_of: [{b: 1, c: 2}]}",
        ["4:16: more than 1 key in one item; start a list item for each"],
    ),
    (CONDITIONS, "  a: {all_of: b}", ["4:15: expected a list, got the text 'b'"]),
    # parameters
    (
        CONDITIONS,
        "  a: {when: x, params: {t: {default: x, unit: ratoi, min: 3}}}",
        [
            "4:38: expected a number or true or false, got the text 'x'",
            "4:47: unknown unit 'ratoi'; did you mean 'ratio'?",
            "4:54: unknown key 'min'; did you mean 'minimum'?",
        ],
    ),
    (
        CONDITIONS,
        "  a: {when: x, params: {t: {default: 1, unit: ratio, by_timeframe: {7m: 3, 5m: '4'}}}}",
        [
            "4:69: unknown key '7m'; did you mean '1m'?",
            "4:80: expected a number or true or false, got the text '4'; write it without quotes",
        ],
    ),
    # choices named by one key
    (
        FACTS,
        "  a: {indcator: ema, period: 2, unit: price}",
        ["6:7: unknown key 'indcator'; did you mean 'indicator'?"],
    ),
    (
        FACTS,
        "  a: {indicator: emma, period: 2, unit: price}",
        ["6:18: unknown indicator 'emma'; did you mean 'ema'?"],
    ),
    (FACTS, "  a: {period: 2, unit: price}", ["6:3: missing key 'indicator'"]),
    (
        FACTS,
        "  a: {indicator: vwap, anchor: sesion, timezone: UTC, unit: price}",
        ["6:32: unknown anchor 'sesion'; did you mean 'session'?"],
    ),
    (
        FACTS,
        "  a: {indicator: vwap, anchor: window, timezone: UTC, unit: price}",
        [
            "6:3: missing key 'window'",
            "6:40: key 'timezone' does not go with indicator 'vwap' and anchor 'window'",
        ],
    ),
    # numbers
    (FACTS, "  a: {indicator: ema, period: 1, unit: price}", ["6:31: 1 is below the least value, 2"]),
    (
        FACTS,
        "  a: {indicator: ema, period: 1001, unit: price}",
        ["6:31: 1001 is above the greatest value, 1000"],
    ),
    (
        FACTS,
        "  a: {indicator: ema, period: 2.5, unit: price}",
        ["6:31: expected a whole number, got the number 2.5"],
    ),
    (FACTS, "  a: {indicator: ema, period: true, unit: price}", ["6:31: expected a whole number, got true"]),
    (
        FACTS,
        "  a: {indicator: bollinger, output: upper, period: 2, deviations: 0, unit: price}",
        ["6:67: 0 is not above 0"],
    ),
    # a profile
    (VALIDATION, "timeframes:\n  5m:\n    lng: [a]\n", ["12:5: unknown key 'lng'; did you mean 'long'?"]),
    (
        VALIDATION,
        "timeframes: {}\nfilters_mandatory:\n  - {fliter: a, side: long}\n  - {filter: {b: 1}, side: lng}\n",
        [
            "12:6: unknown key 'fliter'; did you mean 'filter'?",
            "13:28: unknown side 'lng'; did you mean 'long'?",
        ],
    ),
    (VALIDATION, "timeframe: {}\n", ["10:1: unknown key 'timeframe'; did you mean 'timeframes'?"]),
    (VALIDATION, "", ["1:1: missing key 'timeframes'"]),
    # one cause, told once
    (
        VALIDATION,
        "timeframes: {5m: {long: 1e-6}}\n",
        ["10:25: '1e-6' looks like a number, but YAML readers disagree: some read it as text; write 1.0e-6"],
    ),
    (VALIDATION, "timeframes:\n", ["10:1: 'timeframes' has no value; write a value, or leave the key out"]),
]


@pytest.mark.parametrize(("head", "body", "expected"), CASES)
def test_departures_from_the_shape(head: str, body: str, expected: list[str]) -> None:
    document = read_document("f", head + body)
    assert [str(problem).removeprefix("f:") for problem in document.problems] == expected
    assert document.model is None


KINDS = [
    ("kind: condition\nversion: 1\n", None, "1:7: unknown kind 'condition'; did you mean 'conditions'?"),
    (
        "kind: gate\nversion: 1\nconditions: {a: {when: x}}\n",
        "conditions",
        "1:7: a document of kind 'gate' where one of kind 'conditions' is expected",
    ),
    ("version: 1\nconditions: {a: {when: x}}\n", "conditions", "1:1: missing key 'kind'"),
    (
        "# yaml-language-server: $schema=../schemas/gate.schema.json\n"
        "kind: conditions\nversion: 1\nconditions: {a: {when: x}}\n",
        None,
        "1:33: the schema comment does not name conditions.schema.json, the schema of kind 'conditions'",
    ),
]


@pytest.mark.parametrize(("text", "kind", "expected"), KINDS)
def test_the_kind_is_checked_against_what_the_place_calls_for(
    text: str, kind: str | None, expected: str
) -> None:
    assert [str(problem) for problem in read_document("f", text, kind).problems] == [f"f:{expected}"]


def test_what_only_the_model_can_see_has_a_place_too() -> None:
    text = (
        "kind: contracts\nversion: 1\nprofile: p\nselection:\n  min_turnover_usdt: 5.5\n"
        "  mid_max_turnover_usdt: 2.5\n  min_listing_age_hours: 0\n  top_n: 1\n  mid_n: 1\n"
    )
    document = read_document("f", text)
    assert [str(problem) for problem in document.problems] == [
        "f:4:1: min_turnover_usdt 5.5 is above mid_max_turnover_usdt 2.5"
    ]


def test_a_document_that_extends_another_may_leave_keys_out_but_not_misspell_them() -> None:
    head = "kind: trade_entry\nversion: 1\nprofile: p\nextends: q\n"
    assert read_document("f", head + "risk: {risk_pct: 1}\n").problems == ()
    assert [str(p) for p in read_document("f", head + "risk: {risk_pc: 1}\n").problems] == [
        "f:5:8: unknown key 'risk_pc'; did you mean 'risk_pct'?"
    ]


def test_a_file_that_is_not_utf8() -> None:
    document = read_bytes("f", b"kind: facts\nversion: \xff\n")
    assert [str(p) for p in document.problems] == [
        "f:2:10: a byte that is not UTF-8 text; save the file as UTF-8"
    ]


CONTRACTS = """\
kind: contracts
version: 1
profile: p
selection:
  min_turnover_usdt: 1
  mid_max_turnover_usdt: 2
  top_n: 1
  mid_n: 1
"""


def test_a_key_is_known_by_its_old_name_too() -> None:
    old = read_document("x.yaml", f"{CONTRACTS}  max_age_hours: 880\n")
    new = read_document("x.yaml", f"{CONTRACTS}  min_listing_age_hours: 880\n")
    assert old.problems == () and old.model == new.model is not None
    for lines, said in (
        ("  max_age_hours: -1\n", "x.yaml:9:18: -1 is below the least value, 0"),
        ("  max_age_hours: 1\n  min_listing_age_hours: 2\n", "x.yaml:9:3: unknown key 'max_age_hours'"),
        ("  max_age_hour: 1\n", "x.yaml:4:1: missing key 'min_listing_age_hours'"),
    ):
        assert said in [str(problem) for problem in read_document("x.yaml", CONTRACTS + lines).problems]

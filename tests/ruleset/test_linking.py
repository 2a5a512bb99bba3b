"""What does not fit together between documents: each problem at its place, with what was meant."""

from __future__ import annotations

import pytest
from small_folder import SMALL, problems, with_edit

VALIDATION = "profiles/one/validation.yaml"


def test_the_small_folder_is_good() -> None:
    assert problems(SMALL) == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_chain_of_conditions_that_is_too_long(order: int) -> None:
    chain = [f"  c{n}: {{all_of: [c{n - 1}]}}\n" for n in range(1, 2001)][::order]
    texts = {
        **SMALL,
        "conditions/all.yaml": SMALL["conditions/all.yaml"] + "  c0: {not: above}\n" + "".join(chain),
    }
    (problem,) = problems(texts)
    line = 80 if order == 1 else 1963
    message = "condition 'c59' stands on more than 60 levels of groups and conditions"
    assert problem == f"conditions/all.yaml:{line}:3: {message}"


def test_a_long_circle_of_conditions() -> None:
    circle = "".join(f"  c{n}: {{all_of: [c{(n + 1) % 2000}]}}\n" for n in range(2000))
    found = problems({**SMALL, "conditions/all.yaml": SMALL["conditions/all.yaml"] + circle})
    assert any("in a circle: c0 → c1 → " in problem for problem in found)


CASES = [
    # names in expressions, at their column
    (
        "conditions/all.yaml",
        "close > ema_9",
        "close > ema_99",
        ["conditions/all.yaml:5:19: unknown fact or parameter 'ema_99'; did you mean 'ema_9'?"],
    ),
    (
        "conditions/all.yaml",
        "rising(close, n)",
        "risng(close, n)",
        ["conditions/all.yaml:18:11: unknown function 'risng'; did you mean 'rising'?"],
    ),
    (
        "conditions/all.yaml",
        "when: close > ema_9",
        "when: >-\n      close\n      > ema_99",
        ["conditions/all.yaml:7:9: unknown fact or parameter 'ema_99'; did you mean 'ema_9'?"],
    ),
    (
        "facts.yaml",
        "rsi: {indicator: rsi, period: 14, unit: index}",
        "rsi: {indicator: macd, output: line, fast: 26, slow: 12, signal: 9, unit: price}",
        ["facts.yaml:9:3: fast 26 is not below slow 12"],
    ),
    # names in trees
    (
        "conditions/all.yaml",
        "[above, near]",
        "[abvoe, near]",
        ["conditions/all.yaml:20:14: unknown condition 'abvoe'; did you mean 'above'?"],
    ),
    (
        VALIDATION,
        "- near: {tolerance",
        "- naer: {tolerance",
        [f"{VALIDATION}:15:13: unknown condition 'naer'; did you mean 'near'?"],
    ),
    (
        VALIDATION,
        "{tolerance: 0.002}",
        "{tolerace: 0.002}",
        [f"{VALIDATION}:15:20: unknown parameter of 'near' 'tolerace'; did you mean 'tolerance'?"],
    ),
    (
        VALIDATION,
        "- above",
        "- above: 1",
        [f"{VALIDATION}:14:20: condition 'above' has no parameters"],
    ),
    (
        VALIDATION,
        "- above",
        "- above: {x: 1}",
        [f"{VALIDATION}:14:21: condition 'above' has no parameters"],
    ),
    (
        VALIDATION,
        "{rsi_between: {low: 40}}",
        "{rsi_between: 40}",
        [
            f"{VALIDATION}:16:32: condition 'rsi_between' has 2 parameters: low, high; "
            "write rsi_between: {low: …}"
        ],
    ),
    # values of parameters
    (
        VALIDATION,
        "{tolerance: 0.002}",
        "{tolerance: 0.2}",
        [f"{VALIDATION}:15:31: 0.2 is above the greatest 'tolerance', 0.1"],
    ),
    (VALIDATION, "{tolerance: 0.002}", "-1", [f"{VALIDATION}:15:19: -1 is below the least 'tolerance', 0"]),
    (
        VALIDATION,
        "rises: 3]",
        "rises: 2.5]",
        [f"{VALIDATION}:18:25: parameter 'n' counts bars; 2.5 is not a whole number"],
    ),
    (
        "conditions/all.yaml",
        "{default: 30, unit: index, minimum: 0}",
        "{default: -1, unit: index, minimum: 0}",
        ["conditions/all.yaml:12:22: -1 is below the least 'low', 0"],
    ),
    (
        "conditions/all.yaml",
        "minimum: 0, maximum: 0.1",
        "minimum: 0.2, maximum: 0.1",
        [
            "conditions/all.yaml:8:28: 0.001 is below the least 'tolerance', 0.2",
            "conditions/all.yaml:8:57: the minimum 0.2 is above the maximum 0.1",
            f"{VALIDATION}:15:31: 0.002 is below the least 'tolerance', 0.2",
        ],
    ),
    (
        "conditions/all.yaml",
        "{default: 70, unit: index, maximum: 100}",
        "{default: 70, unit: index, by_timeframe: {5m: 101}, maximum: 100}",
        ["conditions/all.yaml:13:59: 101 is above the greatest 'high', 100"],
    ),
    (
        "conditions/all.yaml",
        "unit: bars, minimum: 1, maximum: 50",
        "unit: bars",
        [
            "conditions/all.yaml:17:7: parameter 'n' counts candles and needs bounds within 1 and 500; "
            "add minimum: 1 and maximum: 500"
        ],
    ),
    (
        "conditions/all.yaml",
        "default: 2, unit: bars",
        "default: 2, unit: name",
        ["conditions/all.yaml:17:29: a parameter is a number or a flag, and a 'name' is not"],
    ),
    (
        "conditions/all.yaml",
        "default: 0.001, unit: ratio",
        "default: true, unit: ratio",
        ["conditions/all.yaml:8:28: parameter 'tolerance' is a number, and true is not"],
    ),
    (
        VALIDATION,
        "{tolerance: 0.002}",
        "{tolerance: true}",
        [f"{VALIDATION}:15:31: parameter 'tolerance' is a number, and true is not"],
    ),
    # parameters that nobody reads, or that hide something
    (
        "conditions/all.yaml",
        "when: low < rsi < high",
        "when: rsi < high",
        ["conditions/all.yaml:12:7: parameter 'low' is never read"],
    ),
    (
        "conditions/all.yaml",
        "      low: {default",
        "      close: {default: 1, unit: price}\n      low: {default",
        ["conditions/all.yaml:12:7: parameter 'close' hides the fact of that name; give it another name"],
    ),
    (
        "facts.yaml",
        "  rsi: {indicator",
        "  max: {indicator: rsi, period: 5, unit: index}\n  rsi: {indicator",
        ["facts.yaml:9:3: 'max' is a word of the rule language and cannot be a fact's name"],
    ),
    # values of parameters that do not fit together
    (
        "conditions/all.yaml",
        "    when: low < rsi < high",
        "    requires: low < hihg\n    when: low < rsi < high",
        ["conditions/all.yaml:14:21: unknown parameter 'hihg'; did you mean 'high'?"],
    ),
    (
        "conditions/all.yaml",
        "    when: low < rsi < high",
        "    requires: 1 < 2\n    when: low < rsi < high",
        ["conditions/all.yaml:14:15: 'requires' reads no parameter, so it always says the same"],
    ),
    (
        "conditions/all.yaml",
        "{default: 70, unit: index, maximum: 100}\n",
        "{default: 70, unit: index, by_timeframe: {1h: 20}, maximum: 100}\n    requires: low < high\n",
        [
            "conditions/all.yaml:14:15: the defaults on 1h do not keep this: low is 30 and high is 20",
        ],
    ),
    # circles
    (
        "conditions/all.yaml",
        "[above, near]",
        "[above, {not: {any_of: [both]}}]",
        ["conditions/all.yaml:20:37: conditions refer to each other in a circle: both → both"],
    ),
    (
        "conditions/all.yaml",
        "  both:\n    all_of: [above, near]",
        "  both:\n    all_of: [above, third]\n  third:\n    not: both",
        ["conditions/all.yaml:22:10: conditions refer to each other in a circle: both → third → both"],
    ),
    # a profile's own conditions
    (
        VALIDATION,
        "timeframes:\n  5m:",
        "rules:\n  near: {when: close > 1}\ntimeframes:\n  5m:",
        [
            f"{VALIDATION}:11:3: condition 'near' exists already; it is in conditions/all.yaml:6",
            f"{VALIDATION}:17:20: condition 'near' has no parameters",
        ],
    ),
    (
        VALIDATION,
        "timeframes:\n  5m:",
        "rules:\n  mine: {all_of: [above, yours]}\ntimeframes:\n  5m:",
        [f"{VALIDATION}:11:26: unknown condition 'yours'"],
    ),
    (
        VALIDATION,
        "min_candles: 20",
        "min_candles: 20\nfilters_mandatory:\n  - {filter: {nera: 0.01}, side: long}\n  - abov",
        [
            f"{VALIDATION}:11:15: unknown condition 'nera'; did you mean 'near'?",
            f"{VALIDATION}:12:5: unknown condition 'abov'; did you mean 'above'?",
        ],
    ),
    (
        VALIDATION,
        "min_candles: 20",
        "min_candles: 20\nfilters_mandatory:\n  - {filter: above, timeframes: [1m, 15m]}",
        [f"{VALIDATION}:11:38: the filter is never asked on '15m': no context or execution timeframe"],
    ),
    (
        VALIDATION,
        "min_candles: 20",
        "min_candles: 20\nfilters_mandatory:\n  - {filter: above, timeframes: [1m], phases: [context]}",
        [f"{VALIDATION}:11:39: the filter is never asked; its timeframes are only asked for the execution"],
    ),
    (
        VALIDATION,
        "min_candles: 20",
        "min_candles: 20\nfilters_mandatory:\n  - {filter: above, phase: [context]}",
        [f"{VALIDATION}:11:21: unknown key 'phase'; did you mean 'phases'?"],
    ),
    # gates
    (
        "gates/data.yaml",
        "when: candles < candles_needed",
        "when: candls < candles_needed",
        ["gates/data.yaml:10:11: unknown fact or parameter 'candls'; did you mean 'candles'?"],
    ),
    (
        "gates/data.yaml",
        "  candles: {unit",
        "  candels: {unit",
        [
            "gates/data.yaml:6:3: unknown fact 'candels'; did you mean 'candles'?",
            "gates/data.yaml:10:11: unknown fact or parameter 'candles'; did you mean 'candels'?",
        ],
    ),
    (
        "gates/data.yaml",
        "  candles: {unit: bars, summary: s}",
        "  candles: {unit: bars, summary: s}\n  moonphase: {unit: count, summary: s}",
        ["gates/data.yaml:7:3: unknown fact 'moonphase': nothing hands it to gate 'data'"],
    ),
    (
        "gates/context.yaml",
        "facts: {longs: {unit: count, summary: s}}",
        "facts: {x: {unit: count, summary: s}}",
        [
            "gates/context.yaml:5:1: missing fact 'longs' of gate 'context'",
            "gates/context.yaml:5:9: unknown fact 'x': nothing hands it to gate 'context'",
            "gates/context.yaml:7:29: unknown fact or parameter 'longs'",
        ],
    ),
    (
        "gates/signal.yaml",
        '"execution"]',
        '"executoin"]',
        ["gates/signal.yaml:10:47: 'phase' is never 'executoin'; did you mean 'execution'?"],
    ),
    (
        "gates/signal.yaml",
        ", values: [context, execution]",
        "",
        [
            "gates/signal.yaml:10:36: 'phase' is compared with a text, but does not say what it can be; "
            "give the fact 'values'",
            "gates/signal.yaml:10:47: 'phase' is compared with a text, but does not say what it can be; "
            "give the fact 'values'",
        ],
    ),
    (
        "gates/data.yaml",
        "gate: data",
        "gate: dta",
        ["gates/data.yaml:2:7: gate 'dta' in a file named data.yaml; write data, or rename the file"],
    ),
    # reasons
    (
        "gates/data.yaml",
        "reason: too_few",
        "reason: too_fwe",
        [
            "gates/data.yaml:9:13: unknown reason 'too_fwe'; did you mean 'too_few'?",
            "reasons.yaml:4:3: no gate and no code gives the reason 'too_few'; did you mean 'too_fwe'?",
        ],
    ),
    (
        "reasons.yaml",
        "status: ERROR, meaning: m, remedy: r",
        "status: ERROR, meaning: m, remedy: r, replaces: [no_side, sparse, sparse]",
        [
            "reasons.yaml:8:80: 'no_side' is a reason itself, so nothing replaces it",
            "reasons.yaml:8:97: 'sparse' is replaced by 'given_by_code' already",
        ],
    ),
    (
        "gates/data.yaml",
        "reason: too_few",
        "reason: no_side",
        [
            "gates/data.yaml:9:13: reason 'no_side' belongs to stage 'signal' (reasons.yaml:5), "
            "and this is the gate of 'data'",
            "gates/data.yaml:9:13: reason 'no_side' has status 'invalid' (reasons.yaml:5), "
            "and is given here as 'INVALID'",
            "reasons.yaml:4:3: no gate and no code gives the reason 'too_few'",
        ],
    ),
    (
        "reasons.yaml",
        "given_by_code:",
        "given_by_cod:",
        [
            "reasons.yaml:8:3: no gate and no code gives the reason 'given_by_cod'; "
            "did you mean 'given_by_code'?",
            "reasons.yaml:3:1: missing reason 'given_by_code' of fixed code",
        ],
    ),
    # facts that code reads by itself
    (
        "facts.yaml",
        "  atr: {",
        "  art: {",
        ["facts.yaml:10:3: no fact 'atr', which fixed code reads; did you mean it by 'art'?"],
    ),
    (
        "facts.yaml",
        "  atr: {indicator: atr, period: 14, unit: price}\n",
        "",
        ["facts.yaml:6:1: missing fact 'atr', which fixed code reads"],
    ),
    # timeframes
    (
        VALIDATION,
        "execution_timeframes: [1m]",
        "execution_timeframes: [1m, 15m]",
        [
            f"{VALIDATION}:7:28: timeframe '15m' has no rules; "
            "add timeframes.15m, or every run ends with NO_CONFIG_FOR_TF"
        ],
    ),
    (
        VALIDATION,
        "execution_timeframes: [1m]",
        "execution_timeframes: [1m, 1m]",
        [f"{VALIDATION}:7:28: timeframe '1m' is in the list twice"],
    ),
    (
        "facts.yaml",
        "  5m: {anchor: previous_week}\n",
        "",
        [f"{VALIDATION}:6:22: timeframe '5m' has no history; add it to 'history' in facts.yaml"],
    ),
    (
        "profiles/one/trade_entry.yaml",
        "entry_zone: {k_atr: 0.35",
        "entry_zone: {pivot_timeframe: 4h, k_atr: 0.35",
        [
            "profiles/one/trade_entry.yaml:7:31: timeframe '4h' has no history; "
            "add it to 'history' in facts.yaml"
        ],
    ),
    (
        VALIDATION,
        "    long: [both, rises: 3]",
        "    long: [both, rises: 3]\n  15m:\n    long: [both]",
        [f"{VALIDATION}:19:3: the rules of '15m' are never asked: no context or execution timeframe"],
    ),
    (
        VALIDATION,
        "    long: [both, rises: 3]",
        "    long: []",
        [f"{VALIDATION}:17:3: timeframe '1m' has no scenario on either side"],
    ),
    (
        VALIDATION,
        "min_candles: 20",
        "min_candles: {1m: 20, 5m: 20, 4h: 20}",
        [f"{VALIDATION}:9:31: min_candles of '4h' is never asked"],
    ),
    (
        "gates/execution.yaml",
        "when: candidates == 0",
        'when: "false"',
        ["gates/execution.yaml:7:34: the expression reads no fact, so it always says the same"],
    ),
    (
        VALIDATION,
        "min_candles: 20",
        "min_candles: {1m: 20}",
        [f"{VALIDATION}:9:14: min_candles does not say how many candles '5m' needs"],
    ),
    # profiles
    (
        VALIDATION,
        "profile: one",
        "profile: on_e",
        [f"{VALIDATION}:3:10: unknown profile 'on_e': this is the folder of 'one'; did you mean 'one'?"],
    ),
    (
        "service.yaml",
        "name: one",
        "name: oen",
        [
            "service.yaml:4:1: profile 'one' has a folder and is not in the list; add it, enabled or not",
            "service.yaml:5:12: unknown profile 'oen'; did you mean 'one'?",
        ],
    ),
    (
        "service.yaml",
        "enabled: true}",
        "enabled: true}\n  - {name: one, enabled: false}",
        ["service.yaml:6:12: profile 'one' is listed twice; it is already on line 5"],
    ),
    (
        "service.yaml",
        "enabled: true",
        "enabled: false",
        ["service.yaml:4:1: no profile is enabled, so there is no default one"],
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), CASES)
def test_one_edit_and_what_is_said_of_it(file: str, old: str, new: str, expected: list[str]) -> None:
    assert sorted(problems(with_edit(file, old, new))) == sorted(expected)


BOUNDED = with_edit("conditions/all.yaml", "    when: low <", "    requires: low < high\n    when: low <")
BOUNDED = with_edit(
    "conditions/all.yaml",
    "high: {default: 70, unit: index,",
    "high: {default: 70, by_timeframe: {5m: 60}, unit: index,",
    BOUNDED,
)
TWISTED = [
    (VALIDATION, "{low: 40}", "{low: 70}", f"{VALIDATION}:16:38: 'rsi_between' on 5m"),
    (VALIDATION, "{low: 40}", "{high: 20, low: 40}", f"{VALIDATION}:16:39: 'rsi_between'"),
    (
        "conditions/all.yaml",
        "[above, near]",
        "[above, near, rsi_between: {low: 80}]",
        "conditions/all.yaml:21:46: 'rsi_between'",
    ),
    # a filter is asked on every timeframe, and 65 is too much where the other bound is 60
    (
        VALIDATION,
        "min_candles: 20",
        "min_candles: 20\nfilters_mandatory:\n  - rsi_between: {low: 65}",
        f"{VALIDATION}:11:24: 'rsi_between' on 5m",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), TWISTED)
def test_values_that_do_not_fit_together_where_they_are_given(
    file: str, old: str, new: str, expected: str
) -> None:
    told = problems(with_edit(file, old, new, BOUNDED))

    assert told and all(" requires low < high, and low is " in line for line in told)
    assert expected in {line.partition(" requires")[0] for line in told}
    assert problems(BOUNDED) == []

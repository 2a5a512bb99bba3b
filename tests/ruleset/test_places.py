"""What a condition may read where it is used, what metrics may be, and what a selector may name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_folder import FIXED, SMALL, build_small, problems, with_edit

from engine.ruleset import Profile

VALIDATION = "profiles/one/validation.yaml"
TRADE_ENTRY = "profiles/one/trade_entry.yaml"
WALKING = replace(
    FIXED, gates={**FIXED.gates, "plan": frozenset({"leverage", "kind"})}, metrics=frozenset({"spread"})
)
SELECTOR = """\
execution_selector:
  strategy: walk
  per_timeframe:
    1m:
      stay_on_if: [{spread_gt: 3}]
      drop_to_lower_if_any: [{not: never}, atr_wide]
"""
FOLDER = {
    **SMALL,
    "facts.yaml": SMALL["facts.yaml"]
    + """\
metrics:
  spread: {unit: bps, summary: s}
  atr_bps: {unit: bps, summary: s, value: '10000 * atr["5m"] / close["5m"]'}
  rsi: {unit: index, summary: s, value: 'rsi["5m"]'}
""",
    "conditions/more.yaml": """\
kind: conditions
version: 1
conditions:
  spread_gt:
    params:
      threshold: {default: 8, unit: bps, minimum: 0}
    when: spread > threshold
  atr_wide:
    when: atr_bps > 100
  never:
    when: "false"
  strong:
    when: rsi > 60
  stronger:
    when: rsi[1] < rsi
  leveraged:
    params:
      maximum: {default: 20, unit: count, minimum: 1, by_timeframe: {1m: 10}}
    when: leverage > maximum
  mixed:
    any_of: [atr_wide, strong]
""",
    "reasons.yaml": SMALL["reasons.yaml"] + "  odd: {stage: plan, status: skipped, meaning: m, remedy: r}\n",
    "gates/plan.yaml": """\
kind: gate
gate: plan
version: 1
rejects_as: skipped
facts:
  leverage: {unit: count, summary: s}
  kind: {unit: name, values: [limit, market], summary: s}
checks:
  - {reason: odd, when: leverage < 1}
""",
    VALIDATION: SMALL[VALIDATION].replace("execution_selector: {strategy: highest_valid}\n", SELECTOR),
}


def told(file: str, old: str, new: str) -> list[str]:
    return problems(with_edit(file, old, new, FOLDER), WALKING)


def test_the_folder_is_good() -> None:
    assert problems(FOLDER, WALKING) == []
    profile = build_small(FOLDER, WALKING).profiles["one"]
    assert set(profile.facts.metrics) == {"spread", "atr_bps"}, "only the metrics that its selector reads"
    assert set(profile.conditions.conditions) >= {"spread_gt", "atr_wide", "never"}
    assert profile.rules.walk is not None
    assert profile.canonical()["metrics"].keys() == {"spread", "atr_bps"}


CASES = [
    # a timeframe knows facts of candles
    (VALIDATION, "- above", "- atr_wide", [
        f"{VALIDATION}:19:13: condition 'atr_wide' reads 'atr_bps', a metric, which a timeframe does not "
        "know; a timeframe reads facts of candles"
    ]),
    (VALIDATION, "- above", "- leveraged: 3", [
        f"{VALIDATION}:19:13: condition 'leveraged' reads 'leverage', a fact of the gate 'plan', "
        "which a timeframe does not know; a timeframe reads facts of candles"
    ]),
    (VALIDATION, "- above", "- {any_of: [above, mixed]}", [
        f"{VALIDATION}:19:30: condition 'mixed' (by 'atr_wide') reads 'atr_bps', a metric, "
        "which a timeframe does not know; a timeframe reads facts of candles"
    ]),
    (VALIDATION, "min_candles: 20", "min_candles: 20\nfilters_mandatory: [leveraged]", [
        f"{VALIDATION}:15:21: condition 'leveraged' reads 'leverage', a fact of the gate 'plan', "
        "which a timeframe does not know; a timeframe reads facts of candles"
    ]),
    # the selector knows metrics
    (VALIDATION, "atr_wide]", "above]", [
        f"{VALIDATION}:13:44: condition 'above' reads 'close', a fact of candles, "
        "which the execution selector does not know; the execution selector reads metrics"
    ]),
    (VALIDATION, "atr_wide]", "leveraged]", [
        f"{VALIDATION}:13:44: condition 'leveraged' reads 'leverage', a fact of the gate 'plan', "
        "which the execution selector does not know; the execution selector reads metrics"
    ]),
    (VALIDATION, "atr_wide]", "strong]", []),  # a name that both know means what it means there
    (VALIDATION, "atr_wide]", "stronger]", [
        f"{VALIDATION}:13:44: condition 'stronger' reads 'rsi[1]', and metrics have no history"
    ]),
    (VALIDATION, "{spread_gt: 3}", "{spred_gt: 3}", [
        f"{VALIDATION}:12:21: unknown condition 'spred_gt'; did you mean 'spread_gt'?"
    ]),
    (VALIDATION, "{spread_gt: 3}", "{spread_gt: -3}", [
        f"{VALIDATION}:12:32: -3 is below the least 'threshold', 0"
    ]),
    # the shape of a selector
    (VALIDATION, "    1m:\n      stay", "    5m:\n      stay", [
        f"{VALIDATION}:11:5: the groups of '5m' are never asked: it is no execution timeframe"
    ]),
    (VALIDATION, "  per_timeframe:", "  execution_timeframe_default: 5m\n  per_timeframe:", [
        f"{VALIDATION}:10:32: '5m' is never selected: it is no execution timeframe"
    ]),
    (VALIDATION, "stay_on_if:", "stay_on_it:", [
        f"{VALIDATION}:12:7: unknown key 'stay_on_it'; did you mean 'stay_on_if'?"
    ]),
    (VALIDATION, "stay_on_if: [{spread_gt: 3}]", "stay_on_if: []", [f"{VALIDATION}:12:19: an empty list"]),
    (VALIDATION, "strategy: walk", "strategy: wlak", [
        f"{VALIDATION}:9:13: unknown strategy 'wlak'; did you mean 'walk'?"
    ]),
    (VALIDATION, "strategy: walk", "strategy: highest_valid", [
        f"{VALIDATION}:10:3: key 'per_timeframe' does not go with strategy 'highest_valid'"
    ]),
    # metrics
    ("facts.yaml", 'atr["5m"] / close["5m"]', 'atr / close["5m"]', [
        "facts.yaml:13:52: 'atr' does not say its timeframe; write atr[\"5m\"], for example"
    ]),
    ("facts.yaml", 'atr["5m"] / close', 'art["5m"] / close', [
        "facts.yaml:13:52: unknown fact or parameter 'art'; did you mean 'atr'?"
    ]),
    ("facts.yaml", '10000 * atr["5m"] / close["5m"]', 'atr["5m"] > 1', [
        "facts.yaml:13:44: a number is expected; this is yes or no"
    ]),
    ("facts.yaml", '10000 * atr["5m"] / close["5m"]', '10000', [
        "facts.yaml:13:43: the expression reads no fact, so it always says the same"
    ]),
    ("facts.yaml", '10000 * atr["5m"] / close["5m"]', 'atr["15m"]', [
        "facts.yaml:13:48: unknown timeframe '15m'; did you mean '1m'?"
    ]),
    ("facts.yaml", "  spread: {", "  spraed: {", [
        "facts.yaml:12:3: unknown metric 'spraed'; did you mean 'spread'?",
        "conditions/more.yaml:7:11: unknown fact or parameter 'spread'; did you mean 'spraed'?",
    ]),
    ("facts.yaml", "  spread: {unit: bps, summary: s}",
     "  spread: {unit: bps, summary: s, value: 'rsi[\"5m\"]'}", [
        "facts.yaml:12:42: fixed code computes 'spread'; leave 'value' out"
    ]),
    ("facts.yaml", "  atr_bps: {unit: bps", "  moon: {unit: count, summary: s}\n  atr_bps: {unit: bps", [
        "facts.yaml:13:3: unknown metric 'moon': nothing hands it to the execution selector"
    ]),
    ("facts.yaml", "  spread: {unit: bps", "  spread: {unit: flag", [
        "facts.yaml:12:18: a metric is a number, and a 'flag' is not"
    ]),
    ("facts.yaml", "  rsi: {unit: index, summary", "  rsi: {unit: bps, summary", [
        "facts.yaml:14:3: metric 'rsi' is in bps, and the fact of candles of that name in index; "
        "give it another name"
    ]),
    ("gates/plan.yaml", "  kind: {unit", "  atr: {unit: count, summary: s}\n  kind: {unit", [
        "gates/plan.yaml:7:3: unknown fact 'atr': nothing hands it to gate 'plan'",
        "gates/plan.yaml:7:3: fact 'atr' is in count, and the fact of candles of that name in price; "
        "give it another name",
    ]),
    # conditions
    ("conditions/more.yaml", 'when: "false"', 'when: "false or false"', [
        "conditions/more.yaml:11:11: the expression reads no fact, so it always says the same"
    ]),
    ("conditions/more.yaml", "when: spread > threshold", "when: spread[1] > threshold", [
        "conditions/more.yaml:7:18: 'spread' has no history and no timeframe"
    ]),
    ("conditions/more.yaml", "when: atr_bps > 100", "when: rising(atr_bps, 2)", [
        "conditions/more.yaml:9:18: 'atr_bps' has no history"
    ]),
    ("conditions/more.yaml", "threshold: {default: 8, unit: bps, minimum: 0}",
     "threshold: {default: 8, unit: bps, minimum: 0, by_timeframe: {1m: 4}}", [
        f"{VALIDATION}:12:21: condition 'spread_gt' has defaults by timeframe, "
        "and the execution selector has none"
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "expected"), CASES)
def test_one_edit_and_what_is_said_of_it(file: str, old: str, new: str, expected: list[str]) -> None:
    assert sorted(told(file, old, new)) == sorted(expected)


def test_a_folder_without_the_metrics_that_code_hands_in() -> None:
    text = FOLDER["facts.yaml"].replace("  spread: {unit: bps, summary: s}\n", "")
    found = problems({**FOLDER, "facts.yaml": text}, WALKING)
    assert "facts.yaml:11:1: missing metric 'spread' of the execution selector" in found


def test_nothing_is_said_of_names_that_a_broken_document_defines() -> None:
    broken = {**FOLDER, "gates/plan.yaml": "kind: 'gate\n"}
    assert problems(broken, WALKING) == [
        "gates/plan.yaml:1:7: a quoted text that never ends; add the closing quote"
    ]


PLAN_CASES = [
    ("spread_gt: 3", [
        f"{TRADE_ENTRY}:12:19: condition 'spread_gt' reads 'spread', a metric, which a plan does not know; "
        "a plan reads facts of the gate 'plan'"
    ]),
    ("leveraged", [
        f"{TRADE_ENTRY}:12:19: condition 'leveraged' has defaults by timeframe, and a plan has none"
    ]),
    ("above", [
        f"{TRADE_ENTRY}:12:19: condition 'above' reads 'close', a fact of candles, "
        "which a plan does not know; a plan reads facts of the gate 'plan'"
    ]),
    ("{not: atr_wide}", [
        f"{TRADE_ENTRY}:12:25: condition 'atr_wide' reads 'atr_bps', a metric, which a plan does not know; "
        "a plan reads facts of the gate 'plan'"
    ]),
    ("leveragd", [f"{TRADE_ENTRY}:12:19: unknown condition 'leveragd'; did you mean 'leveraged'?"]),
    ("", [f"{TRADE_ENTRY}:12:18: an empty list"]),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "expected"), PLAN_CASES)
def test_conditions_of_a_plan(condition: str, expected: list[str]) -> None:
    text = f"{FOLDER[TRADE_ENTRY]}plan_conditions: [{condition}]\n"
    assert problems({**FOLDER, TRADE_ENTRY: text}, WALKING) == expected


def test_a_profile_keeps_the_conditions_of_its_plans() -> None:
    conditions = FOLDER["conditions/more.yaml"].replace(", by_timeframe: {1m: 10}", "")
    text = f"{FOLDER[TRADE_ENTRY]}plan_conditions: [leveraged]\n"
    profile = build_small(
        {**FOLDER, "conditions/more.yaml": conditions, TRADE_ENTRY: text}, WALKING
    ).profiles["one"]
    assert "leveraged" in profile.conditions.conditions
    assert profile.plan_conditions.labels == ("leveraged",)
    restored = Profile.from_canonical(profile.canonical())
    assert (restored.fingerprint, restored.plan_conditions.labels) == (profile.fingerprint, ("leveraged",))

"""A small folder of rules in which every line has a purpose, for problems with exact places."""

from __future__ import annotations

from collections.abc import Mapping

from engine.ruleset import FixedCode, Ruleset, RulesetError, build
from engine.ruleset.folder import DocumentCache

FIXED = FixedCode(
    gates={
        "data": frozenset({"candles", "candles_needed"}),
        "signal": frozenset({"phase", "sides"}),
        "context": frozenset({"longs"}),
        "execution": frozenset({"candidates"}),
    },
    reasons=frozenset({"given_by_code"}),
    facts=frozenset({"atr"}),
)

SMALL = {
    "service.yaml": """\
kind: service
version: 1
default_exchange: paper
profiles:
  - {name: one, enabled: true}
""",
    "facts.yaml": """\
kind: facts
version: 1
history:
  1m: {anchor: previous_day}
  5m: {anchor: previous_week}
facts:
  close: {indicator: candle, output: close, unit: price}
  ema_9: {indicator: ema, period: 9, unit: price}
  rsi: {indicator: rsi, period: 14, unit: index}
  atr: {indicator: atr, period: 14, unit: price}
""",
    "conditions/all.yaml": """\
kind: conditions
version: 1
conditions:
  above:
    when: close > ema_9
  near:
    params:
      tolerance: {default: 0.001, unit: ratio, minimum: 0, maximum: 0.1}
    when: abs(close / ema_9 - 1) <= tolerance
  rsi_between:
    params:
      low: {default: 30, unit: index, minimum: 0}
      high: {default: 70, unit: index, maximum: 100}
    when: low < rsi < high
  rises:
    params:
      n: {default: 2, unit: bars, minimum: 1, maximum: 50}
    when: rising(close, n)
  both:
    all_of: [above, near]
""",
    "reasons.yaml": """\
kind: reasons
version: 1
reasons:
  too_few: {stage: data, status: INVALID, meaning: m, remedy: r}
  no_side: {stage: signal, status: invalid, meaning: m, remedy: r}
  no_long: {stage: context, status: INVALID, meaning: m, remedy: r}
  no_timeframe: {stage: execution, status: INVALID, meaning: m, remedy: r}
  given_by_code: {stage: run, status: ERROR, meaning: m, remedy: r}
""",
    "gates/data.yaml": """\
kind: gate
gate: data
version: 1
rejects_as: INVALID
facts:
  candles: {unit: bars, summary: s}
  candles_needed: {unit: bars, summary: s}
checks:
  - reason: too_few
    when: candles < candles_needed
""",
    "gates/signal.yaml": """\
kind: gate
gate: signal
version: 1
rejects_as: invalid
facts:
  phase: {unit: name, values: [context, execution], summary: s}
  sides: {unit: count, summary: s}
checks:
  - reason: no_side
    when: sides == 0 and phase in ["context", "execution"]
""",
    "gates/context.yaml": """\
kind: gate
gate: context
version: 1
rejects_as: INVALID
facts: {longs: {unit: count, summary: s}}
checks:
  - {reason: no_long, when: longs == 0}
""",
    "gates/execution.yaml": """\
kind: gate
gate: execution
version: 1
rejects_as: INVALID
facts: {candidates: {unit: count, summary: s}}
checks:
  - {reason: no_timeframe, when: candidates == 0}
""",
    "profiles/one/validation.yaml": """\
kind: validation
version: 1
profile: one
mode: pragmatic
neutral_policy: reject
context_timeframes: [5m]
execution_timeframes: [1m]
execution_selector: {strategy: highest_valid}
min_candles: 20
timeframes:
  5m:
    long:
      - all_of:
          - above
          - near: {tolerance: 0.002}
          - not: {rsi_between: {low: 40}}
  1m:
    long: [both, rises: 3]
""",
    "profiles/one/trade_entry.yaml": """\
kind: trade_entry
version: 1
profile: one
decision: {}
risk: {risk_pct: 1, initial_margin_usdt: 10}
entry: {zone_max_deviation_ratio: 0.1}
entry_zone: {k_atr: 0.35, w_min: 0.001, w_max: 0.01, asym_bias: 0.1}
stop: {atr_k: 1.5}
take_profit: {r_multiple: 2}
leverage: {exchange_cap: 20}
guards: {daily_max_loss_usdt: 25, max_concurrent_positions: 3}
""",
    "profiles/one/contracts.yaml": """\
kind: contracts
version: 1
profile: one
selection:
  min_turnover_usdt: 1
  mid_max_turnover_usdt: 2
  min_listing_age_hours: 0
  top_n: 1
  mid_n: 1
""",
}

Texts = Mapping[str, str]


def with_edit(file: str, old: str, new: str, texts: Texts = SMALL) -> dict[str, str]:
    """The folder with one text of one file replaced."""
    assert texts[file].count(old) == 1, f"{old!r} must be once in {file}"
    return {**texts, file: texts[file].replace(old, new)}


def build_small(texts: Texts, fixed: FixedCode = FIXED) -> Ruleset:
    """The ruleset of the texts."""
    contents = {path: text.encode() for path, text in texts.items()}
    return build("rules", contents, fixed, DocumentCache())


def problems(texts: Texts, fixed: FixedCode = FIXED) -> list[str]:
    """The problems of the texts, without the folder's name."""
    try:
        build_small(texts, fixed)
    except RulesetError as error:
        return [str(problem).removeprefix("rules/") for problem in error.problems]
    return []

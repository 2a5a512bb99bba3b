"""A profile that walks over 5m and 1m, whose spread matters for some symbols only."""

from __future__ import annotations

from pathlib import Path

NAME = "walker"
SPREAD_BPS = 0.2

VALIDATION = f"""\
kind: validation
profile: walker
version: 1
extends: scalper_micro
context_timeframes: [15m]
execution_timeframes: [5m, 1m]
execution_selector:
  strategy: walk
  per_timeframe:
    5m:
      stay_on_if: [{{expected_r_multiple_gte: 1.5}}, {{atr_pct_15m_lte_bps: 20}}]
      drop_to_lower_if_any: [{{atr_pct_15m_gt_bps: 20}}, {{entry_zone_width_pct_gt: 1.2}}]
      forbid_drop_to_lower_if_any: [{{adx_5m_lt: 12}}, {{spread_bps_gt: {SPREAD_BPS}}}]
  execution_timeframe_default: 5m
rules:
  rising_price: {{when: close > ema_9}}
  falling_price: {{when: close < ema_9}}
timeframes:
  15m: {{long: [rising_price], short: [falling_price]}}
  5m: {{long: [rising_price], short: [falling_price]}}
  1m: {{long: [rising_price], short: [falling_price]}}
"""
OTHER = "kind: {kind}\nprofile: walker\nversion: 1\nextends: scalper_micro\n"


def add_walker(rules: Path) -> None:
    """Adds the profile to a folder of rules."""
    folder = rules / "profiles" / NAME
    folder.mkdir()
    (folder / "validation.yaml").write_text(VALIDATION, encoding="utf-8")
    for kind in ("trade_entry", "contracts"):
        (folder / f"{kind}.yaml").write_text(OTHER.format(kind=kind), encoding="utf-8")
    service = rules / "service.yaml"
    listed = f"{service.read_text(encoding='utf-8').rstrip()}\n  - {{name: {NAME}, enabled: true}}\n"
    service.write_text(listed, encoding="utf-8")

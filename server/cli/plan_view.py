"""A trading decision as a small block of lines: the whole plan, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import RenderableType

HUNDRED = Decimal(100)
Json = Mapping[str, Any]


def plan_block(symbol: str, decision: Json) -> RenderableType:
    """``decision`` is a ``trading_decision`` of the run's answer, new or stored."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    raw: Json = decision["raw"]
    heading = Text(symbol, style="bold")
    if "plan" in raw:
        heading.append(f" {raw['plan']['side']} on {raw['plan']['execution_tf']}")
        heading.append(f"  {decision['status']}", style="green")
        lines = _plan_lines(raw["plan"], decision["client_order_id"])
    else:
        heading.append(f"  {decision['status']}: {decision['reason']}", style="yellow")
        if "blocked_by" in decision:
            heading.append(f", blocked by {decision['blocked_by']}", style="yellow")
        lines = _fact_lines(raw.get("context", {}))
    for name, text in lines:
        table.add_row(f"  {name}", text)
    return Group(heading, table)


def _plan_lines(plan: Json, order_id: str | None) -> Iterator[tuple[str, str]]:
    entry, stop, target = (Decimal(plan[name]) for name in ("entry", "stop", "take_profit"))
    lose, win = ("below", "above") if plan["side"] == "long" else ("above", "below")
    zone, level = plan["zone"], plan["take_profit_detail"]["level"]
    yield "entry", f"{plan['entry']} limit, {_words(plan['entry_source'])}"
    yield "stop", f"{plan['stop']}, {_percent(entry, stop)} {lose}, {_words(plan['stop_source'])}"
    yield (
        "take profit",
        f"{plan['take_profit']}, {_percent(entry, target)} {win}, {_round(plan['effective_r'])} R after fees"
        + (f", aligned with {level}" if level is not None else ""),
    )
    yield (
        "size",
        f"{plan['size']} contracts of {plan['contract_size']}, notional {_round(plan['notional_usdt'])} USDT",
    )
    yield (
        "leverage",
        f"{plan['leverage']}x, margin {_round(plan['margin_usdt'])}"
        f" of at most {_round(plan['budget_usdt'])} USDT",
    )
    yield (
        "risk",
        f"loses {_round(plan['loss_at_stop_usdt'])} USDT at the stop"
        f" (at most {_round(plan['risk_usdt'])}), wins {_round(plan['reward_at_take_profit_usdt'])}",
    )
    yield "zone", f"{zone['low']} to {zone['high']}, {zone['pivot_source']} of {zone['pivot_timeframe']}"
    yield "expires", plan["expires_at"]
    yield "order id", order_id or "none"


def _fact_lines(facts: Json) -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        yield name, ", ".join(cast("list[str]", value)) if isinstance(value, list) else str(value)


def _words(code: str) -> str:
    return {"maker": "maker price", "atr_min_distance": "the least distance"}.get(
        code, code.replace("_", " ")
    )


def _percent(entry: Decimal, price: Decimal) -> str:
    return f"{abs(price - entry) / entry * HUNDRED:.2f} %"


def _round(text: str) -> str:
    return f"{Decimal(text):.2f}"

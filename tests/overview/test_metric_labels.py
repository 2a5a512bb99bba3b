"""Names and labels that dashboards rely on, and that every symbol of a run is counted once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from server.metrics import Metrics
from server.run import RunRequest
from server.service import service
from server.settings import load_settings

AT = "2025-06-01T07:46:00Z"

LABELS = {
    "entrygate_decisions_total": ("reason", "stage", "status"),
    "entrygate_order_outcomes_total": ("cause", "exchange", "outcome", "request"),
    "entrygate_orders_ended_total": ("exchange", "reason", "state"),
    "entrygate_alarms_total": ("alarm", "exchange"),
    "entrygate_verdict_to_acknowledgement_seconds_count": ("exchange",),
    "entrygate_unprotected_seconds_count": ("exchange",),
    "entrygate_unprotected_positions": ("exchange",),
    "entrygate_unsettled_orders": ("exchange",),
}

Sample = dict[str, str]


def samples(page: bytes, name: str) -> list[tuple[Sample, float]]:
    found = re.findall(rf"^{name}\{{(.*?)\}} (\S+)$", page.decode(), re.MULTILINE)
    return [(dict(re.findall(r'(\w+)="(.*?)"', labels)), float(value)) for labels, value in found]


def decisions(page: bytes) -> Counter[tuple[str, str, str]]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for labels, value in samples(page, "entrygate_decisions_total"):
        counted[labels["stage"], labels["status"], labels["reason"]] += int(value)
    return counted


def test_every_metric_has_its_name_and_its_labels() -> None:
    metrics = Metrics()
    metrics.decided("guards", "skipped", "trading_halted")
    metrics.asked("paper", "submit", "refused", "would_cross")
    metrics.ended("paper", "closed", "position_closed_stop")
    metrics.alarm("paper", "unprotected")
    metrics.acknowledged("paper", 0.3)
    metrics.unprotected("paper", 1.5)
    metrics.now("paper", unprotected=1, unsettled=2)
    page = metrics.render()
    for name, labels in LABELS.items():
        ((found, _),) = samples(page, name)
        assert tuple(sorted(found)) == labels, name


async def test_each_symbol_of_a_dry_run_is_counted_once(tmp_path: Path) -> None:
    chosen = load_settings(database_url=f"sqlite:///{tmp_path / 'entrygate.db'}", paper_at=AT)
    async with service(chosen) as made:
        result = await made.runner.run(RunRequest(actor="test"))
        counted = decisions(made.metrics.render())
    assert sum(counted.values()) == len(result.run.symbols) + len(result.run.excluded) == 8
    wanted = Counter(
        answer["reason"] or (answer["trading_decision"] or {}).get("reason") or ""
        for answer in result.symbols.values()
    )
    assert Counter(dict.fromkeys(wanted, 0)) | wanted == Counter(
        {reason: sum(n for (_, _, r), n in counted.items() if r == reason) for reason in wanted}
    )
    assert counted["execution", "INVALID", "no_timeframe_selected"] == 4

"""Every line about an order says which run, decision and order it is about, whoever writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from course import Course
from journeys import FALLS, FILLS, FLAT, RISES, course
from world import World

WHOSE = ("run_id", "decision_key", "client_order_id")

WORLDS: dict[str, Course] = {
    "stop_refused": course(FILLS, FLAT, attaches=False, forced={"stop": ["refused:other"] * 40}),
    "presets_lost": course(FILLS, RISES, forced={"submit": ["unarmed"]}),
    "reply_lost": course(FILLS, FALLS, forced={"submit": ["lost_reply"], "order": ["unavailable"] * 40}),
    "stop_taken_away": course(FILLS, FLAT, RISES, happenings=[(70.0, "stop_taken")]),
    "order_forgotten": course(FLAT, happenings=[(9.0, "order_forgotten")]),
    "position_hidden": course(FILLS, FLAT, RISES, forced={"positions": ["hidden"] * 40}),
    "workflow_broken": course(FILLS, RISES, forced={"order": ["bug"]}),
    "broken_before": course(FLAT, forced={"leverage": ["bug"]}),
    "venue_away": course(FILLS, FLAT, RISES, happenings=[(20.0, "outage"), (62.0, "outage")]),
}


@pytest.mark.parametrize("name", WORLDS)
def test_lines_about_an_order_say_whose_it_is(name: str, folder: Path) -> None:
    world = World(0, folder, WORLDS[name]).run()
    (intent,) = world.final
    wanted = {
        "run_id": intent.run_id,
        "decision_key": intent.decision_key,
        "client_order_id": intent.client_order_id,
    }
    about = [line for line in world.logged if line["event"].startswith(("order.", "alarm.", "trade_entry."))]
    assert about
    for line in about:
        assert {key: line.get(key) for key in WHOSE} == wanted, line

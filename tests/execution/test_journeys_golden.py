"""One journey per outcome, from the verdict to the close, as the operator reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from course import BEGIN_MS, MINUTE_MS, PAST_MINUTES, Course
from journeys import FALLS, FILLS, FLAT, NO_CONVERSION, RISES, THIN, TTL, course, told
from outcomes import OUTCOMES, stages
from syrupy.assertion import SnapshotAssertion

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "test_journeys_golden"
REFUSED = "refused:would_cross"
SHORT_ZONE = {"entry_zone": {"ttl_sec": 15}}
CONVERTS = {"end_of_zone": {"enabled": True, "ttl_threshold_sec": 25}}
AT_MARKET = {"market": True}
BEFORE_THE_MINUTE = BEGIN_MS + PAST_MINUTES * MINUTE_MS + 55_500
MOVES_MEANWHILE = {**AT_MARKET, "latency": (1.0, 1.0), "begins_ms": BEFORE_THE_MINUTE}
FLAT_AT_60 = (60, 60, 60)
JUST_BEFORE_THE_MINUTE = BEGIN_MS + PAST_MINUTES * MINUTE_MS + 59_750

JOURNEYS: dict[str, Course] = {
    "filled_and_took_profit": course(FILLS, RISES),
    "filled_and_stopped_out": course(FILLS, FALLS),
    "stop_placed_where_the_venue_takes_none_along": course(FILLS, RISES, attaches=False),
    "two_targets": course(FILLS, RISES, two_targets=True, attaches=False),
    "market_entry_filled": course(FLAT, RISES, **AT_MARKET),
    "market_entry_refused": course(FLAT, forced={"submit": ["refused:other"]}, **AT_MARKET),
    "market_entry_not_filled": course(RISES, begins_ms=JUST_BEFORE_THE_MINUTE, **AT_MARKET),
    "workflow_broke_before_anything_left": course(FLAT, forced={"leverage": ["bug"]}),
    "position_not_shown": course(FILLS, FLAT, RISES, forced={"positions": ["hidden"] * 40}),
    "cancelled_by_its_life": course(FLAT, changes=TTL),
    "cancelled_by_the_zones_end": course(FLAT, changes=SHORT_ZONE | NO_CONVERSION),
    "cancelled_out_of_the_zone": course((0, 400, 400), (400, 400, 400)),
    "cancelled_by_the_operator": course(FLAT, happenings=[(3.0, "cancel")]),
    "cancelled_by_the_halt": course(FLAT, happenings=[(3.0, "halt"), (20.0, "resume")]),
    "halted_before": course(FLAT, happenings=[(0.0, "halt"), (20.0, "resume")]),
    "switched_off_before": course(FLAT, happenings=[(0.0, "switch_off")]),
    "switched_off_once_recorded": course(FLAT, happenings=[(0.25, "switch_off")]),
    "switched_off_while_it_rests": course(FILLS, RISES, happenings=[(3.0, "switch_off")]),
    "ended_by_the_venue": course(FLAT, happenings=[(3.0, "order_gone")]),
    "lost_at_the_venue": course(FLAT, happenings=[(9.0, "order_forgotten")]),
    "requoted_and_taken": course(FILLS, RISES, forced={"submit": [REFUSED]}),
    "requotes_exhausted": course(FLAT, forced={"submit": [REFUSED] * 3}),
    "refused_for_another_cause": course(FLAT, forced={"submit": ["refused:insufficient_margin"]}),
    "turned_away_and_sent_again": course(FILLS, RISES, forced={"submit": ["not_sent"]}),
    "leverage_refused": course(FLAT, forced={"leverage": ["refused:leverage"]}),
    "reply_lost_and_found": course(FILLS, RISES, forced={"submit": ["lost_reply"]}),
    "known_already": course(FILLS, RISES, forced={"submit": ["duplicate_ack"]}),
    "request_lost_and_sent_again": course(FILLS, RISES, forced={"submit": ["lost_request"]}),
    "never_placed": course(FLAT, forced={"submit": ["lost_request"] * 3}),
    "signal_expired": course(
        FLAT, forced={"leverage": ["slow"]}, changes={"execution": {"signal_ttl_sec": 1}}
    ),
    "presets_lost": course(FILLS, RISES, forced={"submit": ["unarmed"]}),
    "cannot_be_protected": course(FILLS, FLAT, attaches=False, forced={"stop": ["refused:other"] * 40}),
    "stop_never_answered": course(FILLS, FLAT, attaches=False, forced={"stop": ["error_before"] * 40}),
    "price_beyond_the_stop_at_once": course(
        FILLS, FLAT, attaches=False, forced={"stop": ["refused:invalid_price"]}
    ),
    "filled_in_part": course(THIN, RISES, changes={"execution": {"order_ttl_sec": 45}}),
    "converted_at_the_end": course(FLAT, RISES, changes=CONVERTS | {"execution": {"order_ttl_sec": 40}}),
    "filled_while_it_was_cancelled": course(
        FLAT, RISES, forced={"cancel": ["market_first"]}, happenings=[(3.0, "cancel")]
    ),
    "stop_taken_away": course(FILLS, FLAT, RISES, happenings=[(45.0, "stop_taken")]),
    "closed_by_hand": course(FILLS, FLAT, happenings=[(45.0, "close_by_hand")]),
    "workflow_broke_and_guardian_adopted": course(FILLS, RISES, forced={"order": ["bug"]}),
    "workflow_broke_and_the_database_hiccuped": course(
        FILLS, RISES, forced={"order": ["bug"], "write": [*[""] * 9, "database_before"]}
    ),
    "workflow_broke_and_so_did_who_adopted_it": course(FLAT, forced={"book": ["", "bug", "bug"]}),
    "given_up_before_it_was_known_to_be_there": course(
        FLAT, forced={"submit": ["lost_request"], "order": ["bug", "bug"]}
    ),
    "given_up_when_its_rest_was_sent": course(
        FLAT,
        forced={"submit": ["", "lost_request"], "order": ["", "", "bug", "bug"]},
        changes=CONVERTS | {"execution": {"order_ttl_sec": 40}},
    ),
    "halted_while_it_is_quoted_again": course(
        FLAT,
        forced={"submit": [REFUSED], "book": ["", "slow"]},
        happenings=[(1.0, "halt"), (20.0, "resume")],
    ),
    "second_target_refused_until_the_first_was_hit": course(
        FILLS,
        (0, 900, 0),
        FLAT,
        RISES,
        two_targets=True,
        attaches=False,
        forced={"target": ["", *["refused:other"] * 3]},
    ),
    "closing_is_refused": course(
        FILLS, FLAT, attaches=False, forced={"stop": ["refused:other"] * 40, "close": ["refused:other"] * 5}
    ),
    "closed_though_the_entry_is_not_shown": course(
        THIN,
        FLAT,
        attaches=False,
        forced={"stop": ["refused:other"] * 40, "order": ["", "", *["unavailable"] * 8]},
    ),
    "died_before_anything_left": course(FILLS, RISES, forced={"leverage": ["crash_before"]}),
    "died_with_the_order_under_way": course(FILLS, RISES, forced={"submit": ["crash_after"]}),
    "retried_after_no_answer": course(
        FILLS, RISES, forced={"book": ["unavailable"]}, happenings=[(5.0, "retry")]
    ),
    "retried_after_it_broke": course(FILLS, RISES, forced={"leverage": ["bug"]}, happenings=[(5.0, "retry")]),
    "retried_too_late": course(FILLS, RISES, forced={"book": ["unavailable"]}, happenings=[(70.0, "retry")]),
    "retried_without_need": course(FILLS, RISES, happenings=[(5.0, "retry")]),
    "protection_moved_to_the_real_entry": course(
        (0, 60, 60), FLAT_AT_60, RISES, happenings=[(20.0, "align")], **MOVES_MEANWHILE
    ),
    "protection_moved_although_the_reply_was_lost": course(
        (0, 60, 60),
        FLAT_AT_60,
        RISES,
        forced={"amend": ["lost_reply"]},
        happenings=[(20.0, "align"), (40.0, "align")],
        **MOVES_MEANWHILE,
    ),
    "stop_moved_by_a_person_is_left": course(
        (0, 60, 60),
        FLAT_AT_60,
        RISES,
        happenings=[(20.0, "stop_moved"), (40.0, "align"), (50.0, "align")],
        **MOVES_MEANWHILE,
    ),
    "cancelled_before_it_left": course(
        FLAT, forced={"leverage": ["lost_request"]}, happenings=[(0.45, "cancel")]
    ),
    "cancelled_while_it_was_turned_away": course(
        FLAT, forced={"submit": ["not_sent"] * 2}, happenings=[(0.6, "cancel")]
    ),
    "halted_while_it_was_turned_away": course(
        FLAT, forced={"submit": ["not_sent"] * 2}, happenings=[(0.6, "halt"), (20.0, "resume")]
    ),
    "switched_off_while_it_was_turned_away": course(
        FLAT, forced={"submit": ["not_sent"] * 2}, happenings=[(0.6, "switch_off")]
    ),
    "ended_by_the_venue_at_once_each_time": course(
        FLAT, happenings=[(at, "order_gone") for at in (0.9, 2.2, 3.5, 4.8)]
    ),
    "ended_at_once_and_lost_when_sent_again": course(
        FLAT,
        forced={"submit": ["", "lost_request"]},
        happenings=[(0.9, "order_gone")],
        changes={"execution": {"signal_ttl_sec": 5}},
    ),
    "still_cooling_down": course(
        FLAT, changes={"execution": {"order_ttl_sec": 8}}, happenings=[(20.0, "another")]
    ),
    "contract_not_answered": course(FLAT, forced={"contracts": ["unavailable"] * 9}),
    "balance_makes_no_sense": course(FLAT, forced={"balance": ["hidden"]}),
    "looked_at_only": course(FLAT, looks_only=True),
    "out_of_zone": course(
        FLAT,
        RISES,
        changes={
            "execution": {"order_ttl_sec": 20, "signal_ttl_sec": 300},
            "entry": {"zone_max_deviation_ratio": 0.00001},
        },
        happenings=[(100.0, "another")],
    ),
    "delivered_twice": course(FILLS, RISES, happenings=[(5.0, "again")]),
    "another_signal_of_the_symbol": course(FILLS, RISES, happenings=[(5.0, "another")]),
}


@pytest.mark.parametrize("name", JOURNEYS)
def test_journey(name: str, folder: Path, golden: SnapshotAssertion) -> None:
    assert told(JOURNEYS[name], folder) == golden


def test_every_outcome_has_a_journey() -> None:
    """Each way to end is told once at least. What a gate decides is told once per gate: its reasons differ in
    a word only, and the golden decisions of trade entry and of the guards hold each of them.
    """
    told_of = {
        tuple(entry["outcome"])
        for name in JOURNEYS
        for entry in json.loads((GOLDEN / f"test_journey[{name}].json").read_text())["entries"]
    }
    stage = stages()
    gates = {"guards", "preflight", "plan", "trade_entry"}
    at_gates = {
        o for o in OUTCOMES if o[0] == "rejected" and stage[str(o[2])] in gates | {"run", "eligibility"}
    }
    assert OUTCOMES - at_gates <= told_of
    assert {stage[str(reason)] for state, _, reason in told_of if state == "rejected"} >= gates

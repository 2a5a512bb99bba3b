"""Gates: the first true check rejects, unknown rejects unless told otherwise, rows equal columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped import examples, ruleset

from engine.expression import ExpressionError
from engine.gates import Gate, GateDecision
from engine.gates.gate import PASSED, GateValue
from engine.models.gate import GateDocument


def gate(checks: list[dict[str, Any]], **more: Any) -> Gate:
    document = {
        "kind": "gate",
        "gate": "door",
        "version": 1,
        "rejects_as": "skipped",
        "facts": {
            "price": {"unit": "price", "summary": "A number."},
            "atr": {"unit": "price", "summary": "Another."},
            "ok": {"unit": "flag", "summary": "A flag."},
            "mode": {"unit": "name", "summary": "A text.", "values": ["strict", "pragmatic"]},
        },
        "checks": checks,
    }
    return Gate.link(GateDocument.model_validate(document | more))


LOW = {"reason": "too_low", "when": "price < 10"}
HIGH = {"reason": "too_high", "when": "price > 20"}


# -- one row -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (15.0, None),
        (9.0, "too_low"),
        (21.0, "too_high"),
        (10.0, None),
        (20, None),
        (Decimal("9.99"), "too_low"),
    ],
)
def test_the_first_true_check_rejects_with_its_reason(price: GateValue, reason: str | None) -> None:
    decision = gate([LOW, HIGH]).decide({"price": price})
    assert (decision.passed, decision.reason) == (reason is None, reason)
    assert decision.status == (None if reason is None else "skipped")


def test_the_order_of_checks_is_the_order_of_reasons() -> None:
    always = {"reason": "always", "when": "true"}
    assert gate([LOW, always]).decide({"price": 9.0}).reason == "too_low"
    assert gate([always, LOW]).decide({"price": 9.0}).reason == "always"


@pytest.mark.parametrize("price", [None, float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity")])
def test_an_unknown_fact_rejects_and_is_named(price: GateValue) -> None:
    decision = gate([LOW]).decide({"price": price})
    assert (decision.passed, decision.reason, decision.unknown) == (False, "too_low", ("price",))


def test_a_fact_that_was_not_handed_in_is_unknown() -> None:
    decision = gate([{"reason": "r", "when": "price < 10 or atr > 1 or not ok"}]).decide(
        {"ok": True, "atr": 0.5}
    )
    assert decision.unknown == ("price",)
    assert dict(decision.values) == {"price": None, "atr": 0.5, "ok": True}


def test_a_check_may_ignore_what_it_cannot_know() -> None:
    lenient = gate([LOW | {"if_unknown": "ignore"}, {"reason": "no_atr", "when": "not known(atr)"}])
    assert lenient.decide({"atr": 1.0}).passed
    assert lenient.decide({}).reason == "no_atr"
    assert lenient.decide({"price": 9.0, "atr": 1.0}).reason == "too_low"


def test_what_is_decided_without_the_unknown_fact_is_decided() -> None:
    both = gate([{"reason": "r", "when": "price < 10 and atr > 1"}])
    assert both.decide({"price": 15.0}).passed
    assert both.decide({"price": 5.0}).unknown == ("atr",)


def test_division_by_zero_rejects_though_no_fact_is_missing() -> None:
    decision = gate([{"reason": "r", "when": "atr / price > 1"}]).decide({"price": 0.0, "atr": 1.0})
    assert (decision.passed, decision.unknown) == (False, ())


def test_the_outward_reason_hides_the_checks_own_which_is_blocked_by() -> None:
    outward = gate([LOW], reason="conditions_not_met").decide({"price": 1.0})
    assert (outward.reason, outward.outward, outward.blocked_by) == (
        "too_low",
        "conditions_not_met",
        "too_low",
    )
    own = gate([LOW]).decide({"price": 1.0})
    assert (own.outward, own.blocked_by) == ("too_low", None)
    assert GateDecision(passed=True).blocked_by is None


def test_a_check_may_reject_as_something_else() -> None:
    mixed = gate([LOW | {"rejects_as": "error"}, HIGH])
    assert mixed.decide({"price": 1.0}).status == "error"
    assert mixed.decide({"price": 99.0}).status == "skipped"


def test_a_name_that_no_gate_declares_is_an_error_of_the_code() -> None:
    with pytest.raises(KeyError, match="declares no fact 'prize'"):
        gate([LOW]).decide({"prize": 1.0})


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("prize < 1", "unknown fact or parameter 'prize'"),
        ("price[1] < 1", "a gate's facts have no history and no timeframe"),
        ("ok > 0", "'ok' is yes or no and cannot be compared"),
        ("mode < 'a'", "texts have no order"),
        ("price.real", "attributes are not part of the rule language"),
    ],
)
def test_a_check_that_does_not_fit_the_facts_is_refused_when_the_gate_is_linked(
    when: str, message: str
) -> None:
    with pytest.raises(ExpressionError, match=message):
        gate([{"reason": "r", "when": when}])


def test_flags_are_neither_numbers_nor_texts() -> None:
    flagged = gate([{"reason": "r", "when": "not ok"}])
    assert flagged.decide({"ok": True}).passed
    assert flagged.decide({"ok": False}).reason == "r"
    assert flagged.decide({"ok": None}).unknown == ("ok",)
    assert flagged.decide({"ok": "true"}).unknown == ()  # neither yes nor no: rejected all the same
    assert not flagged.decide({"ok": "true"}).passed


def test_every_check_can_be_shown_with_its_values() -> None:
    shown = gate([LOW, HIGH]).trace({"price": Decimal("21")})
    assert [(check.reason, trace.outcome, trace.margin) for check, trace in shown] == [
        ("too_low", False, -11.0),
        ("too_high", True, 1.0),
    ]


# -- rows and columns ----------------------------------------------------------------------------------------

NUMBERS = st.sampled_from((None, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 14.0, 100.0))


def any_facts(gate: Gate) -> st.SearchStrategy[dict[str, GateValue]]:
    """A value or nothing for every fact a gate declares."""
    values: dict[str, st.SearchStrategy[GateValue]] = {}
    for name, fact in gate.document.facts.items():
        texts = (*(fact.values or ("long", "short")), "something else")
        kinds = {"flag": st.sampled_from((None, True, False)), "name": st.sampled_from((None, *texts))}
        values[name] = kinds.get(fact.unit, NUMBERS)
    return st.fixed_dictionaries(values)


def as_columns(gate: Gate, table: list[dict[str, GateValue]]) -> dict[str, Any]:
    """The same facts as arrays: float64 with NaN, flags as 1, 0 and NaN, texts as objects."""

    def column(name: str, unit: str) -> Any:
        values = [row[name] for row in table]
        if unit == "name":
            return np.array(values, dtype=object)
        return np.array([np.nan if value is None else float(value) for value in values])  # type: ignore[arg-type]

    return {name: column(name, unit) for name, unit in gate.facts.items()}


@pytest.mark.parametrize("name", ruleset().gates)
@given(data=st.data())
@examples(40)
def test_a_gate_over_columns_decides_as_it_decides_row_by_row(name: str, data: st.DataObject) -> None:
    shipped = ruleset().gates[name]
    table = data.draw(st.lists(any_facts(shipped), min_size=1, max_size=8))
    columns = shipped.decide_columns(as_columns(shipped, table), len(table))
    for row, facts in enumerate(table):
        decision = shipped.decide(facts)
        index = int(columns.check[row])
        assert (index == PASSED) == decision.passed
        if not decision.passed:
            check = shipped.checks[index]
            assert check.reason == decision.reason
            assert bool(columns.unknown[row]) == (shipped.trace(facts)[index][1].outcome is None)


@pytest.mark.parametrize("name", ruleset().gates)
@given(data=st.data())
@examples(40)
def test_a_gate_decides_what_its_shown_checks_say(name: str, data: st.DataObject) -> None:
    """The trace is another implementation of the same expressions."""
    shipped = ruleset().gates[name]
    facts = data.draw(any_facts(shipped))
    rejecting = [
        check.reason
        for check, trace in shipped.trace(facts)
        if trace.outcome is True or (trace.outcome is None and check.if_unknown == "reject")
    ]
    assert shipped.decide(facts).reason == next(iter(rejecting), None)


def test_scalars_hold_for_all_rows() -> None:
    columns = gate([LOW, {"reason": "strict", "when": 'mode == "strict"'}]).decide_columns(
        {"price": np.array([1.0, 15.0, np.nan]), "mode": "strict"}, 3
    )
    assert columns.check.tolist() == [0, 1, 0]
    assert columns.unknown.tolist() == [False, False, True]


def test_infinity_in_a_column_is_unknown() -> None:
    columns = gate([HIGH]).decide_columns({"price": np.array([np.inf, -np.inf, 15.0])}, 3)
    assert columns.check.tolist() == [0, 0, PASSED]
    assert columns.unknown.tolist() == [True, True, False]


def test_no_rows_are_no_decisions() -> None:
    assert len(gate([LOW]).decide_columns({"price": np.array([])}, 0).check) == 0


@pytest.mark.parametrize("name", ruleset().gates)
def test_a_shipped_gate_that_knows_nothing_rejects(name: str) -> None:
    assert not ruleset().gates[name].decide({}).passed

"""A broken part hides nothing else, and nothing that only follows from it is told."""

from __future__ import annotations

from small_folder import SMALL, problems, with_edit


def test_problems_of_all_documents_are_told_together() -> None:
    texts = with_edit("conditions/all.yaml", "close > ema_9", "close > ema_99")
    texts = with_edit("service.yaml", "default_exchange", "default_exchnge", texts)
    texts = with_edit("facts.yaml", "period: 9", "period: nine", texts)
    texts = with_edit("gates/context.yaml", "longs == 0", "lngs == 0", texts)
    texts = with_edit("profiles/one/validation.yaml", "- above", "- abvoe", texts)
    texts = with_edit("profiles/one/contracts.yaml", "  top_n: 1", "\ttop_n: 1", texts)
    assert [line.split(" ")[0] for line in problems(texts)] == [
        "conditions/all.yaml:5:19:",
        "facts.yaml:8:35:",
        "gates/context.yaml:7:29:",
        "profiles/one/contracts.yaml:8:1:",
        "profiles/one/validation.yaml:14:13:",
        "service.yaml:3:1:",
    ]


def test_a_condition_that_cannot_be_read_is_still_there_for_those_who_name_it() -> None:
    assert problems(with_edit("conditions/all.yaml", "    when: abs(", "    wehn: abs(")) == [
        "conditions/all.yaml:9:5: unknown key 'wehn'; did you mean 'when'?"
    ]


def test_a_fact_whose_unit_is_wrong_is_not_judged_in_expressions() -> None:
    assert problems(with_edit("gates/signal.yaml", "unit: name", "unit: nmae")) == [
        "gates/signal.yaml:6:17: unknown unit 'nmae'; did you mean 'name'?"
    ]


def test_without_the_facts_no_name_in_an_expression_is_judged() -> None:
    assert problems({**SMALL, "facts.yaml": "facts: [\n"}) == [
        "facts.yaml:2:1: expected the node content, but found '<stream end>'"
    ]


def test_without_the_conditions_no_reference_is_judged() -> None:
    texts = with_edit("conditions/all.yaml", "conditions:\n", "condition:\n")
    assert problems(texts) == ["conditions/all.yaml:3:1: unknown key 'condition'; did you mean 'conditions'?"]


def test_without_a_gate_its_reasons_are_not_called_unused() -> None:
    assert problems({**SMALL, "gates/data.yaml": "kind: 'gate\n"}) == [
        "gates/data.yaml:1:7: a quoted text that never ends; add the closing quote"
    ]

"""The registry of reasons against the gates and the code that give them, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from engine.documents import Entry, Node, Position, Problem, did_you_mean
from engine.models.reasons import ReasonStatus, Stage
from engine.ruleset.fixed_code import FixedCode
from engine.ruleset.gates import ReasonUse, name_differences
from engine.ruleset.names import entries_of, items_of, text_of

STAGES: tuple[str, ...] = get_args(Stage)
STATUSES: tuple[str, ...] = get_args(ReasonStatus)


def reason_problems(
    reasons: Mapping[str, Entry], owner: Position, gates: Sequence[ReasonUse], fixed: FixedCode
) -> Iterator[Problem]:
    """Reasons that are not registered, never given, or registered for another stage or status."""
    for use in gates:
        if use.code not in reasons:
            yield use.node.position.unknown("reason", use.code, reasons)
        else:
            yield from _disagreement(use, reasons[use.code])
    given = frozenset(use.code for use in gates)
    wanted = fixed.reasons - set(reasons)
    for code, entry in reasons.items():
        yield from _never_given(code, entry, gates, fixed)
        if code not in given and code not in fixed.reasons:
            hint = did_you_mean(code, (given - set(reasons)) | wanted)
            yield entry.key.position.problem(f"no gate and no code gives the reason '{code}'", hint)
    yield from name_differences("reason", {}, wanted, "fixed code", owner)
    yield from _replaced_twice(reasons)


def _replaced_twice(reasons: Mapping[str, Entry]) -> Iterator[Problem]:
    """Codes said to be replaced that are given themselves, or replaced by two."""
    by: dict[str, str] = {}
    for code, entry in reasons.items():
        replaced = entries_of(entry.value).get("replaces")
        for item in items_of(replaced.value) if replaced is not None else ():
            old = text_of(item)
            if old is None:
                continue
            if old in reasons:
                yield item.position.problem(f"'{old}' is a reason itself, so nothing replaces it")
            elif old in by:
                yield item.position.problem(f"'{old}' is replaced by '{by[old]}' already")
            else:
                by[old] = code


def _disagreement(use: ReasonUse, entry: Entry) -> Iterator[Problem]:
    fields = entries_of(entry.value)
    stage = text_of(fields["stage"].value) if "stage" in fields else None
    status = text_of(fields["status"].value) if "status" in fields else None
    for named, elsewhere in _also(entry):
        if text_of(named) == use.gate:
            stage, status = use.gate, elsewhere
    where = f"{entry.key.position.file.rsplit('/', 1)[-1]}:{entry.key.line}"
    if stage is not None and stage in STAGES and use.gate in STAGES and stage != use.gate:
        yield use.node.position.problem(
            f"reason '{use.code}' belongs to stage '{stage}' ({where}), and this is the gate of '{use.gate}'"
        )
    if status in STATUSES and use.status in STATUSES and status != use.status:
        yield use.node.position.problem(
            f"reason '{use.code}' has status '{status}' ({where}), and is given here as '{use.status}'"
        )


def _never_given(code: str, entry: Entry, gates: Sequence[ReasonUse], fixed: FixedCode) -> Iterator[Problem]:
    """Gates that a reason names as further stages of it and that do not give it."""
    for named, _ in _also(entry):
        stage = text_of(named)
        if stage in fixed.gates and not any((use.code, use.gate) == (code, stage) for use in gates):
            yield named.position.problem(f"the gate '{stage}' never gives the reason '{code}'")


def _also(entry: Entry) -> Iterator[tuple[Node, str | None]]:
    """The further stages of a reason, and its status there."""
    fields = entries_of(entry.value)
    for item in items_of(fields["also"].value) if "also" in fields else ():
        named = entries_of(item)
        if "stage" in named:
            yield named["stage"].value, text_of(named["status"].value) if "status" in named else None

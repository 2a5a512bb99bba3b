"""Journeys that a page shows as text, because they take minutes: held to the wording and to the plan."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from fences import PAGES, Fence, fences

from server.cli.orders import event_lines
from server.execution.names import order_name
from server.orders.intent import Event
from server.overview.sentences import _SENTENCES  # pyright: ignore[reportPrivateUsage]
from server.run import RunRequest
from server.service import service
from server.settings import load_settings

LINE = re.compile(r"(\d\d:\d\d:\d\d\S*) +(\+\S+ s) +(\w+)  (.*)")
TAIL = re.compile(r"(.*?)(?: \(([^()]*)\))?$")


def shown() -> list[tuple[Fence, list[str]]]:
    """Text blocks with journeys, and the journeys' lines."""
    blocks = [(fence, LINE.findall(fence.text)) for page in PAGES for fence in fences(page, "text")]
    return [
        (fence, [line for line in fence.text.splitlines() if LINE.fullmatch(line)])
        for fence, lines in blocks
        if lines
    ]


def event_of(line: str, number: int, day: str) -> Event:
    """The event that a line tells of. Fails where no kind of event is told like that."""
    found = LINE.fullmatch(line)
    assert found is not None
    at = round(datetime.fromisoformat(f"{day}T{found[1]}").replace(tzinfo=UTC).timestamp() * 1000)
    told = TAIL.fullmatch(found[4])
    assert told is not None
    for kind, template in _SENTENCES.items():
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(template))
        if (words := re.fullmatch(pattern, told[1])) is not None:
            tails = dict(re.findall(r"([a-z ]+?) (\S+)(?:, |$)", told[2] or ""))
            details = {**words.groupdict(), **{name.replace(" ", "_"): v for name, v in tails.items()}}
            return Event(
                decision_key="",
                number=number,
                kind=kind,
                at=at,
                recorded_at=at,
                details=details,  # type: ignore[arg-type]
            )
    raise AssertionError(f"nothing is told like this: {line}")


def instant(fence: Fence) -> str:
    found = re.search(r"--at (\S+)", fence.text)
    assert found is not None, fence
    return found[1]


def test_journeys_are_shown() -> None:
    assert {fence.page for fence, _ in shown()} == {"README.md", "trading.md"}


def test_a_shown_journey_is_worded_as_the_command_words_it() -> None:
    for fence, lines in shown():
        day = instant(fence).partition("T")[0]
        events = [event_of(line, number, day) for number, line in enumerate(lines)]
        (after,) = {LINE.fullmatch(lines[0])[2]}  # type: ignore[index]
        began = events[0].at - round(float(after.strip("+ s")) * 1000)
        written = event_lines(events, began, LINE.fullmatch(lines[0])[3])  # type: ignore[index]
        blanks = [re.sub(r" +", " ", line) for line in lines]
        assert [re.sub(r" +", " ", line) for line in written] == blanks or _rounded(written, lines), fence


def _rounded(written: list[str], lines: list[str]) -> bool:
    """Seconds since the verdict may be a tenth off where the verdict's own line is not shown."""
    for ours, theirs in zip(written, lines, strict=True):
        left, right = LINE.fullmatch(ours), LINE.fullmatch(theirs)
        if left is None or right is None or (left[1], left[3], left[4]) != (right[1], right[3], right[4]):
            return False
        if abs(float(left[2].strip("+ s")) - float(right[2].strip("+ s"))) > 0.11:
            return False
    return True


async def test_a_shown_journey_is_that_of_the_plan(tmp_path: Path) -> None:
    """Its numbers are those of a dry run at the same instant, and so is its order's id."""
    for fence, lines in shown():
        symbol = LINE.fullmatch(lines[0])[3]  # type: ignore[index]
        chosen = load_settings(database_url=f"sqlite:///{tmp_path / 'entrygate.db'}", paper_at=instant(fence))
        async with service(chosen) as made:
            result = await made.runner.run(RunRequest(actor="test", symbols=(symbol,)))
        decision = result.symbols[symbol]["trading_decision"]
        assert decision is not None
        raw = decision["raw"]
        assert isinstance(raw, dict)
        plan = raw["plan"]
        assert isinstance(plan, dict)
        told = "\n".join(lines)
        assert f"{plan['size']} of {plan['size']} filled" in told, plan
        assert f"the stop stands at {plan['stop']}" in told, plan
        assert f"position_closed_take_profit (price {plan['take_profit']}," in told, plan
        for name in re.findall(r"client order id (\w+)", told):
            assert name == order_name(str(decision["decision_key"]), "entry", 0)

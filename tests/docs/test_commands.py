"""The commands of the pages do what the pages show."""

from __future__ import annotations

from pathlib import Path

import pytest
from fences import PAGES, ROOT, fences
from replay import commands, replay, same

from engine.ruleset import described, load
from server.cli import conditions as conditions_page
from server.cli.reasons import page
from server.fixed_code import FIXED_CODE

WITH_COMMANDS = [page for page in PAGES if fences(page, "console")]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_every_command_prints_what_the_page_shows(page: Path) -> None:
    different = [
        f"{fence}: $ {command.text}\n{printed}"
        for fence, command, printed in replay(page)
        if not same(command.shown, printed)
    ]

    assert not different, "\n\n".join(different)


def test_pages_show_commands() -> None:
    assert sum(len(commands(fence)) for page in PAGES for fence in fences(page, "console")) >= 10


def test_an_ellipsis_stands_for_anything_and_nothing_else_does() -> None:
    assert same("a\n…\nd\n", "a\nb\nc\nd\n")
    assert same("a … d\n", "a b c d\n")
    assert not same("a\nd\n", "a\nb\nd\n")
    assert not same("a\n", "b\n")
    assert same("run 0123456789ab\n", "run ba9876543210\n"), "ids differ from run to run"


def test_the_page_of_reason_codes_is_current() -> None:
    written = (ROOT / "docs" / "reason-codes.md").read_text(encoding="utf-8")

    assert written == page(load(ROOT / "rules", FIXED_CODE).reasons), "make docs writes it anew"


def test_the_page_of_conditions_is_current() -> None:
    written = (ROOT / "docs" / "conditions.md").read_text(encoding="utf-8")

    assert written == conditions_page.page(described(load(ROOT / "rules", FIXED_CODE))), (
        "make docs writes it anew"
    )

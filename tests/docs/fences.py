"""The fenced blocks of a page: what a reader would copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(\w*)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Fence:
    """``language`` is the first word after the backticks, ``note`` the rest; ``line`` is that of the text."""

    page: str
    line: int
    language: str
    note: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def fences(page: Path, *languages: str) -> list[Fence]:
    """The blocks of a page that are in one of the languages."""
    content = page.read_text(encoding="utf-8")
    return [
        Fence(page.name, content.count("\n", 0, found.start()) + 2, found[1], found[2] or "", found[3])
        for found in _FENCE.finditer(content)
        if found[1] in languages
    ]


def cases(fence: Fence) -> list[tuple[str, str]]:
    """Lines ``expression  # what it comes to``."""
    lines = [line for line in fence.text.splitlines() if line.strip()]
    return [(left.strip(), right.strip()) for left, _, right in (line.partition("#") for line in lines)]

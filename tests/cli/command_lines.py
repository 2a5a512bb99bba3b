"""What tests of the command line share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT = "2025-06-01T07:46:00Z"
"""An instant of the bundled candles at which LINKUSDT is READY long and SUIUSDT is READY short."""

OFFLINE = """
import socket
def refused(*_): raise AssertionError("a connection was tried")
socket.socket.connect = socket.socket.connect_ex = refused
from server.cli import main
main()
"""


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Stdout by line, fingerprints hidden: they change with every rule."""
        return [re.sub(r"\b[0-9a-f]{12,64}\b", "(fingerprint)", line) for line in self.out.splitlines()]


Command = Callable[..., Answer]


def edit(file: Path, before: str, after: str) -> None:
    """Replaces the first occurrence."""
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))

"""Does what a page tells its reader to do: its commands and its edits, in order, in a folder of their own.

``make docs`` writes what the commands print into the pages, but where a page shows an ellipsis.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from fences import PAGES, ROOT, Fence, fences

from engine.ruleset import described, load
from server.cli import conditions as conditions_page
from server.cli.reasons import page
from server.fixed_code import FIXED_CODE

ANYTHING = "…"
"""Stands for the rest of a line, or alone on a line for any number of lines."""

SHOWN_PORT = "8321"
NOT_REPLAYED = ("make test", "make check", ".")

_ENTRYGATE = """#!/bin/sh
exec {python} -c 'from server.cli import main; main()' "$@"
"""
_CURL = '''#!{python}
"""As much of curl as the pages use: -s, --json BODY and an address."""
import sys, urllib.error, urllib.request
words, body = sys.argv[1:], None
rest = []
while words:
    word = words.pop(0)
    if word == "--json": body = words.pop(0).encode()
    elif word != "-s": rest.append(word)
head = {{"Content-Type": "application/json"}} if body else {{}}
request = urllib.request.Request(rest[0], body, head)
try:
    answer = urllib.request.urlopen(request)
except urllib.error.HTTPError as refused:
    answer = refused
sys.stdout.write(answer.read().decode())
'''


@dataclass(frozen=True)
class Command:
    """One command of a block and the lines that the page shows under it."""

    text: str
    shown: str


def commands(fence: Fence) -> list[Command]:
    """The commands of a block: lines that begin with ``$``, and what follows each."""
    parts = re.split(r"^\$ ", fence.text, flags=re.MULTILINE)
    return [Command(head, rest) for head, _, rest in (part.partition("\n") for part in parts[1:])]


class Desk:
    """A folder with a copy of the shipped rules, ``entrygate`` on the path and nothing in the environment."""

    def __enter__(self) -> Desk:
        self._folder = tempfile.TemporaryDirectory(prefix="entrygate-docs-")
        self.home = Path(self._folder.name)
        self._servers: list[subprocess.Popen[str]] = []
        shutil.copytree(ROOT / "rules", self.home / "rules")
        tools = self.home / ".tools"
        tools.mkdir()
        for name, text in (("entrygate", _ENTRYGATE), ("curl", _CURL)):
            (tools / name).write_text(text.format(python=sys.executable))
            (tools / name).chmod(0o755)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ENTRYGATE_", "COLUMNS"))}
        self._environment = inherited | {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / ".data"),
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "ENTRYGATE_PORT": self._port,
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.terminate()
            server.wait(20)
        self._folder.cleanup()

    def run(self, command: str) -> str:
        """What the command prints, errors included."""
        if command.endswith("&"):
            return self._serve(command.removesuffix("&"))
        text = recipe(command).replace(SHOWN_PORT, self._port)
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.home,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        printed = done.stdout.replace(self._port, SHOWN_PORT)
        return printed if printed.endswith("\n") or not printed else f"{printed}\n"

    def edit(self, fence: Fence) -> None:
        """Makes the edit that a block of YAML is: ``new FILE``, ``add FILE`` or ``after-line-N FILE``."""
        how, _, name = fence.note.partition(" ")
        file = self.home / name
        if how == "new":
            assert not file.exists(), f"{name} is there already"
            file.write_text(fence.text)
            return
        lines = file.read_text().splitlines(keepends=True)
        at = len(lines) if how == "add" else int(how.removeprefix("after-line-"))
        file.write_text("".join([*lines[:at], fence.text, *lines[at:]]))

    def _serve(self, command: str) -> str:
        log = (self.home / ".served").open("w")
        server = ["bash", "-c", f"exec {command}"]
        self._servers.append(
            subprocess.Popen(server, cwd=self.home, env=self._environment, stdout=log, stderr=log)
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/ready")
            except OSError:
                time.sleep(0.1)
            else:
                break
        return (self.home / ".served").read_text().replace(self._port, SHOWN_PORT)


def recipe(command: str) -> str:
    """The command itself; for ``make NAME`` what the Makefile does once ``.venv`` is prepared."""
    if not command.startswith("make "):
        return command
    target = shlex.split(command)[1]
    makefile = (ROOT / "Makefile").read_text()
    found = re.search(rf"^{target}:.*\n\t@(.+)$", makefile, re.MULTILINE)
    assert found is not None, f"the Makefile has no target {target}"
    return found[1].replace("$(BIN)/", "").replace("$(ARGS)", "")


def replay(file: Path) -> Iterator[tuple[Fence, Command, str]]:
    """Every command of a page that shows what it prints, with what it prints now."""
    with Desk() as desk:
        for fence in fences(file, "console", "yaml"):
            if fence.language == "yaml" and fence.note:
                desk.edit(fence)
            for command in commands(fence) if fence.language == "console" else ():
                if not command.text.startswith(NOT_REPLAYED):
                    yield fence, command, desk.run(command.text)


def same(shown: str, printed: str) -> bool:
    """Whether a page shows what is printed; what differs from run to run, or with any rule, may differ."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == ANYTHING else ".*".join(map(re.escape, line.split(ANYTHING))) + "\n"
        for line in _steady(shown).splitlines()
    )
    return re.fullmatch(pattern, _steady(printed)) is not None


def _steady(text: str) -> str:
    """Without ids and fingerprints."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{12,64}\b", "(id)", text)


def write(file: Path) -> None:
    """Puts what the commands print under them."""
    content, done = file.read_text(encoding="utf-8"), ""
    for _, command, printed in replay(file):
        head, line, content = content.partition(f"$ {command.text}\n")
        done += head + line
        if ANYTHING not in command.shown:
            content = printed + content.removeprefix(command.shown)
    file.write_text(done + content, encoding="utf-8")


if __name__ == "__main__":
    shipped = load(ROOT / "rules", FIXED_CODE)
    (ROOT / "docs" / "reason-codes.md").write_text(page(shipped.reasons))
    (ROOT / "docs" / "conditions.md").write_text(conditions_page.page(described(shipped)))
    for each in PAGES:
        write(each)

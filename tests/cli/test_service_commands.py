"""``serve`` and ``migrate``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
from command_lines import AT, Command

SERVE = (sys.executable, "-c", "from server.cli import main; main()", "serve", "--at", AT)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_serve_says_where_it_is_answers_and_stops(environment: Mapping[str, str], tmp_path: Path) -> None:
    port = free_port()
    command = [*SERVE, "--port", str(port), "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        health = httpx.get(f"{said['api']}/health")
        page = httpx.get(said["documentation"])
        run = httpx.get(f"{said['api']}/api/mtf/run", params={"symbols": "LINKUSDT"})
        process.send_signal(signal.SIGTERM)
        process.wait(20)

    assert said["api"] == f"http://127.0.0.1:{port}"
    assert (health.status_code, page.status_code) == (200, 200)
    assert run.json()["data"]["run"]["as_of"] == AT


def test_serve_tells_in_a_line_why_it_cannot_start(entrygate: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = entrygate("serve", "--port", str(taken.getsockname()[1]))
    text = entrygate(
        "serve", "--port", str(free_port()), ENTRYGATE_DATABASE_URL=f"sqlite:///{os.devnull}/x.db"
    )

    assert busy.code == 1
    assert busy.err.startswith("cannot listen on 127.0.0.1 port ")
    assert busy.err.endswith(": Address already in use\n")
    assert (text.code, text.out) == (1, "")
    assert text.err.startswith("sqlite:////dev/null/x.db: ") and text.err.count("\n") == 1


def test_serve_refuses_broken_rules(entrygate: Command, rules: Path) -> None:
    (rules / "facts.yaml").unlink()

    answer = entrygate("serve", "--rules", "rules", "--port", str(free_port()))

    assert (answer.code, answer.out) == (1, "")
    assert "rules/facts.yaml:1:1: there is no facts.yaml" in answer.err.splitlines()
    assert "Traceback" not in answer.err


def test_migrate_brings_the_database_to_head_once(entrygate: Command, tmp_path: Path) -> None:
    behind, made, again, up = (
        entrygate("migrate", *options) for options in (("--check",), (), ("--json",), ("--check",))
    )

    address = f"sqlite:///{tmp_path}/journal.db"
    assert behind.code == 1
    assert behind.out.endswith(" behind; entrygate migrate applies them\n")
    assert made.code == 0 and made.out.startswith(f"{address}: ") and " applied, now at " in made.out
    assert json.loads(again.out)["applied"] == []
    assert (up.code, up.out) == (0, f"{address}: up to date\n")


def test_a_database_that_does_not_answer_is_told_in_a_line_without_its_password(entrygate: Command) -> None:
    port = free_port()

    answer = entrygate("migrate", ENTRYGATE_DATABASE_URL=f"postgresql://me:secret@127.0.0.1:{port}/x")

    assert answer.code == 1
    assert answer.err.startswith(f"postgresql://me:***@127.0.0.1:{port}/x: ")
    assert "secret" not in answer.err

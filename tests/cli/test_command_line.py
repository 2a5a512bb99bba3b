"""What holds for every command: help, usage, exit codes, and how a failure is told."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from command_lines import OFFLINE, Command

from engine import __version__

COMMANDS = (
    *(
        "run",
        "explain",
        "orders",
        "cancel",
        "halt",
        "resume",
        "switches",
        "blacklist",
        "locks",
        "check",
        "profiles",
        "reasons",
        "init",
        "schema",
    ),
    *("why", "runs", "stats", "audit", "queue"),
    *("serve", "worker", "migrate", "doctor"),
)


def test_help_lists_every_command_in_80_columns(light: Command) -> None:
    answer = light("--help")

    assert answer.code == 0
    assert all(re.search(rf"^│ {command} +\w", answer.out, re.MULTILINE) for command in COMMANDS)
    assert max(map(len, answer.out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_says_what_it_does_and_gives_an_example(light: Command, command: str) -> None:
    answer = light(command, "--help")

    assert answer.code == 0
    assert f"Usage: entrygate {command}" in answer.out
    assert f"Example: entrygate {command}" in answer.out
    assert "--json" in answer.out
    assert "<bool>" not in answer.out


def test_version(light: Command) -> None:
    assert light("--version").out == f"entrygate {__version__}\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chekc", "entrygate: no such command 'chekc'. Did you mean 'check'?\nSee entrygate --help"),
        ("check --fast", "entrygate check: no such option: --fast\nSee entrygate check --help"),
        ("init", "entrygate init: missing argument 'DIR'.\nSee entrygate init --help"),
        ("explain", "explain which symbol? For example: entrygate explain BTCUSDT"),
        ("explain BTCUSDT --decision x", "--decision names everything by itself; leave out the rest"),
        ("run --minutes 0", "--minutes: expected 1 to 1440, not 0"),
        ("run --at soon", "--at 'soon': expected an instant such as 2025-06-03T15:32:00Z"),
        (
            "run --at 2025-06-01T07:46",
            "--at '2025-06-01T07:46': expected a zone at the end of the instant; Z is UTC",
        ),
        ("run --speed 9", "--speed is for --live"),
        ("run --live --minutes 3", "--live decides once and keeps it: leave out --minutes and --no-journal"),
        (
            "switches of GLOBAL --reason x",
            "switches of: expected list, off, on or queue; did you mean 'off'?",
        ),
        ("switches off --reason x", "switches off what? For example: entrygate switches off SYMBOL:BTCUSDT"),
        (
            "switches off BTCUSDT --reason x",
            "expected GLOBAL, SYMBOL:<symbol> or SYMBOL_TF:<symbol>:<timeframe>, not 'BTCUSDT'; "
            "did you mean SYMBOL:BTCUSDT?",
        ),
        ("switches off GLOBAL", "--reason TEXT has to be given: it is recorded with what you do"),
        ("switches on GLOBAL --for 5m --reason x", "--for is for switches off"),
        (
            "switches off GLOBAL --for 5x --reason x",
            "--for '5x': expected a duration such as 15m, 4h, 1d or 2 hours",
        ),
        ("switches queue GLOBAL:X --reason x", "'GLOBAL:X' is not a symbol (2 to 40 letters, digits and _)"),
        ("switches GLOBAL", "switches GLOBAL: expected list, off, on or queue"),
        ("switches list GLOBAL", "switches list takes no name; --symbol shows one symbol's"),
        ("switches off GLOBAL --state off --reason x", "--state is for switches list"),
        ("switches --state of", "--state: expected off or on, not 'of'"),
        ("switches --page 0", "--page: expected 1 or more, not 0"),
        (
            "blacklist add --reason x",
            "blacklist add which symbol? For example: entrygate blacklist add BTCUSDT",
        ),
        ("blacklist remove BTCUSDT --for 1d --reason x", "--for is for blacklist add"),
        ("locks release --reason x", "locks release which one? entrygate locks lists them"),
        ("orders --last 0", "--last: expected 1 to 500, not 0"),
        ("halt", "--reason TEXT has to be given: it is recorded with what you do"),
        (
            "serve --host 0.0.0.0",
            "listening on 0.0.0.0 lets others in: set ENTRYGATE_API_KEYS, or listen on 127.0.0.1",
        ),
        (
            "serve --at 2025-06-01T07:46Z --speed 2",
            "--at lets the clock stand; --start and --speed let it run",
        ),
    ],
)
def test_wrong_use_is_told_in_a_line(light: Command, line: str, message: str) -> None:
    answer = light(*line.split())

    assert (answer.code, answer.out, answer.err) == (2, "", f"{message}\n")


def test_without_a_command_there_is_help(light: Command) -> None:
    answer = light()

    assert answer.code == 2
    assert "Usage: entrygate" in answer.out + answer.err


def test_a_reader_that_goes_away_is_no_failure() -> None:
    command = [sys.executable, "-c", OFFLINE, "reasons"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()

"""The command ``entrygate``: its commands, its help, and how a command ends."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from server.cli.audit import audit
from server.cli.blacklist import blacklist
from server.cli.check import check
from server.cli.conditions import conditions
from server.cli.contracts import contracts
from server.cli.doctor import doctor
from server.cli.errors import OK, PROBLEMS, USAGE, CommandError
from server.cli.explain import explain
from server.cli.init import init
from server.cli.locks import locks
from server.cli.migrate import migrate
from server.cli.operate import cancel, halt, resume, retry
from server.cli.orders import orders
from server.cli.output import complain, say
from server.cli.profiles import profiles
from server.cli.queue import queue
from server.cli.reasons import reasons
from server.cli.run import run
from server.cli.runs import runs
from server.cli.schedule import schedule
from server.cli.schema import schema
from server.cli.serve import serve
from server.cli.stats import stats
from server.cli.switches import switches
from server.cli.why import why
from server.cli.worker import worker

NAME = "entrygate"
INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


class _Command(TyperCommand):
    def get_help_option(self, ctx: Any) -> Any:
        return _plain(super().get_help_option(ctx))


class _Group(TyperGroup):
    def get_help_option(self, ctx: Any) -> Any:
        return _plain(super().get_help_option(ctx))


def _plain(option: Any) -> Any:
    """``--help`` shown as the flag it is, without a kind of value."""
    if option is not None:
        option.metavar = ""
    return option


app = typer.Typer(
    name=NAME,
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(asked: bool) -> None:
    if asked:
        from engine import __version__

        say(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def entrygate(
    context: typer.Context,
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            metavar="DIR",
            envvar="ENTRYGATE_RULES_DIR",
            help="Folder of rules for every command. Without it: the rules that are shipped.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_show_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Decides from YAML whether a crypto-futures entry may be placed, and says why.

    Start with: entrygate run --at 2025-06-01T07:46:00Z

    A run is simulated unless it is told to be --live; on the paper venue that costs nothing either.

    Exit codes: 0 fine, 1 the answer is no or problems were found, 2 the command was given wrongly.
    """
    context.obj = rules


def _paragraphs(text: str | None) -> str:
    """A docstring with each paragraph on one line: the terminal breaks it where it ends, not the source."""
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))


_DECIDE, _ASK, _TRADE, _RULES, _SERVICE = "Decide", "Ask", "Trade", "Rules", "Service"
for _command, _panel in (
    (run, _DECIDE),
    (explain, _DECIDE),
    (why, _ASK),
    (runs, _ASK),
    (stats, _ASK),
    (audit, _ASK),
    (queue, _ASK),
    (contracts, _ASK),
    (orders, _TRADE),
    (cancel, _TRADE),
    (retry, _TRADE),
    (halt, _TRADE),
    (resume, _TRADE),
    (switches, _TRADE),
    (blacklist, _TRADE),
    (locks, _TRADE),
    (check, _RULES),
    (profiles, _RULES),
    (conditions, _RULES),
    (reasons, _RULES),
    (init, _RULES),
    (schema, _RULES),
    (serve, _SERVICE),
    (schedule, _SERVICE),
    (worker, _SERVICE),
    (migrate, _SERVICE),
    (doctor, _SERVICE),
):
    app.command(cls=_Command, rich_help_panel=_panel, help=_paragraphs(_command.__doc__))(_command)


def run_command(arguments: Sequence[str]) -> int:
    """Runs one command line; returns its exit code. Whatever goes wrong is said in lines on stderr."""
    try:
        code = app(list(arguments), prog_name=NAME, standalone_mode=False)
    except CommandError as error:
        complain(error.lines)
        return error.code
    except typer.TyperException as error:
        complain(_misuse(error))
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return OK
    except Exception as error:
        complain([_fault(error)])
        return PROBLEMS
    return code if isinstance(code, int) else OK


def _misuse(error: typer.TyperException) -> list[str]:
    """The message of a command line that cannot be read, and where help is."""
    message = error.format_message()
    if not message:  # what a group without a command raises after it has printed its help
        return []
    command = str(getattr(getattr(error, "ctx", None), "command_path", "") or NAME)
    return [f"{command}: {message[:1].lower()}{message[1:]}", f"See {command} --help"]


def _fault(error: Exception) -> str:
    """An exception nobody expected: one line with the place it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    message = " ".join(str(error).split())
    return f"{NAME}: a fault of the program, please report it: {type(error).__name__}: {message}{place}"


def _silence() -> None:
    """The reader of a pipe has gone: nothing more can be said, at exit neither."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

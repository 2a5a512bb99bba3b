"""What a command cannot do, said in lines for a person and a code for a script."""

from __future__ import annotations

from collections.abc import Iterable

OK, PROBLEMS, USAGE = 0, 1, 2
"""Exit codes: fine; the answer is no, or something is wrong; the command was given wrongly."""


class CommandError(Exception):
    """Ends a command: ``lines`` go to stderr, ``code`` is the exit code."""

    def __init__(self, *lines: str, code: int = PROBLEMS) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.code = code


def wrong_use(*lines: str) -> CommandError:
    """The command line, or a setting, is at fault."""
    return CommandError(*lines, code=USAGE)


def unknown(what: str, name: str, valid: Iterable[str], *, listed_by: str | None = None) -> CommandError:
    """``no <what> 'name'``, with the nearest of the ``valid`` names, or all of them where none is near.

    Where they are too many for a line, the command that lists them is said instead.
    """
    from engine.documents import did_you_mean

    names = list(valid)
    choices = f"there is {', '.join(names)}" if names else "there is none"
    hint = did_you_mean(name, names) or (f"{listed_by} lists them" if listed_by else choices)
    return wrong_use(f"no {what} '{name}'; {hint}")

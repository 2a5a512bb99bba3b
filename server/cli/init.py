"""``entrygate init``: a folder of rules to edit."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Annotated

import typer

from server.cli.errors import CommandError, wrong_use
from server.cli.options import JsonOption
from server.cli.output import say, say_json
from server.shipped import shipped_rules

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; it may exist if empty.")]

_SCHEMA_COMMENT = re.compile(r"\A(# yaml-language-server: \$schema=)\.\./((?:\.\./)*schemas/)")
"""In the shipped rules the schemas lie beside the folder, in a copy inside it: one step less to go up."""


def init(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Copy the shipped rules into a folder of your own, to edit.

    Puts the schemas inside it, so that an editor checks the documents while you type. Prints what to do next.
    Never overwrites anything.

    Example: entrygate init my-rules
    """
    from engine.documents import schema_dir

    if folder.exists() and not folder.is_dir():
        raise wrong_use(f"'{folder}' is a file")
    if folder.is_dir() and any(folder.iterdir()):
        raise wrong_use(f"'{folder}' is not empty, and nothing is overwritten; choose another folder")
    try:
        files = _copy(shipped_rules(), schema_dir(), folder)
    except OSError as error:
        raise CommandError(f"cannot write to '{folder}': {error.strerror or error}") from error
    if as_json:
        say_json({"folder": str(folder), "files": files})
        return
    say(
        f"{folder}: {len(files)} files",
        "",
        f"  edit      {folder / 'profiles' / 'scalper_micro' / 'validation.yaml'}",
        f"  check     entrygate check {folder}",
        f"  run       entrygate run --rules {folder}",
    )


def _copy(rules: Path, schemas: Path, folder: Path) -> list[str]:
    """Returns the files made, relative to ``folder``."""
    made: list[str] = []
    for source in sorted(rules.rglob("*.yaml")):
        target = folder / source.relative_to(rules)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = _SCHEMA_COMMENT.sub(r"\1\2", source.read_text(encoding="utf-8"))
        target.write_text(text, encoding="utf-8")
        made.append(target.relative_to(folder).as_posix())
    (folder / "schemas").mkdir(exist_ok=True)
    for source in sorted(schemas.glob("*.schema.json")):
        shutil.copyfile(source, folder / "schemas" / source.name)
        made.append(f"schemas/{source.name}")
    return made

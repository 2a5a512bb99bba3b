"""``entrygate schema``: the JSON Schemas of the document kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from server.cli.errors import unknown, wrong_use
from server.cli.options import JsonOption
from server.cli.output import Answer, count, say, say_json

KindArgument = Annotated[
    str | None, typer.Argument(metavar="KIND", help="Print the schema of this kind, such as validation.")
]
WriteOption = Annotated[
    Path | None,
    typer.Option("--write", metavar="DIR", help="Write the schema of every kind into this folder."),
]


def schema(kind: KindArgument = None, write: WriteOption = None, as_json: JsonOption = False) -> None:
    """Print or write the JSON Schemas of the YAML documents.

    Editors that read the first line of a document check it against its schema while it is typed. Without
    KIND and --write it prints the kinds there are.

    Example: entrygate schema validation
    """
    from engine.documents import schema_text, write_schemas
    from engine.models import KINDS

    if kind is not None and write is not None:
        raise wrong_use("--write writes every kind; leave out KIND")
    if kind is not None:
        if kind not in KINDS:
            raise unknown("kind of document", kind, KINDS)
        say(schema_text(kind).rstrip("\n"))
        return
    if write is not None:
        files = write_schemas(write)
        if as_json:
            say_json({"files": [str(file) for file in files]})
        else:
            say(f"{count(len(files), 'schema')} written to {write}")
        return
    about = {name: _first_line(model.__doc__) for name, model in KINDS.items()}
    if as_json:
        say_json([{"kind": name, "about": text} for name, text in about.items()])
        return
    _print_kinds(about)


def _print_kinds(about: dict[str, str]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kind", style="cyan", no_wrap=True)
    table.add_column("about")
    for name, text in about.items():
        table.add_row(name, text)
    Answer().print(table)


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n\n", 1)[0].replace("\n", " ").replace("``", "")

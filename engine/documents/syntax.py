"""What ruamel.yaml says of text that is not YAML, in words that name the remedy."""

from __future__ import annotations

from typing import Any, cast

from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from engine.documents.node import Source
from engine.documents.problem import Problem


def syntax_problems(source: Source, error: MarkedYAMLError | ReaderError) -> list[Problem]:
    """The problem that ends the reading of a document; of tabs, every line that is indented with one."""
    if isinstance(error, ReaderError):
        return [_character_problem(source, error)]
    return _marked_problems(source, error)


def _marked_problems(source: Source, error: Any) -> list[Problem]:
    """Of an error with marks, which ruamel ships no types for."""
    said = str(error.problem or "not YAML").split("\n")[0]
    context = str(error.context or "")
    if "'\\t'" in said:
        return _tabs(source) or [_problem(source, error.problem_mark, "a tab", "use spaces")]
    if "while scanning a quoted scalar" in context and "end of" in said:
        return [
            _problem(source, error.context_mark, "a quoted text that never ends", "add the closing quote")
        ]
    if "could not find expected ':'" in said:
        return [_problem(source, error.context_mark, "a line without ':'", "write 'key: value'")]
    if "expected ',' or" in said:
        closing = "']'" if "]" in said.split("but")[0] else "'}'"
        opened = (
            f"what line {error.context_mark.line + 1} opened is still open" if error.context_mark else None
        )
        return [_problem(source, error.problem_mark, f"expected ',' or {closing}", opened)]
    message, hint = _in_our_words(said)
    return [_problem(source, error.problem_mark or error.context_mark, message, hint)]


def _in_our_words(said: str) -> tuple[str, str | None]:
    if "mapping values are not allowed" in said:
        return "a second ':' on this line", "put text with ':' in quotes, or check the indentation"
    if any(f"but found '{what}'" in said for what in ("<scalar>", "<block scalar>", "}", "]", ",")):
        return "text after the end of a value", "put the whole value in quotes"
    if "expected <block end>" in said:
        return "the indentation does not match the lines above", "indent the keys of a map alike"
    if "cannot start any token" in said:
        character = said.split("character ")[-1].split(" that")[0]
        return f"a value cannot start with {character}", "put it in quotes"
    if "sequence entries are not allowed" in said:
        return "a list item cannot start here", "start the list on its own line"
    if "<document start>" in said:
        return "text after the end of the document", "check the indentation"
    return said.replace("found ", "", 1) if said.startswith("found ") else said, None


def _tabs(source: Source) -> list[Problem]:
    found: list[Problem] = []
    for number, line in enumerate(source.text.split("\n"), start=1):
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in indent and line.strip():
            found.append(
                Problem(
                    source.file,
                    number,
                    indent.index("\t") + 1,
                    "a tab in the indentation",
                    "indent with spaces",
                )
            )
    return found


def _character_problem(source: Source, error: ReaderError) -> Problem:
    at = int(cast(Any, error).position)
    line = source.text.count("\n", 0, at) + 1
    column = at - source.text.rfind("\n", 0, at)
    return Problem(source.file, line, column, f"a character YAML does not allow: {source.text[at]!r}")


def _problem(source: Source, mark: Any, message: str, hint: str | None) -> Problem:
    if mark is None:
        return Problem(source.file, 1, 1, message, hint)
    return Problem(source.file, mark.line + 1, mark.column + 1, message, hint)

"""Back from a character of a text to the character of the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import MapNode, ScalarNode, at, position_of_key, position_of_value
from engine.documents.node import Source
from engine.documents.reader import read


def scalar(text: str) -> ScalarNode:
    result = read(Source("f", text))
    assert result.problems == ()
    assert result.root is not None
    node = result.root.get("a")
    assert isinstance(node, ScalarNode)
    return node


EXACT = [
    ("a: close > vwap", "vwap", (1, 12)),
    ("a:   close > vwap   # why", "vwap", (1, 14)),
    ("a: 'it''s vwap'", "vwap", (1, 11)),
    ('a: "a\\tb vwap"', "vwap", (1, 10)),
    ('a: "\\u0041\\x42 vwap"', "vwap", (1, 16)),
    ("a: close\n  > vwap", "vwap", (2, 5)),
    ("a: >-\n  close\n  > vwap", "vwap", (3, 5)),
    ("a: >\n\n  close\n\n\n  > vwap\n", "vwap", (6, 5)),
    ("a: |\n  close\n  > vwap\n", "vwap", (3, 5)),
    ("a: |-  # a comment\n    close\n      > vwap", "vwap", (3, 9)),
    ("a: 'close\n  > vwap'", "vwap", (2, 5)),
    ('a: "close \\\n  > vwap"', "vwap", (2, 5)),
    ("b: 1\nc:\n  d: x\na: ü > vwap", "vwap", (4, 8)),
]


@pytest.mark.parametrize(("text", "word", "where"), EXACT)
def test_a_word_of_a_text_is_found_in_the_file(text: str, word: str, where: tuple[int, int]) -> None:
    node = scalar(text)
    assert isinstance(node.value, str)
    position = node.position_of(node.value.index(word))
    assert (position.line, position.column) == where
    assert text.splitlines()[position.line - 1][position.column - 1 :].startswith(word)


words = st.lists(st.text("abc<>'\"", min_size=1, max_size=4), min_size=1, max_size=6)


@given(words, st.sampled_from(["'", ">-", "|"]))
def test_every_word_is_found_in_every_style(parts: list[str], style: str) -> None:
    if style == "'":
        text = "a: '" + "\n   ".join(part.replace("'", "''") for part in parts) + "'"
    else:
        text = f"a: {style}\n" + "\n".join(f"   {part}" for part in parts)
    node = scalar(text)
    assert isinstance(node.value, str)
    offset = 0
    for part in parts:
        offset = node.value.index(part, offset)
        position = node.position_of(offset)
        rest = text.splitlines()[position.line - 1][position.column - 1 :]
        assert (rest.replace("''", "'") if style == "'" else rest).startswith(part)
        offset += len(part)


def test_values_keys_and_items_know_their_place() -> None:
    root = read(Source("f", "a:\n  b: [1, {c: 2}]\n  d:\n    - e: 3\n")).root
    assert isinstance(root, MapNode)

    def place(position: object) -> str:
        return str(position)

    assert place(position_of_key(root, ("a",))) == "f:1:1"
    assert place(position_of_value(root, ("a", "b"))) == "f:2:6"
    assert place(position_of_value(root, ("a", "b", 0))) == "f:2:7"
    assert place(position_of_key(root, ("a", "b", 1, "c"))) == "f:2:11"
    assert place(position_of_value(root, ("a", "b", 1, "c"))) == "f:2:14"
    assert place(position_of_value(root, ("a", "d", 0, "e"))) == "f:4:10"
    assert place(position_of_value(root, ("a", "d", 0, "nothing", 7))) == "f:4:7"
    assert at(root, ("a", "b", 5)) is None

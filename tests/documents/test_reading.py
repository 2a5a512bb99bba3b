"""What YAML says, and what it must not be trusted to say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import plain
from engine.documents.node import Source
from engine.documents.reader import read


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read(Source("f", text)).problems]


PLAIN = [
    ("a: 1", 1),
    ("a: -12", -12),
    ("a: 0", 0),
    ("a: 1.5", 1.5),
    ("a: .5", 0.5),
    ("a: 1.0e-6", 1e-6),
    ("a: 1.0e+3", 1000.0),
    ("a: true", True),
    ("a: False", False),
    ("a: 5m", "5m"),
    ("a: 2.0.0", "2.0.0"),
    ("a: 1INCHUSDT", "1INCHUSDT"),
    ("a: '1e-6'", "1e-6"),
    ('a: "yes"', "yes"),
    ("a: 'null'", "null"),
    ('a: "x\\ty"', "x\ty"),
    ("a: >-\n  x\n  y", "x y"),
    ("a: [1, b, [c]]", [1, "b", ["c"]]),
    ("a: {b: {c: d}}", {"b": {"c": "d"}}),
    ("a: {}", {}),
    ("'a': 1", 1),
]


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_values_become_plain_python(text: str, value: object) -> None:
    result = read(Source("f", text))
    assert result.problems == ()
    assert result.root is not None
    read_value = plain(result.root)["a"]
    assert read_value == value
    assert type(read_value) is type(value)


READERS_DISAGREE = "looks like a number, but YAML readers disagree: some read it as text"
NOT_A_KEY = "is something else to YAML readers"
BOOLEAN_OR_TEXT = "is a boolean in YAML 1.1 and text in YAML 1.2"

REFUSED = [
    ("a: 1e-6", f"f:1:4: '1e-6' {READERS_DISAGREE}; write 1.0e-6"),
    ("a: 1.5e3", f"f:1:4: '1.5e3' {READERS_DISAGREE}; write 1500"),
    ("a: .5e3", f"f:1:4: '.5e3' {READERS_DISAGREE}; write 500"),
    ("a: -.5", f"f:1:4: '-.5' {READERS_DISAGREE}; write -0.5"),
    ("a: 1e20", f"f:1:4: '1e20' {READERS_DISAGREE}; write 1.0e+20"),
    ("a: 1_000", f"f:1:4: '1_000' {READERS_DISAGREE}; write 1000"),
    ("a: 1_000.5", f"f:1:4: '1_000.5' {READERS_DISAGREE}; write 1000.5"),
    ("a: 1e400", "f:1:4: '1e400' is too large for a number"),
    ("a: 1.0e+400", "f:1:4: '1.0e+400' is too large for a number"),
    ("a: 0x1F", "f:1:4: '0x1F' is not a decimal number; write 31"),
    ("a: 0b11", "f:1:4: '0b11' is not a decimal number; write 3"),
    (
        "a: 010",
        "f:1:4: '010' is octal in YAML 1.1 and decimal in YAML 1.2; write 10 for the decimal number",
    ),
    ("a: .inf", "f:1:4: '.inf' is not a finite number"),
    ("a: -.NaN", "f:1:4: '-.NaN' is not a finite number"),
    ("a: 12:30", "f:1:4: '12:30' is a base-60 number in YAML 1.1; write '12:30' in quotes"),
    ("a: 2024-01-01", "f:1:4: '2024-01-01' is a date to YAML readers; write '2024-01-01' in quotes"),
    (
        "a: 2024-01-01T00:00:00Z",
        "f:1:4: '2024-01-01T00:00:00Z' is a date to YAML readers; write '2024-01-01T00:00:00Z' in quotes",
    ),
    ("a: yes", f"f:1:4: 'yes' {BOOLEAN_OR_TEXT}; write true, or 'yes' in quotes"),
    ("a: [b, Off]", f"f:1:8: 'Off' {BOOLEAN_OR_TEXT}; write false, or 'Off' in quotes"),
    ("a:", "f:1:1: 'a' has no value; write a value, or leave the key out"),
    ("b: 1\na:\n  c:\n", "f:3:3: 'c' has no value; write a value, or leave the key out"),
    ("a: ~", "f:1:4: an empty value; write a value, or leave the key out"),
    ("a: NULL", "f:1:4: an empty value; write a value, or leave the key out"),
    ("a:\n  - 1\n  -\n", "f:3:4: an empty list item; write a value, or leave the dash out"),
    ("a: 1\na: 2", "f:2:1: duplicate key 'a'; it is already on line 1"),
    ("a: {b: 1, b: 2}", "f:1:11: duplicate key 'b'; it is already on line 1"),
    ("a: &x 1", "f:1:4: an anchor '&x'; write the value where it is used"),
    ("a: !!str 5", "f:1:4: a tag '!!str'; leave it out; the value says what it is"),
    ("a: !x {}", "f:1:4: a tag '!x'; leave it out; the value says what it is"),
    (
        "5: a",
        f"f:1:1: a key must be text, and unquoted '5' {NOT_A_KEY}; write '5' in quotes",
    ),
    (
        "on: a",
        f"f:1:1: a key must be text, and unquoted 'on' {NOT_A_KEY}; write 'on' in quotes",
    ),
    ("[a]: b", "f:1:1: a key must be text"),
    ("a: {: b}", "f:1:6: an empty key"),
]


@pytest.mark.parametrize(("text", "problem"), REFUSED)
def test_what_yaml_readers_read_differently_is_refused(text: str, problem: str) -> None:
    assert problems(text) == [problem]


NOT_YAML = [
    ("", ["f:1:1: the document is empty"]),
    ("# a comment\n", ["f:1:1: the document is empty"]),
    ("foo", ["f:1:1: a document is a map of keys and values"]),
    ("- a\n- b", ["f:1:1: a document is a map of keys and values"]),
    (
        "a:\n\tb: 1\n  c: 2\n \td: 3\n",
        [
            "f:2:1: a tab in the indentation; indent with spaces",
            "f:4:2: a tab in the indentation; indent with spaces",
        ],
    ),
    (
        "a: b: c",
        ["f:1:5: a second ':' on this line; put text with ':' in quotes, or check the indentation"],
    ),
    ("a: 'x\nb: 1\n", ["f:1:4: a quoted text that never ends; add the closing quote"]),
    (
        "a:\n  b: 1\n c: 2\n",
        ["f:3:2: the indentation does not match the lines above; indent the keys of a map alike"],
    ),
    ("a: 1\nfoo\nb: 2\n", ["f:2:1: a line without ':'; write 'key: value'"]),
    ("a: [1, 2\nb: 3\n", ["f:2:2: expected ',' or ']'; what line 1 opened is still open"]),
    ("a: {b: 1\n", ["f:2:1: expected ',' or '}'; what line 1 opened is still open"]),
    ("a: 'x' == y", ["f:1:8: text after the end of a value; put the whole value in quotes"]),
    ("a: @x", ["f:1:4: a value cannot start with '@'; put it in quotes"]),
    ("a: - b", ["f:1:4: a list item cannot start here; start the list on its own line"]),
    ("a: 1\n---\nb: 2\n", ["f:2:1: a second document; a file holds one document"]),
    ("%YAML 1.1\n---\na: 1\n", ["f:2:1: a YAML directive; leave the line out"]),
    ("a: \x07", ["f:1:4: a character YAML does not allow: '\\x07'"]),
    ("a: " + "[" * 80 + "]" * 80, ["f:1:64: more than 60 levels of maps and lists"]),
    (
        "a: &x 1\nb: *x\nc: {<<: *x}\n",
        [
            "f:1:4: an anchor '&x'; write the value where it is used",
            "f:2:4: an alias '*x'; write the value out, or use 'extends'",
            "f:3:5: a merge key '<<'; write the keys out, or use 'extends'",
            "f:3:9: an alias '*x'; write the value out, or use 'extends'",
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), NOT_YAML)
def test_text_that_is_no_document_says_where_it_goes_wrong(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_all_problems_are_told_not_only_the_first() -> None:
    text = "a: 1e-6\nb: yes\nb: 2\nc:\n"
    assert [line.split(":")[1] for line in problems(text)] == ["1", "2", "3", "4"]


LETTERS = "ab1e5.:-_?,[]{}&*!|>'\"%@`#~ \n\t\r\\\ufeff\x85\x00"
YAMLISH = st.lists(st.sampled_from([*LETTERS, "- ", ": ", "\n  "]), max_size=40).map("".join)


@given(YAMLISH)
def test_no_text_breaks_the_reader(text: str) -> None:
    result = read(Source("f", text))
    assert (result.root is not None) or result.problems
    rows = text.count("\n") + text.count("\r") + text.count("\x85") + 2
    assert all(1 <= problem.line <= rows and problem.column >= 1 for problem in result.problems)


def test_numbers_have_an_end() -> None:
    assert problems("a: " + "1" * 5000)[0].endswith("is too large for a whole number")
    assert problems("a: 0x" + "f" * 5000)[0].startswith("f:1:4: ")

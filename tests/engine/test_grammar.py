"""What the expression grammar takes, and what it refuses while a document loads: message and place."""

from __future__ import annotations

import pytest
from hypothesis import given
from null_logic import SCOPE as LOGIC
from null_logic import Tree, trees, written
from shipped import examples

from engine.expression import ExpressionError, FactRef, Kind, Node, Scope, parse
from engine.expression import nodes as n
from engine.expression.nodes import children
from engine.expression.words import MAX_DEPTH, MAX_LENGTH

SCOPE = Scope(
    {"close": "price", "rsi": "index", "ok": "flag", "mode": "name", "tag": "name"},
    {"tolerance": "ratio", "n": "bars", "eps": "ratio", "sure": "flag"},
    frozenset({"1m", "5m", "1h"}),
)
GATE = Scope({"atr": "price", "mode": "name"}, history=False)


def problems(text: str, scope: Scope = SCOPE) -> list[tuple[int, str]]:
    """Offset and message of everything that is wrong."""
    with pytest.raises(ExpressionError) as refused:
        parse(text, scope)
    assert refused.value.text == text
    return [(problem.offset, problem.message) for problem in refused.value.problems]


# -- accepted ------------------------------------------------------------------------------------------------

ACCEPTED = (
    "true",
    "ok",
    "not ok",
    "close > 1",
    "close>1",
    "  close > 1  ",
    "close >= -1.5e-3",
    "0.0005 <= close / rsi <= 0.03",
    "1 < close < 2 < rsi",
    "-close < -tolerance",
    "--close < 1",
    "close + rsi - 1 * 2 / 3 > 0",
    "abs(close / rsi - 1) <= tolerance",
    "min(close, rsi, 1) < max(1, 2, close)",
    "close[1] <= 1 and close > 1",
    "close[0] == close",
    'rsi["1h"] > 50',
    'rsi["1h"][3] > 50',
    "close > close[n]",
    'rsi["1h"][n] > 50',
    "within(close > rsi, 2)",
    "ok and within(close > rsi and not ok[1] or sure, n)",
    "sure and not sure",
    "rising(close, 2)",
    "falling(close, n, eps * close)",
    'rising(rsi["1h"][1], 2, 0.5)',
    "known(close)",
    'known(close["5m"][2])',
    "known(mode) and known(ok)",
    'mode == "strict"',
    "'strict' != mode",
    "mode == tag",
    'mode in ["a", "b"]',
    'not (mode in ["a"])',
    "mode == 'é'",
    "ok or close > 1 and not rsi < 2",
    "(close\n  > 1)",
    "1 == 1",
)


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_rule_language_takes(text: str) -> None:
    assert parse(text, SCOPE).kind is Kind.TRUTH


@given(trees())
@examples(150)
def test_every_expression_that_can_be_built_can_be_read(tree: Tree) -> None:
    text = written(tree)
    read = parse(text, LOGIC)
    assert read.kind is Kind.TRUTH
    names = set(LOGIC.facts)
    assert {leaf.ref.name for leaf in _leaves(read) if isinstance(leaf, n.Fact)} <= names


def _leaves(node: Node) -> list[Node]:
    below = children(node)
    return [node] if not below else [leaf for child in below for leaf in _leaves(child)]


def test_not_binds_looser_than_a_comparison_and_tighter_than_and() -> None:
    tree = parse("not close > 1 and ok", SCOPE)
    assert isinstance(tree, n.Junction)
    assert isinstance(tree.operands[0], n.Negation)


def test_a_lag_and_a_timeframe_become_one_reference() -> None:
    tree = parse('rsi["1h"][3] > close[2]', SCOPE)
    assert isinstance(tree, n.Comparison)
    assert isinstance(tree.left, n.Fact)
    assert isinstance(tree.right, n.Fact)
    assert (tree.left.ref, tree.right.ref) == (FactRef("rsi", 3, "1h"), FactRef("close", 2))
    assert (str(tree.left.ref), str(tree.right.ref)) == ('rsi["1h"][3]', "close[2]")


def test_a_node_keeps_the_text_it_was_read_from() -> None:
    tree = parse("known(close) and  abs( rsi -\n1 ) >2 or ok", SCOPE)
    assert tree.text == "known(close) and abs( rsi - 1 ) >2 or ok"


# -- refused -------------------------------------------------------------------------------------------------

NO_ATTRIBUTES = "attributes are not part of the rule language"
NO_SUCH_CALL = "only a named function can be called"
NO_OPERATOR = "only + - * / are part of the rule language"
NO_ASSIGNMENT = "assignment is not part of the rule language"
HOW_TO_LAG = 'write x[1] for one candle earlier or x["1h"] for another timeframe'
HOW_TO_LIST = '\'in\' needs a list of texts on its right, like ["a", "b"]'
HOW_TO_COUNT = "the number of candles is a whole number or a parameter of unit 'bars'"
TREND = "takes a fact, a number of candles and optionally a least step"


def outside(piece: str) -> str:
    return f"'{piece}' is not part of the rule language"


REFUSED: tuple[tuple[str, list[tuple[int, str]]], ...] = (
    # names
    ("clsoe > 1", [(0, "unknown fact or parameter 'clsoe'")]),
    ("   clsoe > 1", [(3, "unknown fact or parameter 'clsoe'")]),
    ("\t clsoe > 1", [(2, "unknown fact or parameter 'clsoe'")]),
    ("\u2028clsoe > 1", [(1, "unknown fact or parameter 'clsoe'")]),
    ("(close\n > rsy)", [(10, "unknown fact or parameter 'rsy'")]),
    ("(close\r\n > rsy)", [(11, "unknown fact or parameter 'rsy'")]),
    ("mode == 'é' and clsoe > 1", [(16, "unknown fact or parameter 'clsoe'")]),
    ("mode == '日本語' and clsoe > 1", [(18, "unknown fact or parameter 'clsoe'")]),
    ("mode == '🕯' and rsy > 1", [(16, "unknown fact or parameter 'rsy'")]),
    ("mode == '\u2028' and rsy > 1", [(16, "unknown fact or parameter 'rsy'")]),
    ("mode == '\x0b' and rsy > 1", [(16, "unknown fact or parameter 'rsy'")]),
    ("abss(close) > 1", [(0, "unknown function 'abss'")]),
    ("abs > 1", [(0, "'abs' is a function: write abs(…)")]),
    ("True", [(0, "write true, not True")]),
    ("ok or False", [(6, "write false, not False")]),
    # kinds
    ("close", [(0, "a condition must say yes or no; this is a number")]),
    ("  rsi + 1", [(2, "a condition must say yes or no; this is a number")]),
    ('"yes"', [(0, "a condition must say yes or no; this is a text")]),
    ("not close", [(4, "'not' needs a truth, and 'close' is a number")]),
    ("close and ok", [(0, "'and' needs a truth, and 'close' is a number")]),
    ("close > 1 or rsi", [(13, "'or' needs a truth, and 'rsi' is a number")]),
    ("-ok", [(1, "'-' needs a number, and 'ok' is a truth")]),
    ("ok + 1 > 2", [(0, "'+' needs a number, and 'ok' is a truth")]),
    ("1 * (close > 1) > 0", [(5, "'*' needs a number, and 'close > 1' is a truth")]),
    ("abs(ok) > 1", [(4, "abs needs a number, and 'ok' is a truth")]),
    ("ok == true", [(0, "'ok' is yes or no and cannot be compared; use and, or, not")]),
    ("1 < ok", [(4, "'ok' is yes or no and cannot be compared; use and, or, not")]),
    ("close == 'x'", [(9, "'close' is a number and ''x'' is a text")]),
    ("mode == 1", [(8, "'mode' is a text and '1' is a number")]),
    ("mode > 'a'", [(7, "texts have no order; compare them with ==, != or in")]),
    ("'a' == 'a'", [(0, "a text is compared with a fact of unit 'name'")]),
    # membership
    ("close in [1, 2]", [(0, "'in' needs a fact of unit 'name' on its left")]),
    ("'a' in ['a']", [(0, "'in' needs a fact of unit 'name' on its left")]),
    ("mode in []", [(8, HOW_TO_LIST)]),
    ("mode in ('a', 'b')", [(8, HOW_TO_LIST)]),
    ("mode in 'abc'", [(8, HOW_TO_LIST)]),
    ("mode in ['a', 1]", [(14, "the list after 'in' holds texts only")]),
    ("mode in ['a', tag]", [(14, "the list after 'in' holds texts only")]),
    ("mode not in ['a']", [(0, "write not (… in […])")]),
    ("mode in ['a'] in ['b']", [(0, "'in' cannot be chained")]),
    # lags and timeframes
    ("close[-1] > 1", [(6, HOW_TO_LAG)]),
    ("close[1.5] > 1", [(6, HOW_TO_LAG)]),
    ("close[rsi] > 1", [(6, HOW_TO_COUNT)]),
    ("close[nn] > 1", [(6, "unknown fact or parameter 'nn'")]),
    ("close[tolerance] > 1", [(6, HOW_TO_COUNT)]),
    ("close[1][n] > 1", [(9, "a lag is given only once")]),
    ("close[n][1] > 1", [(0, "only a fact has candles to go back to")]),
    ("within(ok)", [(0, "within takes a yes/no and a number of candles")]),
    ("within(close, 2)", [(7, "within needs a truth, and 'close' is a number")]),
    ("within(ok, 501)", [(11, "the number of candles is whole, 0 to 500")]),
    ("within(ok, close)", [(11, HOW_TO_COUNT)]),
    ("within(within(ok, 1), 2)", [(7, "within cannot stand inside within")]),
    (
        'within(close > rsi["1h"], 2)',
        [(7, "within goes back candle by candle, and 'rsi[\"1h\"]' has candles of its own")],
    ),
    ("close[0:1] > 1", [(6, HOW_TO_LAG)]),
    ("close[1, 2] > 1", [(6, HOW_TO_LAG)]),
    ("close[True] > 1", [(6, HOW_TO_LAG)]),
    ("close[None] > 1", [(6, HOW_TO_LAG)]),
    ("close[501] > 1", [(6, "a lag is at most 500 candles")]),
    ("close[1][2] > 1", [(9, "a lag is given only once")]),
    ("close[0][1] > 1", [(9, "a lag is given only once")]),
    ('close["1h"][0][1] > 1', [(15, "a lag is given only once")]),
    ('close[1]["1h"] > 1', [(9, "the timeframe comes first and only once")]),
    ('close["1h"]["5m"] > 1', [(12, "the timeframe comes first and only once")]),
    ('close["7m"] > 1', [(6, "unknown timeframe '7m'")]),
    ("(close + 1)[1] > 1", [(1, "only a fact has candles to go back to")]),
    ("tolerance[1] > 1", [(0, "only a fact has candles to go back to")]),
    ("abs(close)[1] > 1", [(0, "only a fact has candles to go back to")]),
    ("'abc'[1] == mode", [(0, "only a fact has candles to go back to")]),
    # functions
    ("abs() > 1", [(0, "abs takes one argument")]),
    ("abs(close, rsi) > 1", [(0, "abs takes one argument")]),
    ("min(close) > 1", [(0, "min takes two or more arguments")]),
    ("known()", [(0, "known takes one fact")]),
    ("known(close, rsi)", [(0, "known takes one fact")]),
    ("known(tolerance)", [(6, "known needs a fact, and 'tolerance' is not one")]),
    ("known(close + 1)", [(6, "known needs a fact, and 'close + 1' is not one")]),
    ("rising(close)", [(0, f"rising {TREND}")]),
    ("rising(close, n, 1, 2)", [(0, f"rising {TREND}")]),
    ("falling(close + 1, 2)", [(8, "falling needs a fact, and 'close + 1' is not one")]),
    ("rising(mode, 2)", [(7, "rising needs a number, and 'mode' is a text")]),
    ("rising(close, 0)", [(14, "the number of candles is whole, 1 to 500")]),
    ("rising(close, -1)", [(14, "the number of candles is whole, 1 to 500")]),
    ("rising(close, 1.5)", [(14, "the number of candles is whole, 1 to 500")]),
    ("rising(close, tolerance)", [(14, HOW_TO_COUNT)]),
    ("rising(close, rsi)", [(14, HOW_TO_COUNT)]),
    ("rising(close, n, ok)", [(17, "rising needs a number, and 'ok' is a truth")]),
    ("min(close, key=abs) > 1", [(15, "arguments are given by position")]),
    ("max(**{'a': 1}) > 1", [(6, "arguments are given by position")]),
    ("max(*[close, rsi], 1) > 1", [(4, outside("*[close, rsi]"))]),
    # numbers
    ("close > 1e999", [(8, "the number is too large")]),
    ("close > 0x" + "f" * 400, [(8, "the number is too large")]),
    ("9" * 400 + " > close", [(0, "the number is too large")]),
    ("1j > close", [(0, "'1j' is not a number or a text")]),
    ("b'x' == mode", [(0, "'b'x'' is not a number or a text")]),
    ("... == close", [(0, "'...' is not a number or a text")]),
    ("close == None", [(9, "'None' is not a number or a text")]),
    # operators
    ("close ** 2 > 1", [(0, NO_OPERATOR)]),
    ("9 ** 9 ** 9 ** 9 > 1", [(0, NO_OPERATOR)]),
    ("1 << 1000000000 > 1", [(0, NO_OPERATOR)]),
    ("close >> 1 > 0", [(0, NO_OPERATOR)]),
    ("close % 2 == 0", [(0, NO_OPERATOR)]),
    ("'%s' % close == mode", [(0, NO_OPERATOR)]),
    ("'a' * 1000000000 == mode", [(0, "'*' needs a number, and ''a'' is a text")]),
    ("close // 2 > 0", [(0, NO_OPERATOR)]),
    ("close @ rsi > 0", [(0, NO_OPERATOR)]),
    ("ok & ok", [(0, NO_OPERATOR)]),
    ("ok | ok", [(0, NO_OPERATOR)]),
    ("~close > 0", [(0, outside("~"))]),
    ("+close > 0", [(0, outside("+"))]),
    ("close is rsi", [(9, "'is' is not part of the rule language; compare with ==")]),
    # Python's other words
    ("close.real > 1", [(0, NO_ATTRIBUTES)]),
    ("close if ok else rsi", [(0, "'if … else …' is not part of the rule language; use and, or, not")]),
    ("lambda: close > 1", [(0, "lambda is not part of the rule language")]),
    ("(y := close) > 1", [(1, NO_ASSIGNMENT)]),
    ("close = 1", [(0, f"{NO_ASSIGNMENT}; compare with ==")]),
    ("close += 1", [(0, NO_ASSIGNMENT)]),
    ("close: int = 1", [(0, outside("close: int = 1"))]),
    ("[x for x in [1]]", [(0, "comprehensions are not part of the rule language")]),
    ("{x for x in [1]}", [(0, outside("{x for x in [1]}"))]),
    ("(x for x in [1])", [(0, outside("(x for x in [1])"))]),
    ("[1, 2] == [1]", [(0, "a list may only stand to the right of 'in'")] * 1
     + [(10, "a list may only stand to the right of 'in'")]),
    ("(1, 2) == close", [(0, outside("(1, 2)"))]),
    ("{'a': 1} == close", [(0, outside("{'a': 1}"))]),
    ("{1, 2} == close", [(0, outside("{1, 2}"))]),
    ('f"{close}" == mode', [(0, "f-strings are not part of the rule language")]),
    ("await close", [(0, outside("await close"))]),
    ("yield close", [(0, outside("yield close"))]),
    ("*close", [(0, outside("*close"))]),
    ("close, rsi", [(0, outside("close, rsi"))]),
    ("import os", [(0, outside("import os"))]),
    ("del close", [(0, outside("del close"))]),
    ("pass", [(0, outside("pass"))]),
    ("def f(): pass", [(0, outside("def f(): pass"))]),
    ("close > 1; rsi > 1", [(11, "one expression is expected, not several")]),
    ("close > 1\nrsi > 1", [(10, "one expression is expected, not several")]),
    # letters that Python reads as other letters
    ("ｃｌｏｓｅ > 1", [(0, "'ｃｌｏｓｅ' is not spelled in plain letters; write close")]),
    ("cloſe > 1", [(0, "'cloſe' is not spelled in plain letters; write close")]),
    ("ok and 𝐭rue", [(7, "'𝐭rue' is not spelled in plain letters; write true")]),
    ("ａbs(close) > 1", [(0, "'ａbs' is not spelled in plain letters; write abs")]),
    # nothing at all
    ("", [(0, "the expression is empty")]),
    ("  \t", [(0, "the expression is empty")]),
    ("  # only a comment", [(2, "the expression is empty")]),
)  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=[repr(text)[:60] for text, _ in REFUSED])
def test_the_rule_language_refuses(text: str, expected: list[tuple[int, str]]) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("close >", None),
        ("close => 1", 7),
        ("close <> 1", None),
        ("close > 1)", 9),
        ("(close > 1", 0),
        ("ok && ok", 4),
        ("close > 1 and and ok", 14),
        ("  close > 1 rsi", None),
        ("mode == 'é' && ok", 13),
        ("'unclosed == mode", 0),
        ("08 > close", None),
        ("close\n> 1", None),
        ("$close", None),
        ("close > ١", 8),
        ("close\u00a0> 1", 5),
        ("close > 1\0", None),
        ("\ud800 > 1", None),
    ],
)
def test_what_python_cannot_parse_is_no_expression(text: str, at: int | None) -> None:
    """The wording after the colon is the parser's own and differs between versions of Python."""
    (found,) = problems(text)
    assert found[1].startswith("not an expression")
    assert at is None or found[0] == at
    assert 0 <= found[0] <= len(text)


@pytest.mark.parametrize(
    "text", ["atr[1] > 1", "atr[0] > 1", 'atr["1h"] > 1', "rising(atr, 2)", "within(atr > 1, 2)"]
)
def test_the_facts_of_a_gate_have_no_history(text: str) -> None:
    ((_, message),) = problems(text, GATE)
    assert message.startswith("a gate's facts have no history")


def test_every_problem_of_an_expression_is_told_in_the_order_of_the_text() -> None:
    assert problems("rsy > 1 and close.x < 2 or abss(1) > mode ** 2") == [
        (0, "unknown fact or parameter 'rsy'"),
        (12, NO_ATTRIBUTES),
        (27, "unknown function 'abss'"),
        (37, NO_OPERATOR),
    ]


def test_a_wrong_name_comes_with_the_names_there_are() -> None:
    with pytest.raises(ExpressionError) as refused:
        parse("clsoe > 1", SCOPE)
    (problem,) = refused.value.problems
    assert problem.wrong == "clsoe"
    assert set(problem.choices) == {*SCOPE.facts, *SCOPE.params, "true", "false"}


# -- size ----------------------------------------------------------------------------------------------------

DEEP = "the expression is nested too deeply"


@pytest.mark.parametrize(
    "text",
    [
        "-" * 1900 + "close > 1",
        "not " * 450 + "ok",
        "close" + "+1" * 900 + " > 1",
        "close" + "[0]" * 600 + " > 1",
        "abs(" * 150 + "close" + ")" * 150 + " > 1",
    ],
    ids=["minus", "not", "plus", "lag", "abs"],
)
def test_deep_nesting_is_refused(text: str) -> None:
    assert {message for _, message in problems(text)} == {DEEP}


@pytest.mark.parametrize("count", [190, 300, 990])
def test_parentheses_are_refused_or_harmless(count: int) -> None:
    try:
        assert parse("(" * count + "close > 1" + ")" * count, SCOPE).kind is Kind.TRUTH
    except ExpressionError as refused:
        assert refused.problems[0].message.startswith("not an expression")


def test_nesting_has_a_limit_that_people_do_not_meet() -> None:
    shallow = MAX_DEPTH - 3
    assert parse("not " * shallow + "close > 1", SCOPE).kind is Kind.TRUTH
    assert problems("not " * MAX_DEPTH + "ok")[0][1] == DEEP


def test_a_long_text_is_refused_before_it_is_parsed() -> None:
    assert problems("9" * 10_000_000) == [
        (MAX_LENGTH, f"the expression is longer than {MAX_LENGTH} characters")
    ]
    assert problems("'" + "a" * MAX_LENGTH + "' == mode")[0][0] == MAX_LENGTH


def test_a_wide_expression_is_fine() -> None:
    assert parse(" or ".join(["close > 1"] * 150), SCOPE).kind is Kind.TRUTH

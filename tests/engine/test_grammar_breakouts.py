"""Every known way out of an evaluator is refused while a document loads, and so is any other text."""

from __future__ import annotations

import builtins
import keyword
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from shipped import examples

from engine.expression import ExpressionError, Kind, Scope, parse

SCOPE = Scope(
    {"close": "price", "rsi": "index", "ok": "flag", "mode": "name"},
    {"tolerance": "ratio", "n": "bars"},
    frozenset({"1m", "5m", "1h"}),
)
GATE = Scope({"atr": "price", "mode": "name"}, history=False)

# Attribute walks, format tricks, generator frames, calls of builtins, bombs, statements, letters that
# Python normalises: what the security tests of simpleeval and other sandboxes name.
BREAKOUTS = (
    "().__class__",
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()[59]",
    "[].__class__.__base__.__subclasses__()",
    "(1).__class__.__bases__",
    "close.__class__",
    "close.__class__.__init__.__globals__",
    "close.__init_subclass__()",
    "ok.__reduce_ex__(2)",
    "abs.__self__",
    "abs.__globals__['os']",
    "abs.__call__(close) > 1",
    "min.__class__('X', (), {})",
    "known.__code__.co_consts",
    "mode.format(close)",
    "mode.format_map({})",
    "'{0.__class__.__mro__}'.format(close) == mode",
    "'{.__class__}'.format(close) == mode",
    "str.format('{0.__class__}', close)",
    "mode.__mod__(close)",
    "'%c' % 65 == mode",
    'f"{close}" == mode',
    'f"{close.__class__}" == mode',
    'f"{().__class__}" == mode',
    'f"{__import__(\'os\')}" == mode',
    "__import__('os').system('true')",
    "__import__('os')",
    "__builtins__",
    "__builtins__['eval']",
    "__loader__.load_module('os')",
    "__name__ == mode",
    "getattr(close, '__class__')",
    "getattr(getattr(close, '__cl' + 'ass__'), '__mro__')",
    "setattr(close, 'x', 1)",
    "hasattr(close, 'x')",
    "type(close)",
    "type('X', (), {})()",
    "object()",
    "vars()",
    "dir()",
    "globals()",
    "locals()",
    "eval('1 > 0')",
    "exec('x = 1')",
    "compile('1', '', 'eval')",
    "open('/etc/passwd')",
    "input()",
    "breakpoint()",
    "exit()",
    "print(close)",
    "(lambda: 1)() > 0",
    "(lambda x: x.__class__)(close)",
    "(lambda *a, **k: 1)(*[1], **{'a': 1}) > 0",
    "[c for c in ().__class__.__base__.__subclasses__()]",
    "[x for x in [1]] == 1",
    "{x: x for x in [1]} == 1",
    "(x for x in [1]).gi_frame.f_back.f_globals",
    "(g := (g.gi_frame.f_back for _ in [1]))",
    "[x := 1, x]",
    "(close := 0) == 0",
    "(yield)",
    "(yield from [1])",
    "(await close)",
    "async def f(): pass",
    "[*close]",
    "{**mode}",
    "max(*mode)",
    "min(*[1, 2]) > 0",
    "close[().__class__]",
    "close['__class__'] > 1",
    "mode['__class__'] == mode",
    "SCOPE",
    "self.nodes",
    "self",
    "_Reader__x",
    "__debug__",
    "np.load('x')",
    "numpy",
    "import os",
    "from os import system",
    "global close",
    "nonlocal close",
    "raise close",
    "try:\n pass\nexcept: pass",
    "with open('x') as f: pass",
    "while 1: pass",
    "for x in mode: pass",
    "class X: pass",
    "@abs\ndef f(): pass",
    "match close:\n case _: pass",
    "assert ok",
    "return ok",
    "break",
    "ok; ok",
    "ok\nok",
    "9**9**9**9**9 > 1",
    "9999999**9999999 > 1",
    "1 << 99999999 > 1",
    "'a' * 99999999 == mode",
    "mode * 2 == mode",
    "mode + mode == mode",
    "[0] * 99999999 == 1",
    "9" * 1999,
    "0b" + "1" * 1990,
    "1e400 > close",
    "1e400j > close",
    "int('9' * 9999)",
    "ok\x00and ok",
    "ｃｌｏｓｅ．__class__",
    "close.__ｃlass__",
    "ᵍetattr(close, 'x')",
    "a\u200bbs(close) > 1",
    "cl\u00adose > 1",
    "\ufeffclose > 1",
    "\u202eclose > 1",
    "print" "(1)",
    "ok if ok else ok",
    "(ok, ok)",
    "ok,",
    "...",
    "NotImplemented",
    "b'x' == mode",
    "None",
    "ok is ok",
    "ok is not ok",
    "close.real",
    "(1).real > 0",
    "1.0.hex() == mode",
    "close @ close > 1",
    "~ok",
    "not not close",
    "close and ok or rsi",
)  # fmt: skip


@pytest.mark.parametrize("text", BREAKOUTS, ids=[repr(text)[:50] for text in BREAKOUTS])
def test_a_known_way_out_of_an_evaluator_is_refused_while_loading(text: str) -> None:
    for scope in (SCOPE, GATE):
        with pytest.raises(ExpressionError):
            parse(text, scope)


BUILTINS = [name for name in dir(builtins) if name not in ("abs", "min", "max")]


def test_no_builtin_and_no_keyword_is_a_name_or_a_function() -> None:
    for word in (*BUILTINS, *keyword.kwlist, *keyword.softkwlist):
        for text in (word, f"{word}(close) > 1", f"{word} > 1", f"ok and {word}"):
            if word in ("not", "_") and text == f"{word}(close) > 1":
                continue  # 'not (close) > 1' is an expression
            if word == "and" or (word == "not" and text != word):
                continue
            with pytest.raises(ExpressionError):
                parse(text, SCOPE)


# -- any text -----------------------------------------------------------------------------------------

PIECES = """
close rsi ok mode tolerance n true false and or not in is if else abs min max known rising falling lambda for
await yield := ** // << ( ) [ ] { } , . : ; = == != < <= > >= + - * / % @ & | ~ ^ ! \\ # é 0 1 14 1.5 1e3
1e999 0x1f 1_0 1j 08 'a' "1h" ''' b'x' f"{close}" __class__ ｃlose ' $ ` ?
"""
WORDS = (*PIECES.split(), *("\n", "\r", "\t", " ", "  ", "\f", "\0", "\u2028", "\ud800", '"'))

ANY_TEXT = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.printable, max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=14).map("".join),
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
)


@given(ANY_TEXT)
@example("\f")
@example("#")
@example("\\\n")
@example("'''\n' == mode")
@example("1if ok else 2")
@examples(1500)
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    try:
        assert parse(text, SCOPE).kind is Kind.TRUTH
    except ExpressionError as refused:
        assert refused.problems
        for problem in refused.problems:
            assert problem.message
            assert 0 <= problem.offset <= len(text)
        assert list(refused.problems) == sorted(refused.problems, key=lambda p: p.offset)

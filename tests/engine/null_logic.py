"""Random expressions, and two independent judges of them: polars' nulls and SQLite's NULL.

An expression is built as a tree of tuples, then written in the rule language, as a polars expression and as
SQL. A value that is unknown is NaN for the engine and null for the judges.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from engine.expression import Binding, Expression, Scope

NUMBERS = ("a", "b", "c")
FLAGS = ("p", "q")
PARAMS = {"limit": 0.75}
SCOPE = Scope(
    {**dict.fromkeys(NUMBERS, "price"), **dict.fromkeys(FLAGS, "flag")}, {"limit": "ratio"}, frozenset()
)
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

Tree = tuple[Any, ...]
Row = Mapping[str, float | bool | None]

TAME = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 0.75, 3.25, -7.5, 100.0)
WILD = (*TAME, 1e308, -1e308, 5e-324, 1e-200, 1e200, -1e-300)


def rows(numbers: Sequence[float]) -> st.SearchStrategy[list[dict[str, float | bool | None]]]:
    """Up to twelve rows; each value may be unknown."""
    row = {name: st.sampled_from((None, *numbers)) for name in NUMBERS}
    row |= {name: st.sampled_from((None, True, False)) for name in FLAGS}
    return st.lists(st.fixed_dictionaries(row), min_size=1, max_size=12)


def _numeric(literals: Sequence[float]) -> st.SearchStrategy[Tree]:
    leaves = st.one_of(
        st.sampled_from([("fact", name) for name in NUMBERS]),
        st.sampled_from([("number", abs(value)) for value in literals]),
        st.just(("param", "limit")),
    )

    def grow(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        return st.one_of(
            st.tuples(st.sampled_from("+-*/"), inner, inner),
            st.tuples(st.sampled_from(("negative", "abs")), inner),
            st.builds(
                lambda f, args: (f, *args),
                st.sampled_from(("min", "max")),
                st.lists(inner, min_size=2, max_size=3),
            ),
        )

    return st.recursive(leaves, grow, max_leaves=6)


def trees(literals: Sequence[float] = TAME) -> st.SearchStrategy[Tree]:
    """Yes/no expressions of the whole grammar that needs no history and no text."""
    number = _numeric(literals)
    leaves = st.one_of(
        st.tuples(st.sampled_from(COMPARISONS), number, number),
        st.builds(
            lambda ops, sides: ("chain", ops, sides),
            st.tuples(st.sampled_from(COMPARISONS), st.sampled_from(COMPARISONS)),
            st.tuples(number, number, number),
        ),
        st.sampled_from([("flag", name) for name in FLAGS]),
        st.sampled_from([("known", name) for name in (*NUMBERS, *FLAGS)]),
        st.sampled_from([("constant", True), ("constant", False)]),
    )

    def grow(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        members = st.lists(inner, min_size=2, max_size=4)
        return st.one_of(
            st.builds(lambda op, parts: (op, *parts), st.sampled_from(("and", "or")), members),
            st.tuples(st.just("not"), inner),
        )

    return st.recursive(leaves, grow, max_leaves=8)


def written(tree: Tree) -> str:
    """In the rule language."""
    match tree:
        case ("number", value):
            return repr(value)
        case ("constant", value):
            return "true" if value else "false"
        case ("fact" | "flag" | "param", name):
            return name
        case ("known", name):
            return f"known({name})"
        case ("chain", (first, second), sides):
            x, y, z = (written(side) for side in sides)
            return f"({x} {first} {y} {second} {z})"
        case ("negative", inner):
            return f"(-{written(inner)})"
        case ("not", inner):
            return f"(not {written(inner)})"
        case ("abs" | "min" | "max" as function, *parts):
            return f"{function}({', '.join(written(part) for part in parts)})"
        case (op, *parts):
            return f"({f' {op} '.join(written(part) for part in parts)})"
    raise AssertionError(tree)


def bound(tree: Tree) -> Binding:
    """Read by the engine."""
    return Expression.read(written(tree), SCOPE).bind(PARAMS)


def engine_columns(table: Sequence[Row]) -> list[Any]:
    """Columns in the order of ``SLOTS``: float64 with NaN, and pairs of masks."""
    numbers = [
        np.array([np.nan if row[name] is None else row[name] for row in table], dtype=np.float64)
        for name in NUMBERS
    ]
    flags = [
        (np.array([row[name] is True for row in table]), np.array([row[name] is False for row in table]))
        for name in FLAGS
    ]
    return [*numbers, *flags]


SLOTS = {name: slot for slot, name in enumerate((*NUMBERS, *FLAGS))}


def by_engine(tree: Tree, table: Sequence[Row]) -> list[bool | None]:
    """Outcome per row, all rows in one evaluation."""
    program = bound(tree).compile(lambda ref: SLOTS[ref.name])
    with np.errstate(all="ignore"):
        yes, no = program(engine_columns(table))
    yes, no = (np.broadcast_to(mask, (len(table),)) for mask in (yes, no))
    assert not (yes & no).any()
    return [True if t else False if f else None for t, f in zip(yes, no, strict=True)]


def _finite(expression: pl.Expr) -> pl.Expr:
    return pl.when(expression.is_finite()).then(expression)


def _everywhere(value: float | bool, dtype: Any) -> pl.Expr:
    """A constant as a column: polars' optimiser takes some comparisons of a literal for a single value."""
    return pl.repeat(value, pl.len(), dtype=dtype)


def _polars_number(tree: Tree) -> pl.Expr:
    match tree:
        case ("number", value):
            return _everywhere(value, pl.Float64)
        case ("param", name):
            return _everywhere(PARAMS[name], pl.Float64)
        case ("fact", name):
            return pl.col(name)
        case ("negative", inner):
            return -_polars_number(inner)
        case ("abs", inner):
            return _polars_number(inner).abs()
        case ("min" | "max" as function, *parts):
            read = [_polars_number(part) for part in parts]
            pick = pl.min_horizontal(read) if function == "min" else pl.max_horizontal(read)
            return pl.when(pl.all_horizontal([part.is_not_null() for part in read])).then(pick)
        case (op, left, right):
            x, y = _polars_number(left), _polars_number(right)
            return _finite({"+": x + y, "-": x - y, "*": x * y, "/": x / y}[op])
    raise AssertionError(tree)


def _polars_comparison(op: str, x: pl.Expr, y: pl.Expr) -> pl.Expr:
    return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "==": x == y, "!=": x != y}[op]


def _polars_truth(tree: Tree) -> pl.Expr:
    match tree:
        case ("constant", value):
            return _everywhere(value, pl.Boolean)
        case ("flag", name):
            return pl.col(name)
        case ("known", name):
            return pl.col(name).is_not_null()
        case ("not", inner):
            return ~_polars_truth(inner)
        case ("and", *parts):
            return reduce(lambda x, y: x & y, [_polars_truth(part) for part in parts])
        case ("or", *parts):
            return reduce(lambda x, y: x | y, [_polars_truth(part) for part in parts])
        case ("chain", (first, second), sides):
            x, y, z = (_polars_number(side) for side in sides)
            return _polars_comparison(first, x, y) & _polars_comparison(second, y, z)
        case (op, left, right):
            return _polars_comparison(op, _polars_number(left), _polars_number(right))
    raise AssertionError(tree)


def by_polars(tree: Tree, table: Sequence[Row]) -> list[bool | None]:
    """Outcome per row by polars; a result that is not finite is null where it arises."""
    schema = {**dict.fromkeys(NUMBERS, pl.Float64), **dict.fromkeys(FLAGS, pl.Boolean)}
    frame = pl.DataFrame([dict(row) for row in table], schema=schema)
    return frame.with_columns(_polars_truth(tree).alias("outcome"))["outcome"].to_list()


def _sql(tree: Tree) -> str:
    match tree:
        case ("number", value):
            return repr(value)
        case ("param", name):
            return repr(PARAMS[name])
        case ("constant", value):
            return "1" if value else "0"
        case ("fact" | "flag", name):
            return name
        case ("known", name):
            return f"({name} IS NOT NULL)"
        case ("chain", (first, second), sides):
            x, y, z = (_sql(side) for side in sides)
            return f"(({x} {first} {y}) AND ({y} {second} {z}))"
        case ("negative", inner):
            return f"(-{_sql(inner)})"
        case ("not", inner):
            return f"(NOT {_sql(inner)})"
        case ("abs" | "min" | "max" as function, *parts):
            return f"{function}({', '.join(_sql(part) for part in parts)})"
        case (op, *parts):
            word = op.upper() if op in ("and", "or") else op
            return f"({f' {word} '.join(_sql(part) for part in parts)})"
    raise AssertionError(tree)


def by_sqlite(tree: Tree, table: Sequence[Row]) -> list[bool | None]:
    """Outcome per row by SQLite, which has no three-valued overflow: give it tame numbers."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE TABLE t (a REAL, b REAL, c REAL, p INTEGER, q INTEGER)")
        order = (*NUMBERS, *FLAGS)
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?)", [[row[n] for n in order] for row in table]
        )
        found = connection.execute(f"SELECT {_sql(tree)} FROM t ORDER BY rowid").fetchall()
    finally:
        connection.close()
    return [None if value is None else bool(value) for (value,) in found]

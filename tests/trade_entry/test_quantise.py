"""Steps and ticks: exact, on the safe side, and shown without scientific notation."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.exact import exact
from server.trade_entry.quantise import ceil_to, clamp, floor_to, plain, shown, times, times_to_cover

D = Decimal
VALUES = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=9)
STEPS = st.sampled_from([D("0.00001"), D("0.05"), D("0.1"), D("0.5"), D(1), D(5), D("0.003")])


@given(VALUES, STEPS)
def test_floor_and_ceil_enclose_the_value_on_multiples(value: Decimal, step: Decimal) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)
    assert low <= value <= high
    assert high - low in (0, step)
    assert Fraction(low) % Fraction(step) == 0 == Fraction(high) % Fraction(step)
    assert (low == high) == (Fraction(value) % Fraction(step) == 0)


@given(VALUES, STEPS)
def test_floor_and_ceil_mirror_each_other(value: Decimal, step: Decimal) -> None:
    assert floor_to(-value, step) == -ceil_to(value, step)
    assert floor_to(floor_to(value, step), step) == floor_to(value, step)


@given(
    st.decimals(min_value=0, max_value=10**9, places=6),
    st.decimals(min_value="0.000001", max_value=10**3, places=6),
)
def test_whole_quotients_are_exact(amount: Decimal, each: Decimal) -> None:
    fits, covers = times(amount, each), times_to_cover(amount, each)
    assert fits * Fraction(each) <= Fraction(amount) < (fits + 1) * Fraction(each)
    assert covers * Fraction(each) >= Fraction(amount) > (covers - 1) * Fraction(each)


def test_a_quotient_just_below_a_whole_number_is_not_rounded_up() -> None:
    just_below = D(5) - D(1).scaleb(-26)
    assert times(just_below, D(1)) == 4
    assert floor_to(just_below, D(1)) == 4


@pytest.mark.parametrize(
    ("value", "step", "low", "high"),
    [
        ("1.15", "0.01", "1.15", "1.15"),  # in binary floating point 1.14
        ("4.35", "0.01", "4.35", "4.35"),
        ("67000.13", "0.5", "67000.0", "67000.5"),  # a tick that is no power of ten
        ("7", "5", "5", "10"),
        ("-0.3", "0.2", "-0.4", "-0.2"),
    ],
)
def test_steps_that_are_easily_wrong(value: str, step: str, low: str, high: str) -> None:
    assert (floor_to(D(value), D(step)), ceil_to(D(value), D(step))) == (D(low), D(high))


@pytest.mark.parametrize("step", ["0", "-0.1"])
def test_a_step_is_positive(step: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        floor_to(D(1), D(step))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.234E-5", "0.00001234"),
        ("1E+3", "1000"),
        ("0.500", "0.5"),
        ("0", "0"),
        ("-0.00", "0"),
        ("100", "100"),
    ],
)
def test_numbers_leave_in_fixed_point(value: str, text: str) -> None:
    assert plain(D(value)) == text


def test_quotients_are_shown_with_eight_decimals() -> None:
    assert shown(D(1) / D(3)) == "0.33333333"
    assert shown(D("0.000000001")) == "0"


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_floats_become_the_decimal_they_are_written_as(number: float) -> None:
    assert float(exact(number)) == number
    assert exact(0.1) == D("0.1")


def test_clamp_keeps_values_between_its_bounds() -> None:
    assert [clamp(D(v), D(1), D(3)) for v in (0, 1, 2, 3, 4)] == [1, 1, 2, 3, 3]

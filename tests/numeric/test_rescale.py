"""Scales as multipliers and shifts, against the C definitions of :mod:`golden.slow`."""

from fractions import Fraction

import numpy as np
import pytest
from golden.slow import ROUND, divide_by_power_of_two
from golden.slow import doubling_high as slow_doubling_high
from hypothesis import given
from hypothesis import strategies as st

from hwgen.numeric import (
    DOUBLING_HIGH,
    INT32,
    ROUNDINGS,
    SCALINGS,
    SpecError,
    doubling_high,
    rescale,
    round_shift,
    scale_of,
)
from tests.cases.errors import refused

ENDS = st.sampled_from([INT32[0], INT32[0] + 1, -1, 0, 1, 1 << 30, -(1 << 30), INT32[1]])
VALUES = ENDS | st.integers(*INT32)
TIES = st.builds(lambda k, d: (2 * k + 1) * (1 << 15) + d, st.integers(-30_000, 30_000),
                 st.integers(-1, 1))


@given(st.lists(st.tuples(VALUES, VALUES) | st.tuples(TIES, st.just(1 << 15)), min_size=1))
def test_doubling_high_is_the_definition_in_c(pairs):
    a, b = np.array(pairs).T
    assert doubling_high(a, b).tolist() == [slow_doubling_high(x, y) for x, y in pairs]


@pytest.mark.parametrize(("a", "b", "expected"), [
    (INT32[0], INT32[0], INT32[1]), (INT32[0], INT32[1], -INT32[1]), (1 << 15, 1 << 15, 1),
    (-(1 << 15), 1 << 15, 0), (-3 << 15, 1 << 15, -1), (3 << 15, 1 << 15, 2),
])
def test_doubling_high_at_ties_and_where_it_saturates(a, b, expected):
    assert int(doubling_high(a, b)) == expected


@given(st.lists(VALUES, min_size=1), st.integers(0, 31))
def test_half_away_is_the_rounding_division_in_c(values, exponent):
    assert round_shift(values, exponent, "half_away").tolist() == [
        divide_by_power_of_two(value, exponent) for value in values]


def test_doubling_high_refuses_what_is_not_int32():
    with refused(SpecError, "x must fit int32, not reach 2147483648"):
        doubling_high([1, 1 << 31], 1)
    with refused(SpecError, "multiplier must fit int32, not reach -2147483649"):
        doubling_high(1, -(1 << 31) - 1)


def test_every_scaling_is_a_rounding_or_the_two_of_jacob():
    assert SCALINGS == (*ROUNDINGS, DOUBLING_HIGH)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("slope_shift", [0, 1, 3])
def test_rescale_rounds_once(rounding, slope_shift):
    x, multiplier, shift = np.arange(-50, 50).reshape(-1, 2), np.array([3, 8]), np.array([3, 4])
    made = rescale(x, multiplier, shift, rounding, slope_shift)
    expected = [[ROUND[rounding](Fraction(v * m, 2 ** (s + slope_shift * (v < 0))))
                 for v, m, s in zip(row, (3, 8), (3, 4), strict=True)] for row in x.tolist()]
    assert made.tolist() == expected


@pytest.mark.parametrize("shift", [-2, 0, 1, 5])
@pytest.mark.parametrize("slope_shift", [0, 2])
def test_rescale_rounds_twice(shift, slope_shift):
    x = np.arange(-300, 300) << 20
    made = rescale(x, 1_500_000_001, shift, DOUBLING_HIGH, slope_shift)
    left, right = max(0, -shift), max(0, shift)
    assert made.tolist() == [
        divide_by_power_of_two(slow_doubling_high(v << left, 1_500_000_001),
                               right + slope_shift * (v < 0)) for v in x.tolist()]


def test_rounding_twice_is_not_rounding_once():
    """3 / 8: half of it is 1.5, so 2, and a quarter of that 0.5, so 1."""
    assert rescale([3], 1 << 30, 33, "half_up").tolist() == [0]
    assert rescale([3], 1 << 30, 2, DOUBLING_HIGH).tolist() == [1]


@given(st.floats(1e-9, 1e9), st.integers(1, 31))
def test_the_scale_found_is_within_the_stated_error(scale, bits):
    found = scale_of(scale, bits=bits, shifts=(-80, 80))
    assert 1 << (bits - 1) <= found.multiplier < 1 << bits
    value = found.multiplier / Fraction(2) ** found.shift
    assert found.error == abs(value / Fraction(scale) - 1) <= Fraction(1, 1 << bits)


@pytest.mark.parametrize(("scale", "options", "message"), [
    (0.0, {}, "scale must be a finite number above 0, not 0.0"),
    (-0.5, {"what": "scale of channel 3"},
     "scale of channel 3 must be a finite number above 0, not -0.5"),
    (float("nan"), {}, "scale must be a finite number above 0, not nan"),
    (1e30, {}, "scale must be in 2**-30 .. 2**31, which a multiplier of 31 bits and a shift in"
               " 0..60 reproduce, not 1e+30"),
    (2.0**-40, {"shifts": (0, 62)},
     "scale must be in 2**-32 .. 2**31, which a multiplier of 31 bits and a shift in 0..62"
     " reproduce, not 9.094947017729282e-13"),
    (0.3, {"tolerance": 0, "bits": 8},
     "scale must be reproduced within 0, which no multiplier of 8 bits does: the nearest,"
     " 154 / 2**9, is 0.0026 off 0.3; allow more bits or a larger tolerance"),
    (0.3, {"bits": 32}, "scale: bits must be in 1..31, not 32"),
    (0.3, {"tolerance": -1}, "scale: tolerance must be a relative error of at least 0, not -1"),
    (2.0**-50, {"frac": 8}, "scale must be in 2**-38 .. 2**23, which a multiplier of 31 bits and a"
                            " shift in 0..60 reproduce, not 8.881784197001252e-16"),
])
def test_scales_that_no_multiplier_and_shift_reproduce(scale, options, message):
    with refused(SpecError, message):
        scale_of(scale, **options)


@pytest.mark.parametrize(("scale", "said"), [
    ("0.3", "'0.3'"), (None, "None"), (np.array([0.3, 0.2]), "array([0.3, 0.2])"), (True, "True")],
    ids=str)
def test_what_is_no_number_has_no_scale(scale, said):
    with refused(TypeError, f"scale must be a number, not {said}"):
        scale_of(scale)
    with refused(TypeError, "scale: tolerance must be a number, not '0'"):
        scale_of(0.3, tolerance="0")


def test_a_dyadic_scale_is_met_exactly():
    assert scale_of(0.625, bits=8, tolerance=0) == (160, 8, 0)
    assert scale_of(np.float32(2.5), bits=8, tolerance=0, frac=-2) == (160, 8, 0)
    assert scale_of(Fraction(5, 8), bits=3, tolerance=0) == (5, 3, 0)

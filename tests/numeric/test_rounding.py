import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwgen.numeric import MAX_SHIFT, ROUNDINGS, Bipolar, Fixed, SpecError, round_shift, saturate
from tests.cases.errors import refused

DEFINITIONS = {
    "half_up": lambda q: math.floor(q + Fraction(1, 2)),
    "half_even": round,  # Fraction.__round__ is half to even
    "half_away": lambda q: (-1 if q < 0 else 1) * math.floor(abs(q) + Fraction(1, 2)),
    "floor": math.floor,
    "toward_zero": math.trunc,
}

INT64 = st.integers(-(2**63), 2**63 - 1)
NEAR_TIES = st.builds(lambda q, s, d: min(max((2 * q + 1) * 2**s // 2 + d, -(2**63)), 2**63 - 1),
                      st.integers(-9, 9), st.integers(0, MAX_SHIFT), st.integers(-1, 1))


def test_every_rounding_has_a_definition():
    assert tuple(DEFINITIONS) == ROUNDINGS


@pytest.mark.parametrize("rounding", ROUNDINGS)
@given(x=st.lists(INT64 | NEAR_TIES, min_size=1), shift=st.integers(0, MAX_SHIFT))
def test_round_shift_is_the_definition_for_all_of_int64(rounding, x, shift):
    expected = [DEFINITIONS[rounding](Fraction(v, 2**shift)) for v in x]
    made = round_shift(x, shift, rounding)
    assert made.dtype == np.int64
    assert made.tolist() == expected


@pytest.mark.parametrize(("rounding", "expected"), [
    ("half_up", [-2, -1, -1, 0, 0, 1, 1, 2, 2]),
    ("half_even", [-2, -2, -1, 0, 0, 0, 1, 2, 2]),
    ("half_away", [-2, -2, -1, -1, 0, 1, 1, 2, 2]),
    ("floor", [-2, -2, -1, -1, 0, 0, 1, 1, 2]),
    ("toward_zero", [-2, -1, -1, 0, 0, 0, 1, 1, 2]),
])
def test_ties(rounding, expected):
    assert round_shift(np.arange(-4, 5), 1, rounding).tolist() == expected


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_a_shift_for_each_value(rounding):
    x, shifts = np.arange(-40, 40).reshape(-1, 4), np.array([0, 1, 3, 60])
    made = round_shift(x, shifts, rounding)
    for k, shift in enumerate(shifts.tolist()):
        assert np.array_equal(made[:, k], round_shift(x[:, k], shift, rounding))


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_shift_of_zero_copies(rounding):
    x = np.array([-3, 5])
    made = round_shift(x, 0, rounding)
    assert made.tolist() == [-3, 5]
    assert not np.shares_memory(made, x)


@pytest.mark.parametrize(("args", "error", "message"), [
    (([1], 1, "up"), SpecError, "rounding must be one of ['half_up', 'half_even', 'half_away',"
                                " 'floor', 'toward_zero'], not 'up'"),
    (([1], -1, "floor"), SpecError, "shift must be in 0..60, not -1"),
    (([1], 61, "floor"), SpecError, "shift must be in 0..60, not 61"),
    (([1, 2], [3, -1], "floor"), SpecError, "shift must be in 0..60, not -1"),
    (([1, 2], [3.0, 1.0], "floor"), TypeError, "shift must be integers, not float64"),
    (([1], 1.0, "floor"), TypeError, "shift must be an int, not 1.0"),
    (([1.5], 1, "floor"), TypeError, "values must be integers, not float64"),
])
def test_round_shift_refuses(args, error, message):
    with refused(error, message):
        round_shift(*args)


@given(x=INT64, bits=st.integers(1, 62), signed=st.booleans())
def test_saturate_is_the_nearest_value(x, bits, signed):
    fmt = Fixed(bits, signed=signed)
    assert int(saturate(x, fmt)) == sorted((fmt.min, x, fmt.max))[1]


def test_saturate_refuses_formats_with_gaps():
    with refused(TypeError, "saturation format must be Fixed, not Bipolar()"):
        saturate([3], Bipolar())
    with refused(TypeError, "values must be integers, not float64"):
        saturate([0.5], Fixed(4))

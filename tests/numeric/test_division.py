"""Division by a product and a shift against fractions, for every value up to the bound."""

import math
from fractions import Fraction

import numpy as np
import pytest
from cases.errors import refused

from hwgen.numeric import SpecError, division_of, round_shift


def half_away(quotient):
    return int(math.copysign(math.floor(abs(quotient) + Fraction(1, 2)), quotient))


@pytest.mark.parametrize("denominator", [1, 2, 3, 4, 6, 7, 9, 12, 25, 49, 50, 64, 99, 196])
@pytest.mark.parametrize("numerator", [1, 2, 8])
@pytest.mark.parametrize("largest", [0, 1, 15, 255, 3000])
def test_every_value_is_divided_exactly(numerator, denominator, largest):
    multiplier, shift = division_of(numerator, denominator, largest)
    x = np.arange(-largest, largest + 1)
    expected = [half_away(Fraction(int(v) * numerator, denominator)) for v in x]
    assert round_shift(x * multiplier, shift, "half_away").tolist() == expected


@pytest.mark.parametrize("denominator", [3, 6, 49, 1000])
def test_a_shift_less_is_wrong_for_a_value_or_by_the_bound(denominator):
    """The shift is the smallest that the bound allows, and the bound is not far off."""
    multiplier, shift = division_of(1, denominator, 4000)
    over = multiplier * denominator - (1 << shift)
    assert 2 * 4000 * over < 1 << shift
    x, coarse = np.arange(4001), max(0, shift - 3)
    fewer = -(-(1 << coarse) // denominator)
    expected = [half_away(Fraction(int(v), denominator)) for v in x]
    assert round_shift(x * fewer, coarse, "half_away").tolist() != expected


def test_powers_of_two_are_plain_shifts():
    assert [division_of(1, 1 << k, 1 << 40) for k in range(5)] == [(1, k) for k in range(5)]
    assert division_of(8, 4, 1000) == (2, 0)


@pytest.mark.parametrize(("values", "error", "message"), [
    ((0, 1, 1), SpecError, "numerator must be at least 1, not 0"),
    ((1, 0, 1), SpecError, "denominator must be at least 1, not 0"),
    ((1, 1, -1), SpecError, "largest must be at least 0, not -1"),
    ((1, 1.5, 1), TypeError, "denominator must be an int, not 1.5"),
    ((1, 3, 1 << 60), SpecError, f"division of values up to {1 << 60} by 3 / 1 must need a shift of"
                                 " at most 60, which it does not"),
])
def test_refuses(values, error, message):
    with refused(error, message):
        division_of(*values)

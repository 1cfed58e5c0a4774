"""Rows: bounds decide `met`, and nothing that is no bound is taken for one."""

import json
import operator
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwgen.bench import Row
from hwgen.bench.frame.row import meets
from hwgen.numeric.errors import SpecError

COMPARE = {"<=": operator.le, ">=": operator.ge, "==": operator.eq, "<": operator.lt,
           ">": operator.gt}
VALUES = st.integers(-10**15, 10**15) | st.floats(allow_nan=False, allow_infinity=False)
LIMITS = st.integers(-10**15, 10**15) | st.decimals(-10**6, 10**6, places=3)


def row(**changes):
    return Row(**{"work": "w", "metric": "m", "value": 1, **changes})


@given(value=VALUES, sign=st.sampled_from(sorted(COMPARE)), limit=LIMITS)
def test_met_is_the_comparison_in_exact_numbers(value, sign, limit):
    exact = Fraction(float(limit)) if not isinstance(limit, int) else Fraction(limit)
    expected = COMPARE[sign](Fraction(value), exact)
    bound = f"{sign} {limit}"
    assert row(value=value, must=bound).met is expected
    assert row(value=value, stretch=bound).met is expected
    assert row(value=value, stretch=bound).stretched is expected
    assert row(value=value, must=bound).failed is not expected


@given(limit=st.integers(-10**15, 10**15))
def test_bound_holds_at_its_edge_and_not_beyond(limit):
    assert row(value=limit, must=f"<= {limit}").met is True
    assert row(value=limit + 1, must=f"<= {limit}").met is False
    assert row(value=limit, must=f"< {limit}").met is False
    assert row(value=limit - 1, must=f">= {limit}").met is False


def test_without_bounds_nothing_is_met_or_failed():
    assert (row().met, row().stretched, row().failed) == (None, None, False)


def test_must_decides_and_stretch_alone_cannot_fail():
    both = row(value=300, must="<= 600", stretch="<= 240")
    assert (both.met, both.stretched, both.failed) == (True, False, False)
    alone = row(value=300, stretch="<= 240")
    assert (alone.met, alone.failed) == (False, False)


def test_file_form_has_the_keys_in_order():
    made = row(value=2.5, unit="s", must="<= 600", device="d", tools="t 1", seed=3)
    assert json.dumps(made.to_dict()) == (
        '{"work": "w", "metric": "m", "value": 2.5, "unit": "s", "must": "<= 600",'
        ' "stretch": null, "met": true, "device": "d", "tools": "t 1", "seed": 3,'
        ' "published": ""}')


@pytest.mark.parametrize("what", ["must", "stretch"])
@pytest.mark.parametrize("bound", ["", "45000", "<=45000", "=< 45000", "<= 45,000", "<= x", "~ 3",
                                   "<= 1 ", "<= nan", "<= 1\n"])
def test_what_is_no_bound_is_refused(what, bound):
    message = f"row 'w' 'm': {what} must be a bound such as '<= 45000', not {bound!r}"
    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        row(**{what: bound})


@pytest.mark.parametrize("value", ["3", None, True, [1]])
def test_value_must_be_a_number(value):
    message = f"row 'w' 'm': value must be an int or a float, not {value!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        row(value=value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_value_must_be_finite(value):
    with pytest.raises(SpecError, match=f"^row 'w' 'm': value must be finite, not {value!r}$"):
        row(value=value)


def test_verdict_of_numpys_numbers_is_a_plain_bool():
    assert meets(np.float64(50), "== 50") is True
    assert meets(np.int64(3), "<= 2") is False

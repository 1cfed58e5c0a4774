import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwgen.numeric import Bipolar, Fixed, SpecError, pack_row, pack_rows, unpack_rows
from tests.cases.errors import refused
from tests.cases.networks import FORMATS, draw


@given(bits=st.integers(1, 62), data=st.data())
def test_pack_row_is_the_sum_of_shifted_codes(bits, data):
    codes = data.draw(st.lists(st.integers(0, 2**bits - 1), max_size=40))
    row = pack_row(np.array(codes, np.int64), bits)
    assert type(row) is int
    assert row == sum(code << (k * bits) for k, code in enumerate(codes))


@pytest.mark.parametrize("fmt", [*FORMATS, Fixed(62), Fixed(1, signed=False)], ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 1), (3, 70), (0, 4)])
def test_rows_round_trip(fmt, shape, rng):
    values = draw(rng, shape, fmt)
    rows = pack_rows(values, fmt)
    assert len(rows) == shape[0]
    assert unpack_rows(rows, shape[1], fmt).tolist() == values.tolist()


def test_element_0_is_lowest():
    assert pack_rows([[1, -1, -1], [-1, -1, 1]], Bipolar()) == [0b001, 0b100]
    assert pack_rows([[1, -1]], Fixed(4)) == [0xF1]


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: pack_row([0, 4], 2), SpecError, "codes must be in 0..3, not 0..4"),
    (lambda: pack_row([-1, 3], 2), SpecError, "codes must be in 0..3, not -1..3"),
    (lambda: pack_row([1.0], 2), TypeError, "codes must be integers, not float64"),
    (lambda: pack_rows([1, 2], Fixed(4)), SpecError,
     "values must be of shape (rows, lanes), not (2,)"),
    (lambda: pack_rows([[8]], Fixed(4)), SpecError,
     "values must be in fixed s4.0 (-8..7), not 8 at index [0, 0] (1 of 1 are outside)"),
    (lambda: unpack_rows([0, 256], 2, Fixed(4)), SpecError,
     "row 1 must be of 8 bits, not 0x100"),
    (lambda: unpack_rows([-1], 2, Fixed(4)), SpecError, "row 0 must be of 8 bits, not -0x1"),
])
def test_packing_refuses(call, error, message):
    with refused(error, message):
        call()

import numpy as np
import pytest

from hwgen.numeric import SpecError, as_int, as_int64
from tests.cases.errors import refused


@pytest.mark.parametrize("value", [7, np.int8(7), np.uint64(7), np.array(7)])
def test_as_int_makes_a_python_int(value):
    assert as_int(value, "x") == 7
    assert type(as_int(value, "x")) is int


@pytest.mark.parametrize(("value", "shown"), [
    (True, "True"), (np.True_, "np.True_"), (7.0, "7.0"), ("7", "'7'"), (None, "None"),
    (np.array([7, 8]), "array([7, 8])"),
])
def test_as_int_refuses_the_rest(value, shown):
    with refused(TypeError, f"fold must be an int, not {shown}"):
        as_int(value, "fold")


def test_as_int64_refuses_lists_of_different_lengths():
    with refused(TypeError, "bias must be an array, not lists of different lengths"):
        as_int64([[1, 2], [3]], "bias")


def test_as_int64_of_no_objects():
    with refused(TypeError, "bias must be integers, not object"):
        as_int64(np.empty((0, 4), object), "bias")


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", ">i4", "u4", "i8", "u8", "?"])
def test_as_int64_copies(dtype):
    given = np.array([[0, 1]], dtype)
    made = as_int64(given, "x")
    assert made.dtype == np.int64
    assert made.tolist() == [[0, 1]]
    made[0, 0] = 1
    assert given[0, 0] == 0


@pytest.mark.parametrize(("value", "dtype"), [
    ([1.0], "float64"), (np.float32([1]), "float32"), ([np.nan], "float64"), ([1j], "complex128"),
    (["1"], "<U1"), ([None], "object"), ([], "float64"),
])
def test_as_int64_refuses_what_is_no_integer(value, dtype):
    with refused(TypeError, f"bias must be integers, not {dtype}"):
        as_int64(value, "bias")


@pytest.mark.parametrize(("value", "shown"), [
    (np.array([0, 2**63], np.uint64), 2**63), ([2**70, 1], 2**70), ([1, -(2**70)], -(2**70)),
])
def test_as_int64_refuses_what_would_wrap(value, shown):
    with refused(SpecError, f"bias must fit int64, not reach {shown}"):
        as_int64(value, "bias")


def test_as_int64_takes_the_whole_range():
    ends = [-(2**63), 2**63 - 1]
    assert as_int64(ends, "x").tolist() == ends
    assert as_int64(np.array([2**63 - 1], np.uint64), "x").tolist() == ends[1:]

"""Sparse matrices as they are kept, rounded, and refused."""

import numpy as np
import pytest
import scipy.sparse
from cases.errors import refused

from hwgen.host.csr import Csr
from hwgen.numeric import Fixed, SpecError


def test_entries_of_one_place_are_added_up_and_zeros_left_out():
    matrix = Csr.of((2, 3), [1, 0, 1, 0, 0], [2, 0, 2, 1, 1], [5, 0, -2, 4, -4])
    assert (matrix.nnz, matrix.starts.tolist(), matrix.columns.tolist()) == (1, [0, 0, 1], [2])
    np.testing.assert_array_equal(matrix.to_dense(), [[0, 0, 0], [0, 0, 3]])


def test_matrix_is_scipys(rng):
    for _ in range(20):
        m, n, count = rng.integers(1, 9, 3)
        rows, columns = rng.integers(0, m, count), rng.integers(0, n, count)
        values = rng.integers(-9, 9, count)
        found = Csr.of((m, n), rows, columns, values)
        expected = scipy.sparse.coo_array((values, (rows, columns)), (m, n)).tocsr()
        expected.eliminate_zeros()
        for ours, theirs in ((found.starts, expected.indptr), (found.columns, expected.indices),
                             (found.values, expected.data)):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("parts", "rule"), [
    (((2, 3), [0, 1], [0], [1]), "there must be 3 pointers, not 2"),
    (((2, 3), [0, 1, 3], [0, 1], [1, 1]),
     "pointers must run from 0 to 2, the number of entries, not from 0 to 3"),
    (((2, 3), [1, 1, 2], [0, 1], [1, 1]),
     "pointers must run from 0 to 2, the number of entries, not from 1 to 2"),
    (((2, 3), [0, 2, 1], [0], [1]),
     "pointers must not fall, as that of row 2, from 2 to 1"),
    (((2, 3), [0, 1, 2], [0, 3], [1, 1]), "columns must be in 0..2, not 3 as entry 1, in row 1"),
    (((2, 3), [0, 1, 2], [-1, 2], [1, 1]), "columns must be in 0..2, not -1 as entry 0, in row 0"),
    (((2, 3), [0, 2, 2], [2, 1], [1, 1]), "columns of a row must ascend, not 2, 1 as in row 0"),
    (((2, 3), [0, 1, 2], [0, 1], [1]), "there must be a value for each of 2 columns, not (1,)"),
    (((1, 1), [0, 1], [0], [np.inf]), "values must be finite"),
    (((0, 3), [0], [], []), "sizes must be at least 1, not 0 by 3")], ids=str)
def test_inconsistent_parts_are_refused(parts, rule):
    shape, starts, columns, values = parts
    with refused(SpecError, f"matrix: {rule}"):
        Csr(shape, np.array(starts), np.array(columns, int), np.array(values))


def test_entries_outside_are_refused():
    with refused(SpecError, "matrix: rows must be in 0..1, not 0..2"):
        Csr.of((2, 2), [0, 2], [0, 0], [1, 1])
    with refused(SpecError, "matrix: there must be as many rows as columns and values, not (1,),"
                            " (2,) and (1,)"):
        Csr.of((2, 2), [0], [0, 1], [1])


def test_values_are_rounded_to_the_nearest_and_ties_to_even():
    matrix = Csr.of((1, 5), [0] * 5, range(5), [0.25, 0.75, -1.25, 0.1, 3.5])
    found, rounding = matrix.quantised(Fixed(4, 1))
    np.testing.assert_array_equal(found.to_dense(), [[0, 2, -2, 0, 7]])
    assert (rounding.error, rounding.vanished) == (0.25, 2)
    assert found.nnz == 3


def test_values_that_do_not_fit_are_refused_and_not_saturated():
    matrix = Csr.of((1, 3), [0] * 3, range(3), [7.5, -8.5, 9.0])
    with refused(SpecError, "matrix: values must fit fixed s4.0 (-8..7), which reaches from -8 to"
                            " 7, not 9; 2 of 3 do not"):
        matrix.quantised(Fixed(4))
    integers = Csr.of((1, 1), [0], [0], [2**62])
    with pytest.raises(SpecError, match="1 of 1 do not"):
        integers.quantised(Fixed(32))
    integers = Csr.of((1, 2), [0, 0], [0, 1], [2**61, -2**63])
    with pytest.raises(SpecError, match=r"not -9.22337e\+18; 2 of 2 do not"):
        integers.quantised(Fixed(32))

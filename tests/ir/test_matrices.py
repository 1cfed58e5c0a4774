"""Matrices that are not given entry by entry: exact entries, stored bits, files, refusals."""

import numpy as np
import pytest
from cases.errors import refused

from hwgen.ir import (
    Dense,
    Input,
    MatVec,
    Network,
    PerChannel,
    Placed,
    PowerSums,
    ProductQuantised,
    Shared,
    laid_out,
    load,
    save,
    structures,
)
from hwgen.numeric import Bipolar, Codebook, Fixed, PowerOfTwo, SpecError

X = Fixed(4, 0, False)


def slow_sums(matrix):
    """Entries of a `PowerSums` from the bits of its codes, one by one."""
    width = matrix.exponents.bit_length()
    total = np.zeros(matrix.codes.shape[1:], dtype=np.int64)
    for codes, base in zip(matrix.codes, matrix.bases, strict=True):
        for place, code in np.ndenumerate(codes):
            place_value = int(code) % 2**width
            sign = -1 if int(code) >> width else 1
            total[place] += sign * 2**(base + place_value - 1) if place_value else 0
    return total


@pytest.mark.parametrize(("exponents", "bases"), [
    (1, (0,)), (8, (0,)), (7, (1, 0)), (3, (4, 2, 0)), (16, (3,)), (2, (0, 0)), (60, (0,)),
])
def test_power_sums_are_those_of_their_codes(rng, exponents, bases):
    term = PowerOfTwo(exponents)
    codes = rng.choice(term.encode(term.levels) if exponents < 16 else
                       term.encode([0, 1, -1, term.max, term.min]), (len(bases), 5, 6))
    matrix = PowerSums(codes, exponents, bases)
    assert np.array_equal(matrix.to_dense(), slow_sums(matrix))
    assert matrix.format.allowed(matrix.to_dense()).all()
    assert matrix.format == (term if bases == (0,) else
                             Fixed.covering(-sum(term.max << b for b in bases),
                                            sum(term.max << b for b in bases)))
    assert matrix.stored_bits == len(bases) * 30 * term.bits
    assert matrix.shape == (5, 6)


def test_the_codes_of_the_papers_have_their_bits():
    """INQ of 5 bits: 8 exponents and zero; ShiftCNN of 4: 7 of each sign and zero."""
    assert PowerSums.of([[128, -1, 0]], 8).stored_bits == 3 * 5
    assert PowerSums(np.zeros((2, 1, 3), int), 7, (1, 0)).stored_bits == 2 * 3 * 4


def test_shared_entries_are_centroids():
    matrix = Shared([[0, 2, 1], [2, 2, 0]], [-9, 0, 40])
    assert matrix.to_dense().tolist() == [[-9, 40, 0], [40, 40, -9]]
    assert matrix.format == Codebook((-9, 0, 40))
    assert matrix.stored_bits == 6 * 2 + 3 * 7
    again = Shared.of(matrix.to_dense())
    assert np.array_equal(again.indices, matrix.indices)
    assert np.array_equal(again.centroids, matrix.centroids)


def test_an_output_per_channel_reads_one_element_of_each_tap():
    matrix = PerChannel([[1, 2], [3, 4], [5, 6], [-7, -8]], Fixed(4), 2)
    assert matrix.to_dense().tolist() == [
        [1, 0, 2, 0], [3, 0, 4, 0], [0, 5, 0, 6], [0, -7, 0, -8]]
    assert (matrix.shape, matrix.taps, matrix.channels) == ((4, 4), 2, 2)
    assert matrix.stored_bits == 8 * 4


def test_placed_entries_are_numbers_with_signs():
    matrix = Placed([5, -8, 7], [[0, 1, 2], [2, 0, -1]], Fixed(4), [[1, 1, -1], [1, -1, 1]])
    assert matrix.to_dense().tolist() == [[5, -8, -7], [7, -5, 0]]
    assert (matrix.shape, matrix.nonzeros) == ((2, 3), 5)
    assert matrix.stored_parts == {"weights": 3 * 4}
    assert Placed([5, -8], [[0, 1]], Codebook((-8, 5))).stored_parts == {"weights": 2 * 4}


def test_a_matrix_is_placed_by_what_stands_where():
    matrix = Placed.of([[-8, 7, 0], [-7, -8, 0]], [[4, 2, -1], [2, 4, -1]], Fixed(4),
                       [[-1, 1, 1], [-1, -1, 1]])
    assert matrix.numbers.tolist() == [7, -8]        # 8, which the sign asks for, is none of s4
    assert matrix.places.tolist() == [[1, 0, -1], [0, 1, -1]]
    assert matrix.signs.tolist() == [[1, 1, 1], [-1, 1, 1]]
    assert Placed.of([[3, 3]], [[0, 0]], Fixed(3), [[-1, -1]]).signs is None
    for values in ([[1, 2]], [[1, -1]], [[0, 1]]):
        with refused(SpecError, "entries of a number must be equal but for their signs, and all"
                                " others 0, to be placed, and are not"):
            Placed.of(values, [[0, 0]] if values[0][0] else [[0, -1]], Fixed(4))


def test_rows_are_put_together_from_pieces():
    books = [[[1, 2], [3, 4], [5, 6]], [[7, 8], [-1, -2], [0, 0]]]
    matrix = ProductQuantised([[0, 1], [2, 0], [0, 0]], books, [2, 0, 1], Fixed(5))
    assert matrix.to_dense().tolist() == [[-1, 1, 2], [7, 5, 6], [7, 1, 2]]
    assert matrix.stored_parts == {"weights": 6 * 2, "codebook": 3 * 3 * 5}
    assert matrix.stored_bits == 57


def test_structures_are_laid_out_as_matrices_that_cores_take():
    placed = Placed([5, -8], [[0, 1, 0]], Fixed(5, 3))
    coded = Placed([5, -8], [[0], [1]], Codebook((-8, 5)))
    nodes = (Input("x", (), (3,), X), MatVec("a", ("x",), placed, [7]), MatVec("b", ("a",), coded))
    network = Network("n", nodes, ("b",), {"note": 1})
    assert structures(network) == {"a": "placed", "b": "placed"}
    plain = laid_out(network)
    dense = Network("n", (nodes[0], MatVec("a", ("x",), Dense([[5, -8, 5]], Fixed(5, 3)), [7]),
                          MatVec("b", ("a",), Shared.of([[5], [-8]]))), ("b",))
    assert (plain.digest, plain.meta, plain.edges) == (dense.digest, {"note": 1}, network.edges)
    assert (laid_out(plain), structures(plain)) == (plain, {})


@pytest.mark.parametrize("matrix", [
    PowerSums.of([[8, -1, 0], [1, 2, -4]], 4),
    PowerSums([[[1, 2, 0], [6, 7, 5]], [[3, 0, 0], [1, 1, 7]]], 3, (1, 0)),
    Shared([[0, 2, 1], [2, 2, 0]], [-9, 0, 40]),
    PerChannel([[1], [-2], [3], [4], [5], [-6]], Fixed(4), 2),
    Placed([5, -8, 7], [[0, 1, 2], [2, 0, -1]], Fixed(4), [[1, 1, -1], [1, -1, 1]]),
    Placed([5, -8], [[0, 1, 0], [1, 0, 1]], Fixed(5, 3)),
    Placed([5, -8, 0], [[0, 1, 2], [2, 0, -1]], Codebook((-8, -5, 0, 5))),
    ProductQuantised([[0, 1], [2, 1]], np.arange(12).reshape(2, 3, 2), [3, 0, 1], Fixed(5)),
], ids=["power", "sums", "shared", "channel", "signs", "placed", "placed codebook", "product"])
def test_a_network_file_keeps_them(matrix, tmp_path):
    network = Network("n", (Input("x", (), (3,), X), MatVec("fc", ("x",), matrix)), ("fc",))
    save(network, tmp_path / "n.hwgen")
    again = load(tmp_path / "n.hwgen")
    found = again.node("fc").weights
    assert type(found) is type(matrix)
    assert again.digest == network.digest
    assert found.format == matrix.format
    assert np.array_equal(found.to_dense(), matrix.to_dense())
    assert found.stored_bits == matrix.stored_bits


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: PowerSums([[1]], 2), SpecError,
     "codes must be a non-empty (terms, n_out, n_in), not (1, 1)"),
    (lambda: PowerSums([[[3]]], 2, 5), TypeError, "bases must be a sequence of ints, not 5"),
    (lambda: PowerSums([[[3]]], 2, (0, 1)), SpecError,
     "bases must be 1 exponents of 0 and more, one for each term, not (0, 1)"),
    (lambda: PowerSums([[[3]]], 2, (-1,)), SpecError,
     "bases must be 1 exponents of 0 and more, one for each term, not (-1,)"),
    (lambda: PowerSums([[[3]]], 2), SpecError,
     "codes must be used by power of two {0, +-1 .. +-2}, not 3 at index [0, 0, 0]"
     " (1 of 1 are outside)"),
    (lambda: PowerSums([[[4]]], 2), SpecError,
     "codes must be used by power of two {0, +-1 .. +-2}, not 4 at index [0, 0, 0]"
     " (1 of 1 are outside)"),
    (lambda: PowerSums([[[1]]], 62), SpecError,
     "sums of powers must stay below 2**61, not 62 exponents from (0,)"),
    (lambda: PowerSums.of([[3]], 4), SpecError,
     "values must be in power of two {0, +-1 .. +-8}, not 3 at index [0, 0] (1 of 1 are outside)"),
    (lambda: Shared([[0, 1]], [3, 3]), SpecError,
     "centroids must be one or more ascending integers (K,), not [3, 3]"),
    (lambda: Shared([0, 1], [3, 4]), SpecError,
     "indices must be a non-empty (n_out, n_in), not (2,)"),
    (lambda: Shared([[0, 2]], [3, 4]), SpecError, "indices must be in 0..1, not 0..2"),
    (lambda: Shared([[0, -1]], [3, 4]), SpecError, "indices must be in 0..1, not -1..0"),
    (lambda: PerChannel([[1], [0], [1]], Fixed(2), 2), SpecError,
     "multiplier must divide n_out = 3, not 2"),
    (lambda: PerChannel([[1], [2]], Fixed(2)), SpecError,
     "weights must be in fixed s2.0 (-2..1), not 2 at index [1, 0] (1 of 2 are outside)"),
    (lambda: PerChannel([[1], [-1]], Bipolar()), SpecError,
     "weights format must hold 0, as most entries of a matrix per channel are, not bipolar"
     " {-1, +1}"),
    (lambda: PerChannel([1, 2], Fixed(4)), SpecError,
     "weights must be a non-empty (n_out, n_in), not (2,)"),
    (lambda: Shared([[0.5]], [3, 4]), TypeError, "indices must be integers, not float64"),
    (lambda: Placed([1], [0], Fixed(4)), SpecError,
     "places must be a non-empty (n_out, n_in), not (1,)"),
    (lambda: Placed([[1]], [[0]], Fixed(4)), SpecError,
     "numbers must be of shape (n,), not (1, 1)"),
    (lambda: Placed([1, 2], [[0, 2]], Fixed(4)), SpecError, "places must be in -1..1, not 0..2"),
    (lambda: Placed([1, 2], [[0, -2]], Fixed(4)), SpecError, "places must be in -1..1, not -2..0"),
    (lambda: Placed([1, 2], [[0, 0]], Fixed(4)), SpecError,
     "numbers must have a place each, and number 1 has none: leave it out"),
    (lambda: Placed([9], [[0]], Fixed(4)), SpecError,
     "numbers must be in fixed s4.0 (-8..7), not 9 at index [0] (1 of 1 are outside)"),
    (lambda: Placed([-8], [[0]], Fixed(4), [[-1]]), SpecError,
     "weights must be in fixed s4.0 (-8..7), not 8 at index [0, 0] (1 of 1 are outside)"),
    (lambda: Placed([1], [[0, -1]], Bipolar()), SpecError,
     "weights must be in bipolar {-1, +1}, not 0 at index [0, 1] (1 of 2 are outside)"),
    (lambda: Placed([1], [[0, 0]], Fixed(4), [[1]]), SpecError,
     "signs must be of the shape of places, (1, 2), not (1, 1)"),
    (lambda: Placed([1], [[0, 0]], Fixed(4), [[1, 0]]), SpecError, "signs must be +1 or -1, not 0"),
    (lambda: Placed([1], [[0]], 4), TypeError, "weights format must be a Format, not 4"),
    (lambda: ProductQuantised([[0]], [[1]], [0], Fixed(4)), SpecError,
     "codebooks must be a non-empty (groups, count, length), not (1, 1)"),
    (lambda: ProductQuantised([[0]], [[[1]], [[2]]], [0], Fixed(4)), SpecError,
     "codes must be a non-empty (n_out, 2), a column for each codebook, not (1, 1)"),
    (lambda: ProductQuantised([[1]], [[[1]]], [0], Fixed(4)), SpecError,
     "codes must be in 0..0, not 1..1"),
    (lambda: ProductQuantised([[0]], [[[1, 2]]], [[0]], Fixed(4)), SpecError,
     "columns must be a non-empty (n_in,), not (1, 1)"),
    (lambda: ProductQuantised([[0]], [[[1, 2]]], [0, 0], Fixed(4)), SpecError,
     "columns must be in 0..1, no two the same, not [0, 0]"),
    (lambda: ProductQuantised([[0]], [[[1, 2]]], [2], Fixed(4)), SpecError,
     "columns must be in 0..1, no two the same, not [2]"),
    (lambda: ProductQuantised([[0]], [[[1, 9]]], [1], Fixed(4)), SpecError,
     "weights must be in fixed s4.0 (-8..7), not 9 at index [0, 0] (1 of 1 are outside)"),
    (lambda: ProductQuantised([[0]], [[[1]]], [0], 4), TypeError,
     "weights format must be a Format, not 4"),
])
def test_what_is_no_such_matrix_is_refused(make, error, message):
    with refused(error, message):
        make()

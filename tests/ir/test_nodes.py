"""Every rule of every node kind, by its whole message; and the edges that nodes infer."""

import numpy as np
import pytest

from hwgen.ir import (
    Argmax,
    Dense,
    Edge,
    Input,
    MatVec,
    Requantise,
    Thermometer,
    Threshold,
)
from hwgen.numeric import Bipolar, Codebook, Fixed, Planes, PowerOfTwo, SpecError, Ternary
from tests.cases.errors import refused

X = Edge((3,), Fixed(4), -8, 7)
IMAGE = Edge((2, 2), Fixed(4), -8, 7)
WIDE = Edge((2,), Fixed(60), -(2**59), 2**59 - 1)
EYE = Dense(np.eye(3, dtype=int), Fixed(4))


def requantise(multiplier=(1,), shift=0, rounding="floor", fmt=Fixed(4), **options):
    return Requantise("q", ("x",), multiplier, shift, rounding, fmt, **options)


SOUND = [
    (Input("x", (), (3,), Fixed(4)), []),
    (Thermometer("t", ("x",), [-7, 7]), [X]),
    (MatVec("m", ("x",), EYE), [X]),
    (MatVec("m", ("x",), EYE, [1, 2, 3]), [X]),
    (MatVec("m", ("x",), Dense([[3, 0]], Fixed(62))), [WIDE]),
    (Threshold("t", ("x",), [-8, 0, 8], [True, False, 1]), [X]),
    (Threshold("t", ("x",), [[0], [1]], [0, 1]), [IMAGE]),
    (Threshold("t", ("x",), [[-8, 0, 0]] * 3, [1, 0, 0], Fixed(2, signed=False)), [X]),
    (Threshold("t", ("x",), [[0, 8]] * 2, [1, 0], Ternary()), [IMAGE]),
    (Threshold("t", ("x",), [[1, 2, 3]] * 3, [1, 0, 0], Planes.of_bases((5, 2))), [X]),
    (requantise(), [X]),
    (requantise((1, 2, 3), 60 - 4), [X]),
    (requantise((3,)), [WIDE]),
    (Argmax("a", ("x",)), [X]),
    (Argmax("a", ("x",), 3), [X]),
]


@pytest.mark.parametrize(("node", "edges"), SOUND)
def test_sound_nodes_have_no_faults(node, edges):
    assert node.faults(*edges) == []


FAULTS = [
    (Input("x", (), (), Fixed(4)), [], ["shape must have positive sizes, not ()"]),
    (Input("x", (), (3, 0), Fixed(4)), [], ["shape must have positive sizes, not (3, 0)"]),
    (Thermometer("t", ("x",), [[1]]), [IMAGE],
     ["input must be a vector (n,), not (2, 2)",
      "levels must be a non-empty vector, not of shape (1, 1)"]),
    (Thermometer("t", ("x",), np.zeros(0, int)), [X],
     ["levels must be a non-empty vector, not of shape (0,)"]),
    (Thermometer("t", ("x",), [1, 1]), [X], ["levels must ascend, not [1, 1]"]),
    (Thermometer("t", ("x",), [2**63 - 1, -(2**63)]), [X],
     ["levels must ascend, not [9223372036854775807, -9223372036854775808]"]),
    (Thermometer("t", ("x",), [-8, 0]), [X],
     ["levels must be in -7..7 (outside, a bit is constant), not [-8, 0]"]),
    (Thermometer("t", ("x",), [0, 8]), [X],
     ["levels must be in -7..7 (outside, a bit is constant), not [0, 8]"]),
    (MatVec("m", ("x",), EYE, [1]), [IMAGE],
     ["input must be of shape (2, 3) for weights (3, 3), not (2, 2)",
      "bias must be of shape (3,), not (1,)"]),
    (MatVec("m", ("x",), Dense([[3, 1]], Fixed(62))), [WIDE],
     [f"accumulator must stay below 2**61, not reach {4 * 2**59}"]),
    (MatVec("m", ("x",), EYE, [0, -(2**63), 0]), [X],
     [f"accumulator must stay below 2**61, not reach {2**63 + 8}"]),
    (MatVec("m", ("x",), Dense([[2**61] * 9] * 3, PowerOfTwo(62))), [X],
     ["input must be of shape (9,) for weights (3, 9), not (3,)",
      f"accumulator must stay below 2**61, not reach {8 * 9 * 2**61}"]),
    (Threshold("t", ("x",), [0, 9, -9], [0, 0]), [X],
     ["invert must be of shape (3,), not (2,)",
      "thresholds must be in -8..8 (the proven range of the input, and one more for never),"
      " not 9 at index [1]"]),
    (Threshold("t", ("x",), [[0, 1], [2, -9]], [0, 0], Ternary()), [IMAGE],
     ["thresholds must be in -8..8 (the proven range of the input, and one more for never),"
      " not -9 at index [1, 1]",
      "thresholds of a channel must not descend, not [2, -9] of channel 1"]),
    (Threshold("t", ("x",), [0, 1], [0, 0], Ternary()), [IMAGE],
     ["thresholds must be of shape (2, 2) for 2 channels and the 3 levels of"
      " ternary {-1, 0, +1}, not (2,)"]),
    (Threshold("t", ("x",), [0, 1], [0, 0], Fixed(9)), [IMAGE],
     ["format must have at most 8 bits, not fixed s9.0 (-256..255)"]),
    (Threshold("t", ("x",), 99, False), [X],
     ["thresholds must be of shape (3, 1) or (3,) for 3 channels and the 2 levels of"
      " bipolar {-1, +1}, not ()", "invert must be of shape (3,), not ()",
      "thresholds must be in -8..8 (the proven range of the input, and one more for never),"
      " not 99 at index []"]),
    (requantise((1, 0), 61, "up"), [X],
     ["multiplier must be of shape (1,) or (3,), not (2,)",
      "multiplier must be at least 1, not 0",
      "shift must be in 0..60, not 61",
      "rounding must be one of ['half_up', 'half_even', 'half_away', 'floor', 'toward_zero',"
      " 'doubling_high'], not 'up'"]),
    (requantise(shift=[1, 2]), [X], ["shift must be an int or of shape (3,), not (2,)"]),
    (requantise(shift=[[1, 2, 3]]), [X], ["shift must be an int or of shape (3,), not (1, 3)"]),
    (requantise(shift=[1, 61, 2], low=-9), [X],
     ["shift must be in 0..60, not 61",
      "low and high must ascend within fixed s4.0 (-8..7), not be -9 and 7"]),
    (requantise(shift=58, slope_shift=3, low=2, high=1), [X],
     ["slope_shift must be in 0..2 beside a shift of 58, not 3",
      "low and high must ascend within fixed s4.0 (-8..7), not be 2 and 1"]),
    (requantise(zero_point=8), [X], ["zero_point must be in fixed s4.0 (-8..7), not 8"]),
    (requantise((1 << 31,), -32, "doubling_high"), [X],
     [f"multiplier must fit int32, not reach {1 << 31}", "shift must be in -31..31, not -32"]),
    (requantise((5,), [0, -2, 31], "doubling_high"), [Edge((3,), Fixed(32), -5, 1 << 29)],
     [f"input must fit int32 when shifted left by 2, not run from -20 to {1 << 31}"]),
    (requantise((5, -5, 4), 3, "doubling_high", slope_shift=2), [X],
     ["multiplier must be at least 0 beside a slope_shift, not -5"]),
    (requantise((5,), 30, "doubling_high", slope_shift=2), [X],
     ["slope_shift must be in 0..1 beside a shift of 30, not 2"]),
    (requantise(np.zeros(0, int), -1), [X],
     ["multiplier must be of shape (1,) or (3,), not (0,)", "shift must be in 0..60, not -1"]),
    (requantise((4,)), [WIDE], [f"product must stay below 2**61, not reach {4 * 2**59 + 1}"]),
    (requantise((1,), 60), [Edge((1,), Fixed(62), -(2**60), 0)],
     [f"product must stay below 2**61, not reach {2**61}"]),
    (Argmax("a", ("x",)), [IMAGE], ["input must be a vector (n,), not (2, 2)"]),
    (Argmax("a", ("x",), 0), [X], ["k must be in 1..3, the elements of its input, not 0"]),
    (Argmax("a", ("x",), 4), [X], ["k must be in 1..3, the elements of its input, not 4"]),
]


@pytest.mark.parametrize(("node", "edges", "faults"), FAULTS)
def test_faults_are_gathered_in_full(node, edges, faults):
    assert node.faults(*edges) == faults


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: Argmax(3, ("x",)), TypeError, "argmax name must be a str, not 3"),
    (lambda: Argmax("a", "fc1"), TypeError,
     "node 'a': inputs must be a tuple of node names, not 'fc1'"),
    (lambda: Argmax("a", (1,)), TypeError,
     "node 'a': inputs must be a tuple of node names, not (1,)"),
    (lambda: Argmax("a", ("x",), 1.0), TypeError, "node 'a': k must be an int, not 1.0"),
    (lambda: Argmax("a", ("x",), True), TypeError, "node 'a': k must be an int, not True"),
    (lambda: Input("x", (), 3, Fixed(4)), TypeError,
     "node 'x': shape must be a tuple of ints, not 3"),
    (lambda: Input("x", (), (3.5,), Fixed(4)), TypeError,
     "node 'x': size in shape must be an int, not 3.5"),
    (lambda: Input("x", (), (3,), "int8"), TypeError,
     "node 'x': format must be a Format, not 'int8'"),
    (lambda: Thermometer("t", ("x",), [0.5]), TypeError,
     "node 't': levels must be integers, not float64"),
    (lambda: MatVec("m", ("x",), np.eye(3)), TypeError,
     "node 'm': weights must be a Matrix, not ndarray"),
    (lambda: MatVec("m", ("x",), EYE, [np.nan]), TypeError,
     "node 'm': bias must be integers, not float64"),
    (lambda: MatVec("m", ("x",), EYE, np.uint64([2**63])), SpecError,
     "node 'm': bias must fit int64, not reach 9223372036854775808"),
    (lambda: Threshold("t", ("x",), [0.0], [0]), TypeError,
     "node 't': thresholds must be integers, not float64"),
    (lambda: Threshold("t", ("x",), [0], [0], "bipolar"), TypeError,
     "node 't': format must be a Format, not 'bipolar'"),
    (lambda: Threshold("t", ("x",), [0], [0.0]), TypeError,
     "node 't': invert must be integers, not float64"),
    (lambda: Threshold("t", ("x",), [0], [2]), SpecError,
     "node 't': invert must be 0 or 1, not 2"),
    (lambda: requantise([1.0]), TypeError, "node 'q': multiplier must be integers, not float64"),
    (lambda: requantise(shift=2.0), TypeError, "node 'q': shift must be an int, not 2.0"),
    (lambda: requantise(shift=True), TypeError, "node 'q': shift must be an int, not True"),
    (lambda: requantise(shift=[1.0]), TypeError, "node 'q': shift must be integers, not float64"),
    (lambda: requantise(low=1.0), TypeError, "node 'q': low must be an int, not 1.0"),
    (lambda: requantise(slope_shift=None), TypeError,
     "node 'q': slope_shift must be an int, not None"),
    (lambda: requantise(zero_point=0.5), TypeError,
     "node 'q': zero_point must be an int, not 0.5"),
    (lambda: requantise(fmt=Bipolar()), TypeError,
     "node 'q': format must be Fixed, not Bipolar()"),
    (lambda: Dense([[1]], 8), TypeError, "weights format must be a Format, not 8"),
    (lambda: Dense([[1.0]], Fixed(4)), TypeError, "weights must be integers, not float64"),
    (lambda: Dense([1], Fixed(4)), SpecError,
     "weights must be a non-empty (n_out, n_in), not (1,)"),
    (lambda: Dense(np.zeros((0, 3), int), Fixed(4)), SpecError,
     "weights must be a non-empty (n_out, n_in), not (0, 3)"),
    (lambda: Dense([[1, 0]], Bipolar()), SpecError,
     "weights must be in bipolar {-1, +1}, not 0 at index [0, 1] (1 of 2 are outside)"),
])
def test_constructors_refuse(make, error, message):
    with refused(error, message):
        make()


@pytest.mark.parametrize(("node", "edges", "edge"), [
    (Input("x", (), (2, 3), Codebook((-5, 1, 9))), [],
     Edge((2, 3), Codebook((-5, 1, 9)), -5, 9)),
    (Thermometer("t", ("x",), [0, 1]), [X], Edge((6,), Bipolar(), -1, 1)),
    (Threshold("t", ("x",), [0] * 3, [0] * 3), [X], Edge((3,), Bipolar(), -1, 1)),
    (Threshold("t", ("x",), [[1, 2, 3]] * 3, [0] * 3, Planes.of_bases((5, 2))), [X],
     Edge((3,), Planes.of_bases((5, 2)), -7, 7)),
    (Argmax("a", ("x",)), [X], Edge((1,), Fixed(2, signed=False), 0, 2)),
    (Argmax("a", ("x",), 2), [X], Edge((2,), Fixed(2, signed=False), 0, 2)),
    (Argmax("a", ("x",)), [Edge((1,), Fixed(4), -8, 7)],
     Edge((1,), Fixed(1, signed=False), 0, 0)),
    (MatVec("m", ("x",), Dense([[1, -2, 0], [0, 0, 0]], Fixed(4, 1)), [5, 90]),
     [Edge((3,), Fixed(4, 2), -8, 7)], Edge((2,), Fixed(8, 3), -8 - 14 + 5, 90)),
    (MatVec("m", ("x",), Dense([[2**61]], PowerOfTwo(62))), [Edge((1,), Fixed(1), 0, 0)],
     Edge((1,), Fixed(1, signed=False), 0, 0)),
    (MatVec("m", ("x",), Dense([[1]], Fixed(2)), [1 - 2**60]),
     [Edge((1,), Fixed(62), -(2**60), 0)], Edge((1,), Fixed(62), 1 - 2**61, 1 - 2**60)),
    (requantise((1, 2, 3), 1, "half_up", Fixed(8, 4)), [X], Edge((3,), Fixed(8, 4), -12, 11)),
    (requantise((3,), [1, 2, 0], "half_up", Fixed(8), low=-20, high=15, slope_shift=2), [X],
     Edge((3,), Fixed(8), -6, 15)),
    (requantise((3,), 1, "floor", Fixed(5), high=5, zero_point=-4), [X],
     Edge((3,), Fixed(5), -16, 5)),
    (requantise((-(1 << 31), 1 << 30), [-1, 3], "doubling_high", Fixed(8)),
     [Edge((2,), Fixed(4), -8, 7)], Edge((2,), Fixed(8), -14, 16)),
    (requantise((2,), 1, "floor", Fixed(2, signed=False)), [X],
     Edge((3,), Fixed(2, signed=False), 0, 3)),
    (requantise((1, 4), 0, "floor", Fixed(8)), [Edge((2,), Fixed(4), 2, 3)],
     Edge((2,), Fixed(8), 2, 12)),
    (requantise((1, 4), 0, "floor", Fixed(8)), [Edge((2,), Fixed(4), -3, -2)],
     Edge((2,), Fixed(8), -12, -2)),
])
def test_inferred_edges(node, edges, edge):
    assert node.faults(*edges) == []
    assert node.infer(*edges) == edge


def test_partial_sums_cover_every_order_of_adding():
    node = MatVec("m", ("x",), Dense([[1, -2, 0], [3, 3, 3]], Fixed(4)), [5, -4])
    assert node.partial_sum_range(X) == (3 * -24 - 4, 3 * 21)
    assert node.magnitude(8) == 72 + 4
    above = Edge((3,), Fixed(4), 2, 3)
    assert node.partial_sum_range(above) == (-6, 27)
    assert node.partial_sum_range(Edge((3,), Fixed(4), -3, -2)) == (-27 - 4, 6 + 5)


def test_constants_are_copied_and_read_only():
    given = np.array([1, 2, 3])
    made = [MatVec("m", ("x",), EYE, given).bias, Threshold("t", ("x",), given, given > 1).invert,
            requantise(given).multiplier, Thermometer("t", ("x",), given).levels,
            Dense(given[np.newaxis], Fixed(4)).to_dense()]
    given[0] = 9
    for array in made:
        assert array.flat[0] in (0, 1)
        assert not array.flags.writeable


def test_numpy_integers_become_python_ints():
    assert type(requantise(shift=np.int32(3)).shift) is int
    assert [type(n) for n in Input("x", (), (np.int64(3),), Fixed(4)).shape] == [int]


def test_matrix_counts():
    matrix = Dense([[0, 1, 0], [0, 2, 3]], Fixed(4))
    assert (matrix.shape, matrix.nonzeros, matrix.density) == ((2, 3), 3, 0.5)
    assert Edge((2, 3, 4), Fixed(4), 0, 1).size == 24

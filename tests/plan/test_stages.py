"""The stages that a design is made of: derived numbers, storage and messages."""

import itertools

import numpy as np
import pytest
from cases.errors import refused
from cases.targets import ECP5, UP5K
from hypothesis import given
from hypothesis import strategies as st

from hwgen.ir import Argmax, Dense, Edge, MatVec, Requantise, Thermometer, Threshold
from hwgen.numeric import Bipolar, Fixed, SpecError, unpack_rows
from hwgen.plan.stages import (
    CORES,
    MATRIX_CORES,
    ArgmaxStage,
    BinaryStage,
    Conversion,
    FixedStage,
    ThermometerStage,
    divisors,
)
from hwgen.plan.stages.folded import adder_levels

U4 = Fixed(4, 0, False)


def binary_stage(pe=2, simd=3, *, n_out=4, n_in=6, thresholds=None, bias=None, post=None, levels=2):
    rng = np.random.default_rng(n_out * n_in)
    weights = Dense(rng.choice([-1, 1], (n_out, n_in)), Bipolar())
    if thresholds is not None:
        post = Threshold("act", ("fc",), np.asarray(thresholds), np.zeros(n_out, bool))
    return BinaryStage(MatVec("fc", ("x",), weights, bias), Edge((n_in,), Bipolar(), -1, 1), post,
                       pe, simd, levels)


def fixed_stage(pe=2, simd=3, *, n_out=4, n_in=6, bias=None, post=None, levels=2, fmt=Fixed(5)):
    rng = np.random.default_rng(n_out * n_in)
    weights = Dense(rng.integers(fmt.min, fmt.max + 1, (n_out, n_in)), fmt)
    return FixedStage(MatVec("fc", ("x",), weights, bias), Edge((n_in,), U4, 0, 15), post, pe, simd,
                      levels)


def requantise(multiplier, *, shift=3):
    return Requantise("act", ("fc",), np.asarray(multiplier), shift, "half_up", U4)


def test_the_table_of_cores():
    assert list(CORES) == ["thermometer", "window", "window_wide", "depthwise", "shift", "codebook",
                           "binary", "fixed", "nm", "sparse", "sparse-columns", "binary-unrolled",
                           "fixed-unrolled", "pool", "sum-pool", "window-max", "window-sum",
                           "window-max-wide", "window-sum-wide", "threshold", "requantise", "table",
                           "piecewise", "add", "argmax"]
    assert list(MATRIX_CORES) == ["depthwise", "shift", "binary", "nm", "sparse", "sparse-columns",
                                  "codebook", "fixed", "binary-unrolled", "fixed-unrolled"]


def test_divisors():
    assert divisors(12) == [1, 2, 3, 4, 6, 12]
    assert divisors(1) == [1]


def test_adder_levels_are_those_of_a_balanced_tree():
    for terms in range(1, 600):
        left, levels = terms, 0
        while left > 1:
            left, levels = -(-left // 2), levels + 1
        assert adder_levels(terms) == levels


# -- folding ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("make", [binary_stage, fixed_stage])
def test_interval_is_the_product_of_the_folds(make):
    for pe in (1, 2, 4):
        for simd in (1, 2, 3, 6):
            stage = make(pe, simd)
            assert stage.interval_cycles == (4 // pe) * (6 // simd)
            assert (stage.in_lanes, stage.out_lanes) == (simd, pe)
            assert stage.folding.items() >= {"pe": pe, "simd": simd}.items()
            assert stage.folding["levels_per_register"] == 2


@pytest.mark.parametrize("make", [binary_stage, fixed_stage])
def test_refuses_foldings(make):
    core = make().core
    with refused(SpecError, f"{core} core 'fc': pe must divide n_out = 4, not 3;"
                            " choose from [1, 2, 4]"):
        make(3, 1)
    with refused(SpecError, f"{core} core 'fc': simd must divide n_in = 6, not 4;"
                            " choose from [1, 2, 3, 6]"):
        make(1, 4)
    with refused(SpecError, f"{core} core 'fc': simd must divide n_in = 6, not -1;"
                            " choose from [1, 2, 3, 6]"):
        make(1, -1)
    for value in (2.0, True, "2", np.int64(2)):
        with refused(TypeError, f"{core} core 'fc': simd must be an int, not {value!r}"):
            make(1, value)
    with refused(SpecError, f"{core} core 'fc': levels_per_register must be at least 1, not 0"):
        make(1, 1, levels=0)


def test_refuses_to_be_followed_by_what_narrows_nothing():
    with refused(SpecError, "fixed core 'fc': what follows must be a Requantise or nothing,"
                            " not a Threshold"):
        fixed_stage(post=Threshold("act", ("fc",), np.zeros(4, int), np.zeros(4, bool)))
    with refused(SpecError, "fixed core 'fc': what follows must be a Threshold or a Requantise,"
                            " not Argmax"):
        fixed_stage(post=Argmax("class", ("fc",)))


def test_thermometer_refuses_lanes():
    node = Thermometer("code", ("x",), [3, 7])
    with refused(SpecError, "thermometer core 'code': lanes must divide n = 6, not 4;"
                            " choose from [1, 2, 3, 6]"):
        ThermometerStage(node, Edge((6,), U4, 0, 15), 4)
    with refused(TypeError, "thermometer core 'code': lanes must be an int, not None"):
        ThermometerStage(node, Edge((6,), U4, 0, 15), None)


def test_small_stages():
    code = ThermometerStage(Thermometer("code", ("x",), [3, 7, 9]), Edge((6,), U4, 0, 15), 2)
    assert (code.in_lanes, code.out_lanes, code.interval_cycles) == (2, 6, 3)
    assert (code.out_edge.size, code.memory_bits, code.folding) == (18, {}, {"lanes": 2})
    top = ArgmaxStage(Argmax("class", ("x",)), Edge((20,), Fixed(3), -4, 3))
    assert (top.in_lanes, top.out_lanes, top.interval_cycles, top.out_edge.size) == (1, 1, 21, 21)
    assert top.out_edge == Edge((21,), Fixed(6), -4, 19)
    assert top.class_edge.hi == 19


def test_the_k_best_classes_follow_the_scores():
    one, three = (ArgmaxStage(Argmax("class", ("x",), k), Edge((20,), Fixed(3), -4, 3))
                  for k in (1, 3))
    assert (three.interval_cycles, three.out_edge) == (23, Edge((23,), Fixed(6), -4, 19))
    assert three.class_edge == Edge((3,), Fixed(5, signed=False), 0, 19)
    assert three.schedule([5, 9]) == [6, 10, 11, 12, 13]
    assert one.schedule([5, 9]) == [6, 10, 11]
    small, large = one.estimate(ECP5), three.estimate(ECP5)
    # Beat, four flags, classes to send, number, and a score and a number for each place.
    assert (small.ff, large.ff) == (6 + 4 + 1 + 5 + 8, 6 + 4 + 2 + 5 + 3 * 8)
    assert large.lut == small.lut + 2 * 3 + 3 * 2 * 8


# -- storage ---------------------------------------------------------------------------------------

@given(data=st.data(), n_out=st.integers(1, 6), n_in=st.integers(1, 8))
def test_weight_rows_hold_the_matrix_in_reading_order(data, n_out, n_in):
    pe = data.draw(st.sampled_from(divisors(n_out)))
    simd = data.draw(st.sampled_from(divisors(n_in)))
    stage = fixed_stage(pe, simd, n_out=n_out, n_in=n_in)
    rows = unpack_rows(stage.weight_rows(), pe * simd, stage.weight_format)
    weights = stage.mat_vec.weights.to_dense()
    for fold in range(stage.nf):
        for step in range(stage.sf):
            for p in range(pe):
                for s in range(simd):
                    expected = weights[fold * pe + p, step * simd + s]
                    assert rows[fold * stage.sf + step, p * simd + s] == expected


def test_memory_bits():
    assert fixed_stage().memory_bits == {"weights": 24 * 5}
    assert fixed_stage(bias=np.array([1, 2, 3, 4])).memory_bits == {
        "weights": 24 * 5, "bias": 4 * 3}
    assert fixed_stage(post=requantise([9])).memory_bits == {"weights": 24 * 5}
    assert fixed_stage(post=requantise([9, 9, 9, 9])).memory_bits == {"weights": 24 * 5}
    assert fixed_stage(post=requantise([9, 1, 2, 3])).memory_bits == {
        "weights": 24 * 5, "multipliers": 4 * 4}


def test_bias_rows_of_each_fold():
    stage = fixed_stage(bias=np.array([-1, 2, 3, 0]))
    assert stage.bias_format == Fixed(3)
    assert stage.bias_rows() == [0b010_111, 0b000_011]


def test_accumulator_holds_partial_sums_that_the_result_does_not():
    weights = np.array([[7, 7, -7, -7]])
    stage = FixedStage(MatVec("fc", ("x",), Dense(weights, Fixed(4))), Edge((4,), U4, 15, 15), None,
                       1, 1, 1)
    assert (stage.acc_edge.lo, stage.acc_edge.hi) == (0, 0)
    assert stage.acc_format == Fixed.covering(-210, 210)


# -- cells and lanes -------------------------------------------------------------------------------

@pytest.mark.parametrize("target", [ECP5, UP5K], ids=["ecp5", "ice40"])
@pytest.mark.parametrize("make", [binary_stage, fixed_stage])
def test_more_side_by_side_takes_more_cells(make, target):
    small, large = (make(pe, simd, n_out=32, n_in=48).estimate(target)
                    for pe, simd in ((1, 1), (16, 24)))
    assert small.lut < large.lut
    assert small.ff < large.ff
    assert large.dsp == (0 if make is binary_stage or target is UP5K else 16 * 24)


def beats(count, lanes):
    """The element numbers of each beat."""
    return [range(k * lanes, (k + 1) * lanes) for k in range(count // lanes)]


@pytest.mark.parametrize("gap", [1, 2, 3, 9, None])
@pytest.mark.parametrize("lanes", list(itertools.product(range(1, 7), repeat=2)), ids=str)
def test_conversion_schedule_against_brute_force(lanes, gap):
    """A beat leaves a register as soon as its elements are there and the one before has left."""
    conversion = Conversion(*lanes)
    middle, total = conversion.lanes_middle, conversion.lanes_middle * 4
    gaps = np.random.default_rng(lanes).integers(1, 9, total) if gap is None else [gap] * total
    arrivals = np.cumsum(gaps[:total // lanes[0]]).tolist()
    there = [cycle for cycle, beat in zip(arrivals, beats(total, lanes[0]), strict=True)
             for _ in beat]
    if lanes[0] != middle:
        there = [max(there[k] for k in beats(total, middle)[n // middle]) + 1 for n in range(total)]
    expected = []
    for beat in beats(total, lanes[1]):
        cycle = there[beat[0]] + (lanes[1] != middle)
        expected.append(max([cycle, *(last + 1 for last in expected[-1:])])
                        if lanes[1] != middle else cycle)
    assert conversion.schedule(arrivals) == expected


def test_conversion_without_work_is_a_wire():
    assert Conversion(4, 4).schedule([3, 9]) == [3, 9]
    assert (Conversion(4, 6).gather, Conversion(4, 6).split, Conversion(4, 6).lanes_middle) == (
        3, 2, 12)

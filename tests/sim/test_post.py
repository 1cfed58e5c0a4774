# amaranth: UnusedElaboratable=no
"""What narrows an accumulator, at the limits of its widths."""

from dataclasses import replace

import numpy as np
import pytest
from golden.slow import requantise
from sim.harness import check_all_stalls, check_stream, convert

from hwgen.ir import Dense, Edge, MatVec, Requantise, Threshold
from hwgen.numeric import (
    DOUBLING_HIGH,
    INT32,
    ROUNDINGS,
    SCALINGS,
    Bipolar,
    Fixed,
    round_shift,
)
from hwgen.plan.stages import BinaryStage, FixedStage
from hwgen.rtl.folded import BinaryMatVec, FixedMatVec
from hwgen.rtl.text import to_rtlil

U4 = Fixed(4, 0, False)


def one_to_one(x_format, node):
    """A core whose accumulator is its input, so that every value can be driven."""
    n = max(node.multiplier.size, np.size(node.shift))
    mat_vec = MatVec("fc", ("x",), Dense(np.full((n, 1), 1), Fixed(2)))
    return FixedStage(mat_vec, Edge((1,), x_format, x_format.min, x_format.max), node, 1, 1, 1)


def check(stage, values):
    expected = [requantise(stage.post, [v] * stage.n_out) for v in values]
    check_stream(FixedMatVec(stage), [[v] for v in values], expected, seed=1, i_stall=True)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shift", [0, 1, 2, 5, 7, 8, 12, 60])
@pytest.mark.parametrize("x", [Fixed(6), Fixed(6, 0, False)], ids=str)
def test_every_value_at_every_shift_beyond_the_width_too(rounding, shift, x):
    node = Requantise("act", ("fc",), np.array([1]), shift, rounding, Fixed(5))
    check(one_to_one(x, node), range(x.min, x.max + 1))


@pytest.mark.parametrize("out", [Fixed(1), Fixed(1, 0, False), Fixed(3), Fixed(3, 0, False),
                                 Fixed(20), Fixed(20, 0, False)], ids=str)
@pytest.mark.parametrize("x", [Fixed(5), Fixed(5, 0, False), Fixed(1), Fixed(1, 0, False)], ids=str)
@pytest.mark.parametrize("multiplier", [[1], [7], [1, 15], [15, 1, 2]], ids=str)
def test_saturation_into_narrower_and_wider_formats(out, x, multiplier):
    node = Requantise("act", ("fc",), np.array(multiplier), 1, "half_up", out)
    check(one_to_one(x, node), range(x.min, x.max + 1))


@pytest.mark.parametrize("x", [Fixed(5), Fixed(5, 0, False)], ids=str)
@pytest.mark.parametrize("multiplier", [[7], [1, 15], [15, 8, 2]], ids=str)
def test_products_in_luts_are_the_same(x, multiplier):
    node = Requantise("act", ("fc",), np.array(multiplier), 2, "half_even", Fixed(6))
    stage = replace(one_to_one(x, node), multipliers="luts")
    check(stage, range(x.min, x.max + 1))
    text = to_rtlil(FixedMatVec(stage), "core")
    assert "cell \\hwgen_multiply " not in text


def test_one_multiplier_for_all_takes_no_table():
    several = one_to_one(Fixed(5), Requantise("a", ("fc",), np.array([7, 9]), 1, "floor", U4))
    same = one_to_one(Fixed(5), Requantise("a", ("fc",), np.array([7, 7]), 1, "floor", U4))
    assert "memory width 4 size 2" in convert(FixedMatVec(several))
    assert "memory width 4 size 2" not in convert(FixedMatVec(same))
    check(same, range(-16, 16))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shift", [[1, 3, 0], [8, 9, 7], [2, 2, 60]], ids=str)
@pytest.mark.parametrize("multiplier", [[1], [3, 5, 1]], ids=str)
def test_a_shift_for_each_channel(rounding, shift, multiplier):
    node = Requantise("act", ("fc",), np.array(multiplier), np.array(shift), rounding, Fixed(5))
    check(one_to_one(Fixed(6), node), range(-32, 32))


@pytest.mark.parametrize("rounding", SCALINGS)
@pytest.mark.parametrize("shift", [0, 2, [1, 3, 0]], ids=str)
@pytest.mark.parametrize("slope_shift", [1, 4])
def test_leaky_slopes_and_ends_anywhere(rounding, shift, slope_shift):
    multiplier = [1] if rounding != DOUBLING_HIGH else [1 << 30]
    node = Requantise("act", ("fc",), np.array(multiplier), shift, rounding, Fixed(6), low=-3,
                      high=11, slope_shift=slope_shift)
    check(one_to_one(Fixed(6), node), range(-32, 32))
    free = Requantise("act", ("fc",), np.array(multiplier), shift, rounding, Fixed(6),
                      slope_shift=slope_shift)
    check(one_to_one(Fixed(6), free), range(-32, 32))


@pytest.mark.parametrize("rounding", SCALINGS)
@pytest.mark.parametrize("shift", [0, 2, [1, 3, 0]], ids=str)
@pytest.mark.parametrize(("zero_point", "slope_shift"), [(-16, 0), (15, 0), (-5, 2)])
def test_zero_points(rounding, shift, zero_point, slope_shift):
    multiplier = [1] if rounding != DOUBLING_HIGH else [1 << 30]
    node = Requantise("act", ("fc",), np.array(multiplier), shift, rounding, Fixed(5),
                      slope_shift=slope_shift, zero_point=zero_point)
    check(one_to_one(Fixed(6), node), range(-32, 32))


@pytest.mark.parametrize(("low", "high"), [(0, None), (None, 0), (0, 9), (-16, 15), (5, 5)])
@pytest.mark.parametrize("x", [Fixed(6), Fixed(6, 0, False)], ids=str)
def test_results_between_any_two_bounds(low, high, x):
    node = Requantise("act", ("fc",), np.array([1]), 1, "half_up", Fixed(5), low, high)
    check(one_to_one(x, node), range(x.min, x.max + 1))


@pytest.mark.parametrize("multiplier", [
    [1 << 30], [INT32[1]], [INT32[0]], [0], [-1, 1, 0], [1 << 30, -(1 << 30), 1_288_490_189]],
    ids=str)
@pytest.mark.parametrize("shift", [0, 1, 3, -3, 31, [0, -4, 2], [-1, -1, 5]], ids=str)
def test_rounding_twice_of_every_value(multiplier, shift):
    node = Requantise("act", ("fc",), np.array(multiplier), shift, DOUBLING_HIGH, Fixed(5))
    check(one_to_one(Fixed(7), node), range(-64, 64))


@pytest.mark.parametrize("bias", [None, [-40, 40, 1]], ids=["no-bias", "bias"])
def test_thresholds_that_are_never_and_always_reached(bias):
    """At the ends of the proven range, inverted and not, for every count."""
    offset = np.array(bias or [0, 0, 0])
    mat_vec = MatVec("fc", ("x",), Dense(np.ones((3, 4), int), Bipolar()), bias and offset)
    x = np.where(np.tri(5, 4, -1), 1, -1)
    y = x @ np.ones((4, 3), int) + offset
    for thresholds in ([-4] * 3, [5] * 3, [-3] * 3, [4] * 3, [0, 1, 2]):
        for invert in ([0, 0, 0], [1, 0, 1]):
            at = np.clip(np.array(thresholds) + offset, y.min(), y.max() + 1)
            node = Threshold("act", ("fc",), at, np.array(invert))
            stage = BinaryStage(mat_vec, Edge((4,), Bipolar(), -1, 1), node, 1, 2, 2)
            hit = (y >= at) != np.array(invert, bool)
            check_stream(BinaryMatVec(stage), ((x + 1) // 2).tolist(), hit.astype(int).tolist())


def test_widest_accumulators():
    """Weights and inputs of 16 bits: products of sums of 34 bits and 20, of which four are kept."""
    rng = np.random.default_rng(0)
    fmt = Fixed(16)
    weights = rng.choice([fmt.min, fmt.max], (2, 6))
    bias = np.array([1 << 32, -(1 << 32)])
    multiplier = np.array([(1 << 20) - 1, (1 << 19) + 5])
    node = Requantise("act", ("fc",), multiplier, 50, "half_even", Fixed(4))
    mat_vec = MatVec("fc", ("x",), Dense(weights, fmt), bias)
    stage = FixedStage(mat_vec, Edge((6,), fmt, fmt.min, fmt.max), node, 1, 3, 1)
    x = rng.integers(fmt.min, fmt.max + 1, (12, 6))
    x[0], x[1] = fmt.min, fmt.max
    y = (x @ weights.T + bias) * node.multiplier
    expected = np.clip(round_shift(y, 50, "half_even"), -8, 7)
    assert len(np.unique(expected)) > 4
    check_all_stalls(lambda: FixedMatVec(stage), x.tolist(), expected.tolist())

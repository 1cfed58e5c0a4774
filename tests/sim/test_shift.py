# amaranth: UnusedElaboratable=no
"""The shift core against plain numpy: values, stalls, reset, and the cycle law."""

import numpy as np
import pytest
from sim.drawn_frames import frames_of
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.ir import Dense, Edge, MatVec, PowerSums, Requantise
from hwgen.numeric import Bipolar, Fixed, Logarithmic, PowerOfTwo, Ternary
from hwgen.plan.stages import ShiftStage
from hwgen.rtl.shift import ShiftMatVec

U6, S6 = Fixed(6, 0, False), Fixed(6)

SIZES = [  # n_out, n_in, pe, simd, levels_per_register
    (1, 1, 1, 1, 1), (1, 8, 1, 8, 1), (8, 1, 2, 1, 2), (4, 6, 4, 6, 2), (6, 12, 3, 4, 1),
    (12, 10, 2, 5, 3), (16, 32, 4, 8, 2), (5, 7, 1, 7, 2), (5, 7, 5, 1, 2),
]

KINDS = [  # exponents, bases
    (8, (0,)), (7, (1, 0)), (1, (0,)), (3, (2,)), (2, (0, 0)), (5, (4, 2, 0)), (16, (0,)),
]


def power_sums(rng, n_out, n_in, exponents=8, bases=(0,), *, codes=None):
    term = PowerOfTwo(exponents)
    every = term.encode(term.levels) if codes is None else np.array(codes)
    return PowerSums(rng.choice(every, (len(bases), n_out, n_in)), exponents, bases)


def shift_stage(weights, size, *, x=U6, bias=None, post=None):
    _, n_in, pe, simd, levels = size
    mat_vec = MatVec("fc", ("x",), weights, bias)
    return ShiftStage(mat_vec, Edge((n_in,), x, x.min, x.max), post, pe, simd, levels)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_numpy_under_all_stalls(rng, size, bias):
    stage = shift_stage(power_sums(rng, *size[:2]), size,
                        bias=rng.integers(-500, 500, size[0]) if bias else None)
    frames, expected = frames_of(rng, stage, 5)
    check_all_stalls(lambda: ShiftMatVec(stage), frames, expected)


@pytest.mark.parametrize("x", [U6, S6, Fixed(1, 0, False), Fixed(1), Fixed(16), Logarithmic(7),
                               Logarithmic(1), Logarithmic(4), Bipolar(), Ternary()], ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_any_terms_of_any_inputs(rng, kind, x):
    size = 6, 9, 2, 3, 1
    stage = shift_stage(power_sums(rng, *size[:2], *kind), size, x=x,
                        bias=rng.integers(-500, 500, 6))
    frames, expected = frames_of(rng, stage, 6)
    check_stream(ShiftMatVec(stage), frames, expected, i_stall=True, o_stall=True)


@pytest.mark.parametrize("x", [S6, U6, Fixed(16), Logarithmic(7)], ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("sign", [-1, 1])
def test_extremes_in_full_length(rng, kind, x, sign):
    """The most negative input times the largest shift, in every product of the longest sum."""
    exponents, bases = kind
    code = int(PowerOfTwo(exponents).encode(sign << exponents - 1))
    size = 4, 24, 2, 8, 2
    stage = shift_stage(power_sums(rng, 4, 24, exponents, bases, codes=[code]), size, x=x)
    frames, expected = frames_of(rng, stage, 4)
    extreme = x.min if x.is_signed else x.max
    largest = sum(1 << base + exponents - 1 for base in bases)
    assert sign * extreme * largest * 24 in np.array(expected)
    check_stream(ShiftMatVec(stage), frames, expected)


def test_rows_and_columns_of_zeros(rng):
    values = 1 << rng.integers(0, 5, (6, 12))
    values[::2], values[:, 3:6] = 0, 0
    stage = shift_stage(PowerSums.of(values, 5), (6, 12, 3, 4, 1), x=S6)
    frames, expected = frames_of(rng, stage, 4)
    check_stream(ShiftMatVec(stage), frames, expected)
    stage = shift_stage(PowerSums.of(0 * values, 5), (6, 12, 3, 4, 1), x=S6,
                        bias=np.arange(6) - 3)
    frames, expected = frames_of(rng, stage, 4)
    assert expected == [[-3, -2, -1, 0, 1, 2]] * 4
    check_stream(ShiftMatVec(stage), frames, expected)


def test_a_dense_matrix_of_powers_is_one_term(rng):
    fmt = PowerOfTwo(5)
    stage = shift_stage(Dense(rng.choice(fmt.levels, (4, 6)), fmt), (4, 6, 2, 3, 1), x=S6)
    frames, expected = frames_of(rng, stage, 4)
    check_stream(ShiftMatVec(stage), frames, expected)


@pytest.mark.parametrize("multiplier", [[1], [3], [1, 5, 2, 9, 1, 1, 7, 3]], ids=str)
@pytest.mark.parametrize("out", [Fixed(6, 0, False), Fixed(5)], ids=str)
def test_requantise_follows_under_all_stalls(rng, multiplier, out):
    post = Requantise("act", ("fc",), np.array(multiplier), 7, "half_even", out)
    stage = shift_stage(power_sums(rng, 8, 6, 7, (1, 0)), (8, 6, 4, 2, 2), post=post,
                        bias=rng.integers(-500, 500, 8))
    frames, expected = frames_of(rng, stage, 6)
    check_all_stalls(lambda: ShiftMatVec(stage), frames, expected)


@pytest.mark.parametrize("x", [U6, Logarithmic(7)], ids=str)
@pytest.mark.parametrize("kind", [(8, (0,)), (7, (1, 0))], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_interval_and_latency_are_the_stated_ones(rng, size, kind, x):
    n_out, n_in, pe, simd, _ = size
    stage = shift_stage(power_sums(rng, n_out, n_in, *kind), size, x=x)
    assert stage.interval_cycles == (n_out // pe) * (n_in // simd)
    frames, expected = frames_of(rng, stage, 6)
    timing = check_stream(ShiftMatVec(stage), frames, expected)
    firsts = timing.out_cycles[::stage.nf]
    assert set(np.diff(firsts[1:])) == {stage.interval_cycles}
    assert_flow(stage, timing)
    lone = check_stream(ShiftMatVec(stage), frames[:1], expected[:1])
    assert lone.out_cycles == stage.schedule(lone.in_cycles)


@pytest.mark.parametrize("beats", [1, 3, 7, 12])
def test_reset_in_mid_frame_leaves_nothing_behind(rng, beats):
    stage = shift_stage(power_sums(rng, 6, 12), (6, 12, 3, 4, 1))
    frames, expected = frames_of(rng, stage, 5)
    check_stream(ShiftMatVec(stage), frames, expected, reset_after=beats)


@pytest.mark.parametrize("x", [S6, Logarithmic(7)], ids=str)
def test_nothing_is_multiplied(rng, x):
    stage = shift_stage(power_sums(rng, 6, 12, 7, (1, 0)), (6, 12, 3, 4, 1), x=x)
    text = convert(ShiftMatVec(stage))
    assert "$mul" not in text
    assert "hwgen_multiply" not in text

# amaranth: UnusedElaboratable=no
"""The folded cores against plain numpy: values, stalls, reset, and the cycle law."""

import numpy as np
import pytest
from sim.drawn_frames import frames_of
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.ir import Dense, Edge, MatVec, Requantise, Threshold
from hwgen.numeric import ROUNDINGS, Bipolar, Fixed
from hwgen.plan.stages import BinaryStage, FixedStage
from hwgen.rtl.folded import BinaryMatVec, FixedMatVec

SIZES = [  # n_out, n_in, pe, simd, levels_per_register
    (1, 1, 1, 1, 1), (1, 8, 1, 8, 1), (8, 1, 2, 1, 2), (4, 6, 4, 6, 2), (6, 12, 3, 4, 1),
    (12, 10, 2, 5, 3), (16, 64, 4, 16, 2), (5, 7, 1, 7, 2), (5, 7, 5, 1, 2),
]


def bits_of(values):
    return ((np.asarray(values) + 1) // 2).tolist()


def binary_stage(rng, n_out, n_in, pe, simd, levels, *, post=True, bias=False):
    weights = rng.choice([-1, 1], (n_out, n_in))
    offsets = rng.integers(-30, 30, n_out) if bias else None
    mat_vec = MatVec("fc", ("x",), Dense(weights, Bipolar()), offsets)
    node = None
    if post:
        node = Threshold("act", ("fc",), rng.integers(-n_in, n_in + 2, n_out),
                         rng.integers(0, 2, n_out).astype(bool))
    return BinaryStage(mat_vec, Edge((n_in,), Bipolar(), -1, 1), node, pe, simd, levels)


def binary_frames(rng, stage, frames):
    x = rng.choice([-1, 1], (frames, stage.n_in))
    x[0] = 1
    x[-1] = stage.mat_vec.weights.to_dense()[0]     # the largest possible score
    y = x @ stage.mat_vec.weights.to_dense().T + stage.mat_vec.bias_or_zero
    if stage.post is not None:
        hit = (y >= stage.post.thresholds) != stage.post.invert
        return [bits_of(f) for f in x], hit.astype(int).tolist()
    return [bits_of(f) for f in x], y.tolist()


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("post", [True, False], ids=["threshold", "scores"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_binary_equals_numpy_under_all_stalls(size, post, bias):
    rng = np.random.default_rng(sum(size))
    stage = binary_stage(rng, *size, post=post, bias=bias)
    frames, expected = binary_frames(rng, stage, 5)
    check_all_stalls(lambda: BinaryMatVec(stage), frames, expected)


def fixed_stage(rng, size, *, weights=Fixed(6), x=Fixed(6, 0, False), bias=True, post=None,
                extreme=False):
    n_out, n_in, pe, simd, levels = size
    values = rng.integers(weights.min, weights.max + 1, (n_out, n_in))
    if extreme:
        values[:] = weights.min
    offsets = rng.integers(-500, 500, n_out) if bias else None
    mat_vec = MatVec("fc", ("x",), Dense(values, weights), offsets)
    return FixedStage(mat_vec, Edge((n_in,), x, x.min, x.max), post, pe, simd, levels)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_fixed_equals_numpy_under_all_stalls(size, bias):
    rng = np.random.default_rng(sum(size))
    stage = fixed_stage(rng, size, bias=bias)
    frames, expected = frames_of(rng, stage, 5)
    check_all_stalls(lambda: FixedMatVec(stage), frames, expected)


@pytest.mark.parametrize("formats", [
    (Fixed(1, 0, False), Fixed(1, 0, False)), (Fixed(8), Fixed(8)), (Fixed(2), Fixed(7)),
    (Fixed(16), Fixed(16)), (Fixed(5, 0, False), Fixed(4)), (Fixed(1), Fixed(1)),
], ids=str)
def test_fixed_extremes_of_every_signedness(formats):
    rng = np.random.default_rng(1)
    stage = fixed_stage(rng, (4, 8, 2, 4, 2), weights=formats[0], x=formats[1], extreme=True)
    frames, expected = frames_of(rng, stage, 4)
    check_stream(FixedMatVec(stage), frames, expected)


@pytest.mark.parametrize("shift", [0, 1, 5])
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("out", [Fixed(6, 0, False), Fixed(5), Fixed(24)], ids=str)
@pytest.mark.parametrize("multiplier", [[1], [3], [1, 5, 2, 9, 1, 1, 7, 3]], ids=str)
def test_requantise_equals_numpy(shift, rounding, out, multiplier):
    rng = np.random.default_rng(shift)
    node = Requantise("act", ("fc",), np.array(multiplier), shift, rounding, out)
    stage = fixed_stage(rng, (8, 4, 4, 2, 2), post=node)
    frames, expected = frames_of(rng, stage, 6)
    check_stream(FixedMatVec(stage), frames, expected, i_stall=True, o_stall=True, seed=shift)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_interval_and_latency_are_the_stated_ones(size):
    rng = np.random.default_rng(2)
    for stage, core, make in ((binary_stage(rng, *size), BinaryMatVec, binary_frames),
                              (fixed_stage(rng, size), FixedMatVec, frames_of)):
        frames, expected = make(rng, stage, 6)
        timing = check_stream(core(stage), frames, expected)
        firsts = timing.out_cycles[::stage.nf]
        assert set(np.diff(firsts[1:])) == {stage.interval_cycles}
        assert_flow(stage, timing)
        lone = check_stream(core(stage), frames[:1], expected[:1])
        assert lone.out_cycles == stage.schedule(lone.in_cycles)


@pytest.mark.parametrize("beats", [1, 3, 7, 12])
def test_reset_in_mid_frame_leaves_nothing_behind(beats):
    rng = np.random.default_rng(3)
    stage = fixed_stage(rng, (6, 12, 3, 4, 1))
    frames, expected = frames_of(rng, stage, 5)
    check_stream(FixedMatVec(stage), frames, expected, reset_after=beats)
    stage = binary_stage(rng, 6, 12, 3, 4, 1)
    frames, expected = binary_frames(rng, stage, 5)
    check_stream(BinaryMatVec(stage), frames, expected, reset_after=beats)


def test_cores_convert_to_rtlil():
    rng = np.random.default_rng(4)
    assert "cell" in convert(BinaryMatVec(binary_stage(rng, 6, 12, 3, 4, 1)))
    assert "cell" in convert(FixedMatVec(fixed_stage(rng, (6, 12, 3, 4, 1))))

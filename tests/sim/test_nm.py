# amaranth: UnusedElaboratable=no
"""The N:M core against plain numpy: values, stalls, reset, and the cycle law."""

import numpy as np
import pytest
from sim.drawn_frames import frames_of
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.ir import Dense, Edge, MatVec, Requantise
from hwgen.numeric import Fixed, Ternary
from hwgen.plan.stages import NMStage
from hwgen.rtl.nm import NMMatVec

U6, S6 = Fixed(6, 0, False), Fixed(6)

SIZES = [  # n_out, n_in, pe, simd, levels_per_register, N, M
    (1, 4, 1, 4, 1, 2, 4), (6, 12, 3, 4, 1, 2, 4), (8, 24, 2, 12, 3, 2, 4), (6, 16, 6, 16, 2, 1, 8),
    (5, 15, 1, 5, 2, 3, 5), (4, 6, 2, 2, 1, 1, 2), (3, 7, 3, 1, 1, 1, 1), (4, 8, 4, 4, 2, 4, 4),
    (4, 16, 2, 16, 1, 15, 16),
]


def pruned(rng, n_out, n_in, n, m, fmt=Fixed(5)):
    """At most ``n`` nonzeros in each ``m``, and in the first row's groups as many."""
    values = rng.integers(fmt.min, fmt.max + 1, (n_out, n_in // m, m))
    kept = rng.permuted(np.broadcast_to(np.arange(m) < n, values.shape), axis=2)
    values[0, kept[0]] = fmt.max
    return (values * kept).reshape(n_out, n_in)


def nm_stage(weights, size, *, fmt=Fixed(5), x=U6, bias=None, post=None, shape=None, **more):
    _, n_in, pe, simd, levels, _, group = size
    mat_vec = MatVec("fc", ("x",), Dense(weights, fmt), bias)
    edge = Edge(shape or (n_in,), x, x.min, x.max)
    return NMStage(mat_vec, edge, post, pe, simd, levels, group=group, **more)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_numpy_under_all_stalls(rng, size):
    bias = SIZES.index(size) % 2
    n_out, n_in, *_, n, m = size
    stage = nm_stage(pruned(rng, n_out, n_in, n, m), size,
                     bias=rng.integers(-500, 500, n_out) if bias else None)
    assert (stage.places, stage.size, stage.lanes) == (n, m, stage.simd // m * n)
    frames, expected = frames_of(rng, stage, 4)
    check_all_stalls(lambda: NMMatVec(stage), frames, expected)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_interval_is_that_of_the_formula(rng, size):
    n_out, n_in, pe, _, _, n, m = size
    stage = nm_stage(pruned(rng, n_out, n_in, n, m), size)
    frames, expected = frames_of(rng, stage, 5)
    timing = check_stream(NMMatVec(stage), frames, expected)
    assert_flow(stage, timing)
    ends = timing.out_cycles[stage.nf - 1::stage.nf]
    assert set(np.diff(ends[1:]).tolist()) == {stage.interval_cycles}
    assert stage.interval_cycles == (n_out // pe) * (n_in // m) * n // stage.lanes


@pytest.mark.parametrize("x", [U6, Fixed(1, 0, False), Fixed(1), Fixed(16)], ids=str)
@pytest.mark.parametrize(("fmt", "where"), [
    (Fixed(5), "blocks"), (Fixed(3, 0, False), "luts"), (Ternary(), "luts"), (Fixed(1), "blocks")],
    ids=str)
def test_extremes_of_every_format(rng, x, fmt, where):
    size = (4, 8, 2, 4, 1, 2, 4)
    weights = pruned(rng, 4, 8, 2, 4, fmt)
    weights[1] = np.where(weights[0], fmt.min, 0)
    weights[2], weights[3] = [fmt.max, fmt.min, 0, 0] * 2, [0, 0, fmt.min, fmt.max] * 2
    stage = nm_stage(weights, size, fmt=fmt, x=x, multipliers=where)
    frames = np.array([[x.max] * 8, [x.min] * 8, [x.min, x.max] * 4, [0] * 8, [x.max, x.min] * 4])
    expected = (frames @ weights.T).tolist()
    check_stream(NMMatVec(stage), frames.tolist(), expected, i_stall=True, o_stall=True)


def test_several_vectors_and_requantise(rng):
    size = (6, 8, 3, 8, 1, 1, 4)
    post = Requantise("act", ("fc",), rng.integers(1, 9, 6), 4, "half_up", U6)
    stage = nm_stage(pruned(rng, 6, 8, 1, 4), size, bias=rng.integers(-99, 99, 6), post=post,
                     shape=(2, 3, 8))
    assert stage.interval_cycles == 6 * 2 * 1
    x = rng.integers(0, 64, (3, 6, 8))
    sums = x @ stage.mat_vec.weights.to_dense().T + stage.mat_vec.bias
    expected = np.clip((sums * post.multiplier + 8) >> 4, 0, 63)
    check_all_stalls(lambda: NMMatVec(stage), x.reshape(3, -1).tolist(),
                     expected.reshape(3, -1).tolist())


@pytest.mark.parametrize("sent", [1, 3, 5])
def test_reset_in_mid_frame_leaves_nothing_behind(rng, sent):
    size = (6, 12, 3, 4, 1, 2, 4)
    stage = nm_stage(pruned(rng, 6, 12, 2, 4), size, bias=rng.integers(-9, 9, 6))
    frames, expected = frames_of(rng, stage, 3)
    check_stream(NMMatVec(stage), frames, expected, reset_after=sent)


def test_multipliers_are_as_many_as_places(rng):
    size = (8, 24, 2, 12, 3, 2, 4)
    text = convert(NMMatVec(nm_stage(pruned(rng, 8, 24, 2, 4), size, multipliers="luts")))
    assert text.count("$mul") == 2 * 6

# amaranth: UnusedElaboratable=no
"""The codebook core against plain numpy: values, stalls, reset, and the cycle law."""

import numpy as np
import pytest
from sim.drawn_frames import frames_of
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.ir import Dense, Edge, MatVec, Requantise, Shared
from hwgen.numeric import Bipolar, Fixed, Ternary
from hwgen.plan.stages import CodebookStage
from hwgen.rtl.codebook import CodebookMatVec

U6, S6 = Fixed(6, 0, False), Fixed(6)

SIZES = [  # n_out, n_in, pe, simd, levels_per_register, centroids
    (1, 1, 1, 1, 1, (5,)), (1, 8, 1, 8, 1, (-3,)), (8, 4, 2, 1, 2, (-3, 0, 9)),
    (4, 12, 4, 3, 2, (-30, -4, 0, 4, 31)), (6, 12, 3, 4, 1, (-2, 3)), (12, 10, 2, 5, 3, (0, 7)),
    (6, 32, 6, 2, 1, (-9, -3, 0, 5, 11)), (5, 7, 1, 7, 2, (1,)), (5, 7, 5, 1, 2, (-1, 0, 2)),
    (7, 16, 7, 2, 1, (3, 4, 5)), (8, 18, 4, 1, 2, tuple(range(-8, 8))),
]
"""Groups of one output and of several, whole and with a smaller last one; K of n_in / simd."""


def shared(rng, n_out, n_in, centroids):
    indices = rng.integers(0, len(centroids), (n_out, n_in))
    indices.flat[:len(centroids)] = np.arange(len(centroids))[:indices.size]
    return Shared(indices, centroids)


def codebook_stage(weights, size, *, x=U6, bias=None, post=None):
    _, n_in, pe, simd, levels = size
    mat_vec = MatVec("fc", ("x",), weights, bias)
    return CodebookStage(mat_vec, Edge((n_in,), x, x.min, x.max), post, pe, simd, levels)


def made(rng, size, **options):
    return codebook_stage(shared(rng, *size[:2], size[5]), size[:5], **options)


def test_the_sizes_have_groups_of_every_kind(rng):
    stages = [made(rng, size) for size in SIZES]
    assert {stage.pe % stage.group == 0 for stage in stages} == {True, False}
    assert {1, 2, 3} <= {stage.group for stage in stages}
    assert any(stage.sf == stage.group * len(stage.centroids) for stage in stages)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_numpy_under_all_stalls(rng, size, bias):
    stage = made(rng, size, bias=rng.integers(-500, 500, size[0]) if bias else None)
    frames, expected = frames_of(rng, stage, 5)
    check_all_stalls(lambda: CodebookMatVec(stage), frames, expected)


@pytest.mark.parametrize("x", [U6, S6, Fixed(1, 0, False), Fixed(1), Fixed(16), Bipolar(),
                               Ternary()], ids=str)
@pytest.mark.parametrize("centroids", [
    (-128, 127), (-32768, -1, 0, 32767), (0, 3, 200), (-7, -5), (-1, 1)], ids=str)
def test_any_centroids_of_any_inputs(rng, centroids, x):
    stage = made(rng, (6, 12, 3, 2, 1, centroids), x=x, bias=rng.integers(-500, 500, 6))
    frames, expected = frames_of(rng, stage, 6)
    check_stream(CodebookMatVec(stage), frames, expected, i_stall=True, o_stall=True)


@pytest.mark.parametrize("x", [S6, U6, Fixed(16)], ids=str)
@pytest.mark.parametrize("centroid", [-128, 127])
def test_extremes_in_full_length(rng, centroid, x):
    """All inputs of a row meet one centroid: the largest of sums, of either sign."""
    stage = codebook_stage(Shared(np.zeros((4, 24), int), [centroid]), (4, 24, 4, 8, 2), x=x)
    frames, expected = frames_of(rng, stage, 4)
    assert expected[0] == [24 * x.max * centroid] * 4
    assert expected[1] == [24 * x.min * centroid] * 4
    assert stage.sum_format == Fixed.covering(24 * x.min, 24 * x.max)
    check_stream(CodebookMatVec(stage), frames, expected)


def test_rows_of_zeros_and_of_one_centroid(rng):
    weights = shared(rng, 6, 12, (-4, 0, 9)).to_dense().copy()
    weights[::2], weights[:, 3:6], weights[1] = 0, 0, 9
    stage = codebook_stage(Shared.of(weights), (6, 12, 3, 4, 1), x=S6)
    frames, expected = frames_of(rng, stage, 4)
    check_stream(CodebookMatVec(stage), frames, expected)


def test_any_matrix_of_few_values_will_do(rng):
    weights = Dense(rng.choice([-7, 1, 7], (4, 12)), Fixed(4))
    stage = codebook_stage(weights, (4, 12, 2, 4, 1), x=S6)
    assert stage.centroids.tolist() == [-7, 1, 7]
    frames, expected = frames_of(rng, stage, 4)
    check_stream(CodebookMatVec(stage), frames, expected)


@pytest.mark.parametrize("multiplier", [[1], [3], [1, 5, 2, 9, 1, 1, 7, 3]], ids=str)
@pytest.mark.parametrize("out", [Fixed(6, 0, False), Fixed(5)], ids=str)
def test_requantise_follows_under_all_stalls(rng, multiplier, out):
    post = Requantise("act", ("fc",), np.array(multiplier), 6, "half_even", out)
    stage = made(rng, (8, 12, 4, 2, 2, (-30, 0, 11)), post=post, bias=rng.integers(-500, 500, 8))
    frames, expected = frames_of(rng, stage, 6)
    check_all_stalls(lambda: CodebookMatVec(stage), frames, expected)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_interval_and_latency_are_the_stated_ones(rng, size):
    n_out, n_in, pe, simd = size[:4]
    stage = made(rng, size)
    assert stage.interval_cycles == (n_out // pe) * (n_in // simd)
    frames, expected = frames_of(rng, stage, 6)
    timing = check_stream(CodebookMatVec(stage), frames, expected)
    firsts = timing.out_cycles[::stage.nf]
    assert set(np.diff(firsts[1:])) == {stage.interval_cycles}
    assert_flow(stage, timing)
    lone = check_stream(CodebookMatVec(stage), frames[:1], expected[:1])
    assert lone.out_cycles == stage.schedule(lone.in_cycles)


def test_nothing_is_taken_while_the_sums_are_cleared_after_reset(rng):
    stage = made(rng, (8, 18, 4, 1, 2, tuple(range(-8, 8))))
    frames, expected = frames_of(rng, stage, 2)
    assert check_stream(CodebookMatVec(stage), frames, expected).in_cycles[0] == 15


@pytest.mark.parametrize("size", [SIZES[3], SIZES[6], SIZES[9]], ids=str)
@pytest.mark.parametrize("beats", [1, 3, 7, 12, 20])
def test_reset_in_mid_frame_leaves_nothing_behind(rng, beats, size):
    stage = made(rng, size, bias=rng.integers(-500, 500, size[0]))
    frames, expected = frames_of(rng, stage, 5)
    check_stream(CodebookMatVec(stage), frames, expected, reset_after=beats)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_multipliers_are_the_stated_ones(rng, size):
    stage = made(rng, size)
    assert stage.ways == -(-stage.pe // min(
        stage.pe, stage.n_in // stage.simd // len(stage.centroids)))
    assert convert(CodebookMatVec(stage)).count("cell $mul") == stage.ways

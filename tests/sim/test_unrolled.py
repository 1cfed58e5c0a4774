# amaranth: UnusedElaboratable=no
"""The unrolled binarised core against plain numpy: formats, shapes, stalls, latency."""

import numpy as np
import pytest
from sim.harness import check_all_stalls, check_stream, convert

from hwgen.ir import Dense, Edge, MatVec, Requantise, Threshold
from hwgen.numeric import Bipolar, Fixed, Planes, Ternary
from hwgen.plan.stages import UnrolledStage
from hwgen.rtl.unrolled import UnrolledMatVec

SIZES = [  # n_out, n_in, levels_per_register, lut_inputs, rows
    (1, 1, 1, 4, None), (1, 9, 1, 4, None), (7, 1, 2, 6, None), (4, 5, 1, 6, 2), (6, 12, 3, 4, 6),
    (5, 31, 2, 4, None), (9, 40, 1, 6, 3),
]
WEIGHTS = [Bipolar(), Ternary(), Fixed(1, 0, False), Fixed(3), Planes.of_bases((3, 1)),
           Planes((5, -2))]
INPUTS = [Bipolar(), Fixed(1, 0, False), Fixed(3, 0, False), Fixed(2), Ternary(),
          Planes.of_bases((2, 1))]


def stage_of(rng, size, weights=Bipolar(), x=Bipolar(), *, post="threshold", bias=True, shape=()):
    n_out, n_in, levels, lut_inputs, rows = size
    values = rng.choice(weights.levels, (n_out, n_in))
    offsets = rng.integers(-5, 6, n_out) if bias else None
    mat_vec = MatVec("fc", ("x",), Dense(values, weights), offsets)
    edge = Edge((*shape, n_in), x, int(x.levels[0]), int(x.levels[-1]))
    acc = mat_vec.infer(edge)
    node = None
    if post == "threshold":
        node = Threshold("act", ("fc",), rng.integers(acc.lo - 1, acc.hi + 2, n_out),
                         rng.integers(0, 2, n_out).astype(bool))
    elif post == "levels":
        table = np.sort(rng.integers(acc.lo - 1, acc.hi + 2, (n_out, 3)), axis=1)
        node = Threshold("act", ("fc",), table, rng.integers(0, 2, n_out).astype(bool),
                         format=Fixed(2, 0, False))
    elif post == "requantise":
        node = Requantise("act", ("fc",), rng.integers(1, 8, n_out), 3, "half_up",
                          Fixed(4))
    return UnrolledStage(mat_vec, edge, node, n_out, levels, lut_inputs, rows)


def frames_of(rng, stage, count):
    """Element codes that go in and elements that must come out, frame by frame."""
    shape = stage.x.shape
    x = rng.choice(stage.x.format.levels, (count, *shape))
    x[0] = stage.x.format.levels[-1]
    y = x @ stage.mat_vec.weights.to_dense().T + stage.mat_vec.bias_or_zero
    node = stage.post
    if isinstance(node, Threshold):
        reached = (y[..., np.newaxis] >= node.table).sum(axis=-1)
        steps = node.table.shape[1]
        y = node.format.levels[np.where(node.invert, steps - reached, reached)]
    elif node is not None:
        y = np.clip((y * node.multiplier + (1 << node.shift - 1)) >> node.shift,
                    node.format.min, node.format.max)
    return ports(stage.x.format, x), ports(stage.out_edge.format, y)


def ports(fmt, values):
    values = values if isinstance(fmt, Fixed | Ternary) else fmt.encode(values)
    return np.asarray(values).reshape(len(values), -1).tolist()


@pytest.mark.parametrize("post", ["threshold", "levels", None])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_numpy_under_all_stalls(size, post):
    rng = np.random.default_rng(sum(size[:3]))
    stage = stage_of(rng, size, post=post)
    check_all_stalls(lambda: UnrolledMatVec(stage), *frames_of(rng, stage, 12))


@pytest.mark.parametrize("x", INPUTS, ids=str)
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_every_pair_of_formats(weights, x):
    rng = np.random.default_rng(3)
    for post in (None, "threshold"):
        stage = stage_of(rng, (4, 11, 2, 4, None), weights, x, post=post)
        check_stream(UnrolledMatVec(stage), *frames_of(rng, stage, 8))


def test_requantised_results_and_frames_of_several_vectors():
    rng = np.random.default_rng(4)
    stage = stage_of(rng, (3, 6, 1, 4, None), post="requantise", shape=(2, 2))
    check_all_stalls(lambda: UnrolledMatVec(stage), *frames_of(rng, stage, 5))


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("weights", [Bipolar(), Fixed(3), Planes.of_bases((7, 3, 1))], ids=str)
@pytest.mark.parametrize("post", ["threshold", "levels", "requantise", None])
def test_latency_is_the_schedule_and_the_interval_one(post, weights, levels):
    rng = np.random.default_rng(5)
    stage = stage_of(rng, (6, 40, levels, 4, None), weights, post=post)
    timing = check_stream(UnrolledMatVec(stage), *frames_of(rng, stage, 60))
    assert timing.out_cycles == stage.schedule(timing.in_cycles)
    assert timing.in_cycles[-1] - timing.in_cycles[0] == 59


def test_reset_in_the_middle():
    rng = np.random.default_rng(6)
    stage = stage_of(rng, (4, 20, 1, 4, None))
    check_stream(UnrolledMatVec(stage), *frames_of(rng, stage, 10), reset_after=5)


def test_converts():
    convert(UnrolledMatVec(stage_of(np.random.default_rng(7), (6, 30, 2, 4, None))))

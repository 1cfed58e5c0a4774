# amaranth: UnusedElaboratable=no
"""The unrolled constant matrix against plain numpy: formats, shapes, stalls, latency, networks."""

import numpy as np
import pytest
from cases.networks import WEIGHT, convolution
from cases.targets import ECP5
from sim.harness import assert_flow, check_all_stalls, check_stream, convert
from sim.test_pipeline import AsStreams
from sim.test_pipeline import frames_of as values_of

from hwgen.ir import Dense, Edge, Input, MatVec, Network, Requantise
from hwgen.numeric import Codebook, Fixed, PowerOfTwo, Ternary, round_shift, saturate
from hwgen.plan import plan
from hwgen.plan.stages import FixedUnrolledStage
from hwgen.rtl.fixed_unrolled import FixedUnrolledMatVec
from hwgen.rtl.pipeline import Pipeline

SIZES = [(1, 1), (1, 9), (7, 1), (4, 5), (6, 12)]  # n_out, n_in
WEIGHTS = [Fixed(8), Fixed(3), Fixed(4, 0, False), Ternary(), PowerOfTwo(6),
           Codebook((-9, 0, 5))]
INPUTS = [Fixed(8), Fixed(3, 0, False), Fixed(1, 0, False)]


def stage_of(rng, size=(4, 6), weights=Fixed(6), x=Fixed(5), *, post=None, bias=True, shape=(),
             values=None, multiplier=1, **options):
    if values is None:
        values = rng.choice(weights.levels, size)
    n_out, n_in = values.shape
    mat_vec = MatVec("fc", ("x",), Dense(values, weights),
                     rng.integers(-50, 51, n_out) if bias else None)
    node = post and Requantise("act", ("fc",), np.asarray([multiplier]), 3, post,
                               Fixed(4, 0, post != "floor"))
    edge = Edge((*shape, n_in), x, int(x.min), int(x.max))
    return FixedUnrolledStage(mat_vec, edge, node, n_out, **options)


def frames_of(rng, stage, count):
    """Elements that go in and that must come out, frame by frame; the first two are extremes."""
    x = rng.integers(stage.x.lo, stage.x.hi + 1, (count, *stage.x.shape))
    x[0], x[1] = stage.x.lo, stage.x.hi
    y = x @ stage.mat_vec.weights.to_dense().T + stage.mat_vec.bias_or_zero
    node = stage.post
    if node is not None:
        y = saturate(round_shift(y * node.multiplier, node.shift, node.rounding), node.format)
    return [np.reshape(v, (count, -1)).tolist() for v in (x, y)]


@pytest.mark.parametrize("post", [None, "half_up"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_numpy_under_all_stalls(size, post):
    rng = np.random.default_rng(sum(size))
    stage = stage_of(rng, size, post=post, levels_per_register=1 + size[0] % 3)
    check_all_stalls(lambda: FixedUnrolledMatVec(stage), *frames_of(rng, stage, 12))


@pytest.mark.parametrize("x", INPUTS, ids=str)
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_every_pair_of_formats(weights, x):
    rng = np.random.default_rng(3)
    stage = stage_of(rng, (3, 5), weights, x, levels_per_register=2)
    check_stream(FixedUnrolledMatVec(stage), *frames_of(rng, stage, 12))


@pytest.mark.parametrize("values", [
    np.zeros((3, 4), np.int64), np.eye(4, dtype=np.int64), -np.eye(3, dtype=np.int64),
    np.full((2, 5), -128), np.array([[64, 0], [0, -2]]), np.array([[3, 5], [-3, -5], [6, 10]]),
], ids=["zeros", "one", "minus one", "extremes", "powers of two", "multiples"])
@pytest.mark.parametrize("bias", [False, True])
def test_matrices_that_leave_little_to_add(values, bias):
    rng = np.random.default_rng(4)
    stage = stage_of(rng, weights=Fixed(8), x=Fixed(8), values=values, bias=bias)
    timing = check_stream(FixedUnrolledMatVec(stage), *frames_of(rng, stage, 12))
    assert_flow(stage, timing)


@pytest.mark.parametrize("rounding", ["floor", "half_up", "half_even", "toward_zero"])
@pytest.mark.parametrize("multiplier", [1, 5])
def test_requantised_results_and_frames_of_several_vectors(rounding, multiplier):
    rng = np.random.default_rng(5)
    stage = stage_of(rng, post=rounding, multiplier=multiplier, shape=(2, 2))
    check_stream(FixedUnrolledMatVec(stage), *frames_of(rng, stage, 6), i_stall=True, o_stall=True)


@pytest.mark.parametrize("levels", [1, 2, 9])
@pytest.mark.parametrize("post", [None, "half_up", "half_even"])
def test_latency_is_the_formula_and_the_interval_one(post, levels):
    rng = np.random.default_rng(6)
    stage = stage_of(rng, (6, 10), Fixed(8), Fixed(8), post=post, levels_per_register=levels)
    timing = check_stream(FixedUnrolledMatVec(stage), *frames_of(rng, stage, 40))
    assert_flow(stage, timing)
    assert timing.in_cycles[-1] - timing.in_cycles[0] == 39
    latency = 2 + -(-stage.graph.depth // levels) + {None: 0, "half_up": 1, "half_even": 2}[post]
    assert timing.out_cycles[0] - timing.in_cycles[0] == latency


def test_reset_in_the_middle_of_a_frame():
    rng = np.random.default_rng(7)
    stage = stage_of(rng, shape=(3,))
    check_stream(FixedUnrolledMatVec(stage), *frames_of(rng, stage, 6), reset_after=4)


def test_converts():
    convert(FixedUnrolledMatVec(stage_of(np.random.default_rng(8), post="half_up")))


# -- whole networks ------------------------------------------------------------------------------


def network(sizes=(7, 6, 5, 3)):
    rng = np.random.default_rng(9)
    nodes = [Input("x", (), sizes[:1], Fixed(5))]
    for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
        weights = rng.integers(-32, 32, (n_out, n_in))
        nodes.append(MatVec(f"fc{k}", (nodes[-1].name,), Dense(weights, Fixed(6)),
                            rng.integers(-40, 41, n_out)))
        if k < len(sizes) - 1:
            nodes.append(Requantise(f"act{k}", (f"fc{k}",), np.ones(1, np.int64), 5, "half_even",
                                    Fixed(4, 0, False)))
    return Network("net", tuple(nodes), (nodes[-1].name,))


def narrowed(zero_point=3, low=-5, high=None):
    """Two layers: some channels of the first are narrow, each has a shift of its own."""
    rng = np.random.default_rng(10)
    first, second = rng.integers(-8, 8, (2, 6, 6))
    first[3:], first[3:, 0], first[5] = 0, 1, 0
    return Network("net", (
        Input("x", (), (6,), Fixed(4)),
        MatVec("fc1", ("x",), Dense(first, Fixed(4)), rng.integers(-20, 21, 6)),
        Requantise("act1", ("fc1",), np.ones(1, np.int64), np.array([2, 3, 1, 0, 1, 4]), "half_up",
                   Fixed(5), low, high, 0, zero_point),
        MatVec("fc2", ("act1",), Dense(second, Fixed(4))),
        Requantise("act2", ("fc2",), np.ones(1, np.int64), 4, "floor", Fixed(5))), ("act2",))


@pytest.mark.parametrize("options", [{}, {"low": None}, {"zero_point": 0, "low": 0},
                                     {"low": -5, "high": -1, "zero_point": -3}], ids=str)
def test_sums_are_cut_at_their_own_widths(options):
    net = narrowed(**options)
    design = plan(net, ECP5, interval_cycles=1, cores=unrolled(net, levels_per_register=2))
    assert all(stage.cut is not None for stage in design.stages)
    assert len({value.bits for value in design.stages[1].graph.values[:6]}) > 1
    frames, expected = values_of(net, 60)
    timing = check_stream(AsStreams(Pipeline(design)), frames, expected)
    assert timing.out_cycles[0] - timing.in_cycles[0] == design.latency_cycles


def unrolled(net, **options):
    return {node.name: {"core": "fixed-unrolled", **options} for node in net.nodes
            if isinstance(node, MatVec)}


@pytest.mark.parametrize("levels", [1, 3])
def test_a_network_takes_a_vector_a_cycle(levels):
    net = network()
    design = plan(net, ECP5, interval_cycles=1, cores=unrolled(net, levels_per_register=levels))
    assert [stage.core for stage in design.stages] == ["fixed-unrolled"] * 3
    assert (design.interval_cycles, design.in_lanes, design.out_lanes) == (1, 7, 3)
    frames, expected = values_of(net, 12)
    timing = check_stream(AsStreams(Pipeline(design)), frames, expected)
    assert timing.out_cycles[0] - timing.in_cycles[0] == design.latency_cycles
    assert timing.out_cycles[-1] - timing.out_cycles[0] == 11
    check_all_stalls(lambda: AsStreams(Pipeline(design)), frames, expected)


def test_a_convolution_takes_a_window_a_cycle():
    net = convolution(shape=(5, 5, 2), channels=(2, 3), fmt=WEIGHT, x=Fixed(4), pool=False)
    design = plan(net, ECP5, interval_cycles=25, cores=unrolled(net))
    assert [stage.core for stage in design.stages] == [
        "window_wide", "fixed-unrolled", "window", "fixed-unrolled", "fixed-unrolled", "argmax"]
    frames, expected = values_of(net, 3)
    lone = check_stream(AsStreams(Pipeline(design)), frames[:1], expected[:1], settle=9)
    assert lone.out_cycles[0] - lone.in_cycles[0] == design.latency_cycles
    many = check_stream(AsStreams(Pipeline(design)), frames * 2, expected * 2)
    firsts = many.out_cycles[::len(expected[0]) // design.out_lanes]
    assert set(np.diff(firsts[3:])) == {design.interval_cycles}
    check_all_stalls(lambda: AsStreams(Pipeline(design)), frames[:2], expected[:2])

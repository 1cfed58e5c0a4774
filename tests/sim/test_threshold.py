# amaranth: UnusedElaboratable=no
"""Thresholds without a matrix against plain loops: values under all stalls, cycles, refusals."""

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import inputs
from cases.targets import ECP5, UP5K
from golden.slow import max_pool, threshold
from sim.harness import check_all_stalls, check_stream, convert
from sim.test_pipeline import AsStreams

from hwgen import golden
from hwgen.ir import Dense, Edge, Input, MatVec, MaxPool, Network, SlidingWindow, Threshold
from hwgen.numeric import Bipolar, Codebook, Fixed, Planes, PowerOfTwo, SpecError, Ternary
from hwgen.plan import plan
from hwgen.plan.stages import PoolStage, ThresholdStage, divisors, threshold_of
from hwgen.rtl.pipeline import Pipeline
from hwgen.rtl.pool import MaxPoolCore
from hwgen.rtl.threshold import ThresholdCore

SIGN, U2, U8 = Bipolar(), Fixed(2, 0, False), Fixed(8, 0, False)
WIDE = Edge((3, 2, 4), Fixed(14), -5000, 4321)
RESIDUAL = Planes.of_bases((5, 2))


def node_of(edge, out, *, seed=0):
    """Thresholds over the whole range, ties and constants among them, about half inverted."""
    rng, n = np.random.default_rng([seed, *edge.shape]), edge.shape[-1]
    steps = len(out.levels) - 1
    table = rng.integers(edge.lo, edge.hi + 2, (n, steps))
    table[:, ::3] = table[:, :1]
    table[-1] = edge.hi + 1             # never, but where it is the only channel
    if n > 1:
        table[0] = edge.lo              # always
    node = Threshold("act", ("x",), np.sort(table, axis=1), rng.random(n) < 0.5, out)
    assert node.faults(edge) == []
    return node


def stage_of(edge, lanes, out=SIGN, **options):
    return ThresholdStage(node_of(edge, out, **options), edge, lanes)


def sent(values, fmt):
    """As they travel: two's complement, or the code of a sign or of a sum of planes."""
    return fmt.encode(values) if isinstance(fmt, Bipolar | Planes) else np.asarray(values)


def frames_of(stage, count):
    """Least, most, all thresholds and their neighbours, then random ones; what must come out."""
    rng, edge, node = np.random.default_rng(count), stage.x, stage.threshold
    near = (node.table[:, :, np.newaxis] + [-1, 0]).reshape(-1).clip(edge.lo, edge.hi)
    levels = edge.format.levels if edge.format.bits < 9 else np.unique(
        np.append(near, rng.integers(edge.lo, edge.hi + 1, 200)))
    levels = levels[(levels >= edge.lo) & (levels <= edge.hi)]
    frames = rng.choice(levels, (count, edge.size))
    frames[0], frames[1:2] = levels[0], levels[-1]
    expected = np.array([threshold(node, frame.tolist()) for frame in frames])
    return sent(frames, edge.format).tolist(), sent(expected, node.format).tolist()


@pytest.mark.parametrize(("lanes", "out"), [
    (1, SIGN), (1, U2), (2, Ternary()), (3, SIGN), (3, RESIDUAL), (4, Fixed(1, 0, False)), (4, U2),
    (6, SIGN), (6, Ternary()), (8, RESIDUAL), (12, U2), (24, SIGN), (24, Fixed(3)),
], ids=str)
def test_values_under_all_stalls_latency_and_interval(lanes, out):
    stage = stage_of(WIDE, lanes, out, seed=lanes)
    check_all_stalls(lambda: ThresholdCore(stage), *frames_of(stage, 6))
    timing = check_stream(ThresholdCore(stage), *frames_of(stage, 8), settle=2)
    assert timing.out_cycles == stage.schedule(timing.in_cycles)
    assert timing.in_cycles == list(range(timing.in_cycles[0], timing.in_cycles[0] + 192 // lanes))
    assert stage.interval_cycles == 24 // lanes
    steps = (len(out.levels) - 1).bit_length()
    assert stage.latency_cycles == 2 + 2 * (steps - 1)
    slow = check_stream(ThresholdCore(stage), *frames_of(stage, 2), i_stall=True)
    assert slow.out_cycles == stage.schedule(slow.in_cycles)


@pytest.mark.parametrize("bits", [5, 8])
def test_outputs_of_many_bits(bits):
    stage = stage_of(WIDE, 2, Fixed(bits, 0, False))
    check_stream(ThresholdCore(stage), *frames_of(stage, 30), i_stall=True, o_stall=True)


@pytest.mark.parametrize("fmt", [SIGN, Ternary(), Fixed(1), Fixed(3), U8, Planes((2, 4), -3)],
                         ids=str)
@pytest.mark.parametrize("out", [SIGN, U2], ids=str)
def test_inputs_of_every_format_whose_codes_are_ordered(fmt, out):
    for shape in ((1,), (5,), (2, 1, 3)):
        stage = stage_of(Edge(shape, fmt, fmt.min, fmt.max), 1, out)
        check_stream(ThresholdCore(stage), *frames_of(stage, 12))


def test_one_constant_serves_channels_of_equal_thresholds():
    node = Threshold("act", ("x",), np.full(4, 7), np.ones(4, bool))
    stage = ThresholdStage(node, WIDE, 2)
    assert (stage.start_rows(), stage.memory_bits) == (None, {})
    check_stream(ThresholdCore(stage), *frames_of(stage, 6))


def test_stored_bits_are_those_of_the_memories():
    stage = stage_of(Edge((4,), Fixed(6), -32, 31), 2, U2)
    assert stage.memory_bits == {"thresholds": 4 * stage.start_format.bits
                                 + 2 * 4 * stage.search.step_format(1).bits
                                 + 4 * stage.search.has_inverts}
    assert stage.to_dict()["folding"] == {"lanes": 2}


@pytest.mark.parametrize("beats", [1, 5, 9])
def test_reset_in_mid_frame_leaves_nothing_behind(beats):
    stage = stage_of(WIDE, 2, U2)
    check_stream(ThresholdCore(stage), *frames_of(stage, 3), reset_after=beats)


@pytest.mark.parametrize("lanes", divisors(3))
def test_maxima_of_wide_sums_of_both_signs(lanes):
    """What a convolution, a max pool, a batch norm and a sign in this order ask of the pool."""
    edge = Edge((4, 6, 3), Fixed(13), -3000, 2999)
    pool = PoolStage(MaxPool("p", ("x",), (2, 3), (2, 3)), edge, lanes)
    frames = np.random.default_rng(lanes).integers(edge.lo, edge.hi + 1, (4, edge.size))
    frames[0], frames[1], frames[2] = edge.lo, edge.hi, np.minimum(frames[2], -1)
    maxima = [max_pool(pool.pool, frame.tolist(), edge.shape) for frame in frames]
    check_all_stalls(lambda: MaxPoolCore(pool), frames.tolist(), maxima)
    stage = stage_of(pool.out_edge, lanes)
    expected = [threshold(stage.threshold, frame) for frame in maxima]
    check_stream(ThresholdCore(stage), maxima, sent(expected, SIGN).tolist())


@pytest.mark.parametrize(("weights", "x", "core"), [
    (PowerOfTwo(4), Fixed(4), "fixed"), (Fixed(9), U8, "fixed"), (Fixed(3), Fixed(3), "sparse")],
    ids=str)
def test_behind_a_core_that_does_not_compare(weights, x, core):
    rng = np.random.default_rng(3)
    values = rng.choice(weights.levels, (6, 5))
    node = MatVec("fc", ("x",), Dense(values, weights))
    edge = node.infer(Edge((5,), x, x.min, x.max))
    act = Threshold("act", ("fc",), np.sort(rng.integers(edge.lo // 3, edge.hi // 3, (6, 3))),
                    rng.random(6) < 0.5, U2)
    network = Network("net", [Input("x", (), (5,), x), node, act], ("act",))
    design = plan(network, ECP5, cores={"fc": {"core": core}})
    assert [stage.core for stage in design.stages] == [core, "threshold"]
    frames = inputs(network, 8)
    expected = golden.run(network, frames)["act"]
    check_all_stalls(lambda: AsStreams(Pipeline(design)), frames.tolist(), expected.tolist())


def test_lines_of_maxima_and_their_signs_hold_nothing_up():
    """Convolution, max pool, signs, convolution: the interval is that of the slowest stage."""
    rng = np.random.default_rng(4)
    nodes = [Input("x", (), (8, 8, 2), U2), SlidingWindow("win", ("x",), (3, 3)),
             MatVec("conv", ("win",), Dense(rng.choice([-1, 1], (4, 18)), SIGN)),
             MaxPool("pool", ("conv",), (2, 2), (2, 2)),
             Threshold("sign", ("pool",), [0, 3, 5, 9], [0, 1, 0, 0]),
             SlidingWindow("win2", ("sign",), (2, 2)),
             MatVec("conv2", ("win2",), Dense(rng.choice([-1, 1], (4, 16)), SIGN))]
    network = Network("net", nodes, ("conv2",))
    design = plan(network, ECP5, interval_cycles=100)
    assert [stage.core for stage in design.stages][2:4] == ["pool", "threshold"]
    frames = inputs(network, 8)
    expected = golden.run(network, frames)["conv2"].reshape(8, -1)
    timing = check_stream(AsStreams(Pipeline(design)), frames.reshape(8, -1).tolist(),
                          expected.tolist())
    firsts = timing.out_cycles[::expected.shape[1] // design.out_lanes]
    assert set(np.diff(firsts[2:])) == {design.interval_cycles} == {72}


def test_the_narrowest_stage_that_is_fast_enough_is_taken():
    node = node_of(WIDE, SIGN)
    assert [threshold_of(node, WIDE, n).lanes for n in (24, 23, 12, 11, 6, 5, 3, 2, 1)] == [
        1, 2, 2, 4, 4, 8, 8, 12, 24]


@pytest.mark.parametrize("target", [ECP5, UP5K], ids=["ecp5", "ice40"])
def test_more_side_by_side_and_more_thresholds_take_more_cells(target):
    cells = [stage_of(WIDE, lanes, out).estimate(target)
             for lanes, out in ((1, SIGN), (4, SIGN), (4, Fixed(3)))]
    assert cells[0].lut < cells[1].lut < cells[2].lut
    assert cells[1].ff < cells[2].ff


def test_converts_to_rtlil():
    assert "memory" in convert(ThresholdCore(stage_of(WIDE, 2, U2)))


def test_refuses():
    with refused(SpecError, "threshold core 'act': lanes must divide n = 24, not 5;"
                            " choose from [1, 2, 3, 4, 6, 8, 12, 24]"):
        stage_of(WIDE, 5)
    for fmt in (Codebook((-1, 0, 7)), Planes.of_bases((2, 1))):
        with refused(SpecError, "threshold core 'act': input must be of a format whose codes order"
                                f" as its values, such as Fixed or Bipolar, not {fmt}"):
            stage_of(Edge((4,), fmt, fmt.min, fmt.max), 1)
    with refused(SpecError, "threshold core 'act': output must have at least 2 levels, not those of"
                            " codebook of 1 values (5..5)"):
        ThresholdStage(Threshold("act", ("x",), np.zeros((4, 0), int), np.zeros(4, bool),
                                 Codebook((5,))), WIDE, 1)
    edge = Edge((4,), Fixed(62), -(1 << 60), 1 << 60)
    with refused(SpecError, "threshold core 'act': difference from a threshold must have at most 62"
                            " bits, not 63: the input runs from -1152921504606846976 to"
                            " 1152921504606846976"):
        ThresholdStage(Threshold("act", ("x",), np.zeros(4, int), np.zeros(4, bool)), edge, 1)

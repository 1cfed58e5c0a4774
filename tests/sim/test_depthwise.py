# amaranth: UnusedElaboratable=no
"""The depthwise core against plain loops: values, stalls, reset, latency and the cycle law."""

import numpy as np
import pytest
from cases.errors import refused
from sim.harness import assert_flow, check_all_stalls, check_stream, convert

from hwgen.ir import Dense, Edge, MatVec, PerChannel, Requantise, Threshold
from hwgen.numeric import Bipolar, Fixed, Logarithmic, SpecError, Ternary, round_shift
from hwgen.plan.stages import DepthwiseStage, divisors
from hwgen.rtl.depthwise import DepthwiseMatVec

U6, S6, W5 = Fixed(6, 0, False), Fixed(6), Fixed(5)

SIZES = [   # channels, taps, multiplier
    (1, 1, 1), (4, 1, 1), (1, 9, 1), (2, 4, 1), (6, 9, 1), (4, 9, 2), (3, 2, 3), (8, 4, 1),
]


def depthwise_stage(rng, size, lanes, *, x=S6, w=W5, bias=True, post=None, windows=2, values=None):
    channels, taps, multiplier = size
    n_out = channels * multiplier
    if values is None:
        values = rng.choice(w.levels, (n_out, taps))
    bias = rng.integers(-300, 300, n_out) if bias else None
    node = MatVec("dw", ("x",), PerChannel(values, w, multiplier), bias)
    edge = Edge((windows, 1, taps * channels), x, x.min, x.max)
    assert node.faults(edge) == []
    return DepthwiseStage(node, edge, post, lanes * multiplier)


def slow(stage, frame):
    """Each output from the definition: one loop a tap."""
    weights, c = stage.weights, stage.weights.channels
    bias, values = stage.mat_vec.bias_or_zero.tolist(), []
    for first in range(0, len(frame), weights.taps * c):
        for k in range(c * weights.multiplier):
            values.append(bias[k] + sum(
                int(weights.values[k, tap]) * frame[first + tap * c + k // weights.multiplier]
                for tap in range(weights.taps)))
    return values


def frames_of(rng, stage, count):
    """What travels for random inputs, extremes first, and what plain loops make of them."""
    fmt, node = stage.x.format, stage.post
    x = rng.choice(fmt.levels, (count, stage.x.size))
    x[0], x[-1] = fmt.max, fmt.min
    y = np.array([slow(stage, frame) for frame in x.tolist()])
    if node is not None:
        by_channel = y.reshape(count, -1, stage.n_out)
        y = np.clip(round_shift(by_channel * node.multiplier, node.shift, node.rounding),
                    node.format.min, node.format.max).reshape(count, -1)
    return (fmt.encode(x) if isinstance(fmt, Bipolar) else x).tolist(), y.tolist()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_number_of_lanes_under_all_stalls_and_its_cycles(rng, size):
    for lanes in divisors(size[0]):
        stage = depthwise_stage(rng, size, lanes)
        check_all_stalls(lambda stage=stage: DepthwiseMatVec(stage), *frames_of(rng, stage, 3))
        frames, expected = frames_of(rng, stage, 5)
        many = check_stream(DepthwiseMatVec(stage), frames, expected, settle=2)
        assert_flow(stage, many)
        firsts = many.out_cycles[::len(expected[0]) // stage.pe]
        assert set(np.diff(firsts)) == {stage.interval_cycles}
        assert stage.interval_cycles == 2 * size[1] * (size[0] // lanes)
        slow_run = check_stream(DepthwiseMatVec(stage), frames[:1], expected[:1], i_stall=True)
        assert slow_run.out_cycles == stage.schedule(slow_run.in_cycles)


@pytest.mark.parametrize("x", [U6, S6, Fixed(1, 0, False), Fixed(1), Fixed(16), Bipolar(),
                               Ternary()], ids=str)
@pytest.mark.parametrize("w", [W5, Fixed(8), Fixed(2), Ternary(), Fixed(3, 0, False)], ids=str)
def test_any_inputs_and_weights(rng, w, x):
    stage = depthwise_stage(rng, (4, 3, 1), 2, x=x, w=w)
    check_stream(DepthwiseMatVec(stage), *frames_of(rng, stage, 4), i_stall=True, o_stall=True)


@pytest.mark.parametrize("bias", [True, False])
def test_extremes_in_full_length(rng, bias):
    """The most negative input times the most negative weight, in every tap."""
    stage = depthwise_stage(rng, (2, 25, 1), 1, bias=bias, x=Fixed(8), w=Fixed(8),
                            values=np.full((2, 25), -128))
    frames, expected = frames_of(rng, stage, 3)
    assert bias or max(expected[-1]) == 25 << 14
    check_stream(DepthwiseMatVec(stage), frames, expected, o_stall=True)


@pytest.mark.parametrize("multiplier", [[3], [1, 5, 2, 9, 1, 7, 7, 3]], ids=str)
@pytest.mark.parametrize("lanes", [1, 2, 4])
def test_requantise_follows_under_all_stalls(rng, lanes, multiplier):
    post = Requantise("act", ("dw",), np.array(multiplier), 6, "half_even", Fixed(6, 0, False))
    stage = depthwise_stage(rng, (4, 4, 2), lanes, post=post)
    frames, expected = frames_of(rng, stage, 4)
    check_all_stalls(lambda: DepthwiseMatVec(stage), frames, expected)
    assert_flow(stage, check_stream(DepthwiseMatVec(stage), frames, expected, settle=2))


@pytest.mark.parametrize("beats", [1, 5, 11, 19])
def test_reset_in_mid_frame_leaves_nothing_behind(rng, beats):
    stage = depthwise_stage(rng, (6, 4, 1), 2)
    check_stream(DepthwiseMatVec(stage), *frames_of(rng, stage, 3), reset_after=beats)


def test_a_sink_that_waits_for_long_loses_nothing(rng):
    stage = depthwise_stage(rng, (4, 2, 1), 1, windows=8)
    check_stream(DepthwiseMatVec(stage), *frames_of(rng, stage, 3), hold=150)


def test_a_multiplier_for_each_output_and_no_more(rng):
    stage = depthwise_stage(rng, (6, 9, 2), 3)
    text = convert(DepthwiseMatVec(stage))
    assert text.count("$mul") == 6
    assert stage.memory_bits == {"weights": 12 * 9 * 5, "bias": 12 * stage.bias_format.bits}


def test_refuses(rng):
    with refused(SpecError, "depthwise core 'dw': pe must divide n_out = 6, not 4;"
                            " choose from [1, 2, 3, 6]"):
        depthwise_stage(rng, (6, 4, 1), 4)
    with refused(SpecError, "depthwise core 'dw': pe must be a multiple of 2, the outputs of a"
                            " channel, not 3"):
        stage = depthwise_stage(rng, (3, 4, 2), 1)
        DepthwiseStage(stage.mat_vec, stage.x, None, 3)
    dense = MatVec("dw", ("x",), Dense([[1, 2]], W5))
    with refused(SpecError, "depthwise core 'dw': weights must be per channel (PerChannel), not"
                            " dense"):
        DepthwiseStage(dense, Edge((2,), S6, -32, 31), None, 1)
    with refused(SpecError, "depthwise core 'dw': input must be fixed point, ternary or signs, not"
                            f" {Logarithmic(4)}"):
        depthwise_stage(rng, (3, 4, 2), 1, x=Logarithmic(4))
    with refused(SpecError, "depthwise core 'dw': what follows must be a Requantise or nothing, not"
                            " a Threshold"):
        depthwise_stage(rng, (3, 4, 1), 1, post=Threshold("t", ("dw",), [0, 1, 2], [0, 0, 0]))

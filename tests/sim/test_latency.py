# amaranth: UnusedElaboratable=no
"""The formulas of docs/latency.md, worked out here, against simulation."""

from itertools import pairwise
from math import ceil, floor, log2
from pathlib import Path

import numpy as np
import pytest
from cases.plane_stages import plane_frames, plane_stage
from sim.harness import check_stream

from hwgen.ir import Dense, Edge, MatVec, MaxPool, PerChannel, Requantise, SlidingWindow
from hwgen.numeric import Bipolar, Fixed, Planes, Ternary
from hwgen.plan.stages import (
    DepthwiseStage,
    PoolStage,
    SerialWindowStage,
    UnrolledStage,
    WideWindowStage,
)
from hwgen.plan.stages.chain_timing import popcount_levels
from hwgen.rtl.depthwise import DepthwiseMatVec
from hwgen.rtl.folded import BinaryMatVec
from hwgen.rtl.pipeline import COMPONENTS
from hwgen.rtl.unrolled import UnrolledMatVec

SIGN, U2, RESIDUAL = Bipolar(), Fixed(2, 0, False), Planes.of_bases((5, 2))
DOCUMENT = Path(__file__).parents[2] / "docs/latency.md"

FOLDED = [
    # weights, inputs, outputs, side by side; (pairs of a gain), C, T
    (SIGN, SIGN, SIGN, False, {1: 1}, 0, 1), (SIGN, SIGN, None, False, {1: 1}, 0, 1),
    (SIGN, U2, U2, False, {1: 1}, 1, 3), (U2, U2, SIGN, False, {1: 1}, 2, 1),
    (SIGN, U2, U2, True, {1: 1, 2: 1}, 0, 3), (U2, U2, U2, True, {1: 1, 2: 2, 4: 1}, 0, 3),
    (Ternary(), U2, SIGN, True, {1: 1, 2: 1}, 0, 1),
    (SIGN, Fixed(3, 0, False), Fixed(3), True, {1: 1, 2: 1, 4: 1}, 0, 7),
]


def levels_of_popcount(bits, spare):
    return 1 + ceil(log2(ceil((bits + (not spare)) / 4)))


def dot(simd, groups, levels):
    counts = [levels_of_popcount(pairs * simd, list(groups) == [1]) for pairs in groups.values()]
    terms = sum(bin(gain).count("1") for gain in groups)
    more = 1 + floor(ceil(log2(terms)) / levels) if terms > 1 else 0
    return floor(max(counts) / levels) + more


@pytest.mark.parametrize("levels", [1, 2, 5])
@pytest.mark.parametrize(("weights", "x", "out", "parallel", "groups", "combines", "steps"), FOLDED,
                         ids=str)
def test_folded_core(rng, weights, x, out, parallel, groups, combines, steps, levels):
    stage = plane_stage(rng, weights, x, out, n_out=6, n_in=34, pe=2, simd=17, levels=levels,
                        parallel=parallel)
    passes = 1 if parallel else stage.plane_pairs
    tail = 4 + dot(17, groups, levels) + combines + 2 * floor(log2(steps))
    timing = check_stream(BinaryMatVec(stage), *plane_frames(rng, stage, 3))
    out_cycles = [cycle - timing.in_cycles[0] for cycle in timing.out_cycles]
    assert out_cycles[:3] == [(fold + 1) * passes * 2 + tail for fold in range(3)]
    assert stage.interval_cycles == passes * 3 * 2


def test_example_of_the_document(rng):
    stage = plane_stage(rng, SIGN, U2, U2, n_out=32, n_in=128, pe=4, simd=32, levels=2)
    timing = check_stream(BinaryMatVec(stage), *plane_frames(rng, stage, 4))
    first = timing.in_cycles[0]
    assert (timing.out_cycles[0] - first, timing.out_cycles[7] - first) == (17, 73)
    assert {b - a for a, b in pairwise(timing.out_cycles[7::8])} == {64}
    text = DOCUMENT.read_text(encoding="utf-8")
    assert "interval = 2 * 8 * 4 = 64 cycles" in text
    assert "latency  = 64 + 9 = 73 cycles; the first beat leaves after 2 * 4 + 9 = 17" in text


def test_table_of_the_document():
    rows = [line.split("|")[1:-1] for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
            if line.startswith("  |")]
    bits, chains, trees = ([int(cell) for cell in row[1:]] for row in (rows[0], *rows[2:]))
    assert chains == [levels_of_popcount(count, True) for count in bits]
    assert trees == [popcount_levels(count, lut_inputs=6, parity=count // 3 * 3) for count in bits]


@pytest.mark.parametrize("levels", [1, 2, 3, 50])
@pytest.mark.parametrize("weights", [SIGN, RESIDUAL], ids=str)
def test_unrolled_core(rng, weights, levels):
    mat_vec = MatVec("fc", ("x",), Dense(rng.choice(weights.levels, (6, 40)), weights))
    stage = UnrolledStage(mat_vec, Edge((40,), SIGN, -1, 1), None, 6, levels)
    x = rng.choice([-1, 1], (5, 40))
    frames = (x > 0).astype(int).tolist(), (x @ mat_vec.weights.to_dense().T).tolist()
    timing = check_stream(UnrolledMatVec(stage), *frames)
    # The fewest signed digits of g are as many as there are ones in 3 g ^ g.
    digits = [sum(bin(3 * abs(gain) ^ abs(gain)).count("1") for gain, *_ in stage.terms(k))
              for k in range(6)]
    adders = ceil(log2(max(digits)))
    assert adders == 1 if weights is SIGN else adders > 1
    depth = max(graph.nodes[node].level for graph in stage.sums.graphs
                for node in range(len(graph.nodes)))
    expected = 2 + floor(depth / levels) + max(1, ceil((depth % levels + adders) / levels))
    assert timing.out_cycles[0] - timing.in_cycles[0] == expected
    assert {b - a for a, b in pairwise(timing.out_cycles)} == {1}


def zeros(stage, frames=3):
    """Timing of frames of zeros, of which windows and maxima are zeros again."""
    i, o = [0] * stage.in_edge.size, [0] * stage.out_edge.size
    return check_stream(COMPONENTS[stage.core](stage), [i] * frames, [o] * frames)


@pytest.mark.parametrize(("size", "kernel", "stride", "dilation", "pad"), [
    ((6, 6), 3, 1, 1, 0), ((6, 5), 3, 1, 1, 1), ((7, 7), 3, 2, 1, 1), ((8, 8), 2, 2, 1, 0),
    ((8, 8), 3, 1, 2, 2)])
def test_windows(size, kernel, stride, dilation, pad):
    (h, w), extent = size, (kernel - 1) * dilation
    oh, ow = ((n + 2 * pad - extent - 1) // stride + 1 for n in size)
    node = SlidingWindow("window", ("x",), (kernel, kernel), stride=(stride, stride),
                         dilation=(dilation, dilation), padding=(pad,) * 4, pad_value=0)
    edge = Edge((h, w, 4), U2, 0, 3)
    period, y0, x0 = max(w, (ow - 1) * stride + 1, 2), extent - pad, extent - pad
    wide = WideWindowStage(node, edge)
    timing = zeros(wide)
    last = ((oh - 1) * stride + y0) * period + (ow - 1) * stride + x0
    interval = max(last, (h - 1) * period + w - 1) + 1
    assert timing.out_cycles[0] - timing.in_cycles[0] == y0 * period + x0 + 2
    assert set(np.diff(timing.out_cycles[::oh * ow])) == {interval} == {wide.interval_cycles}
    serial = SerialWindowStage(node, edge, 2)
    beats = oh * ow * kernel ** 2 * 2
    timing = zeros(serial)
    assert timing.out_cycles[0] - timing.in_cycles[0] == 2
    ends = timing.out_cycles[beats - 1::beats]
    assert ends[2] - ends[1] == max(h * w * 2, beats) == serial.interval_cycles


def test_pools():
    stage = PoolStage(MaxPool("pool", ("x",), (2, 2), (2, 2)), Edge((4, 6, 4), U2, 0, 3), 2)
    timing = zeros(stage)
    # Both channels' beats of pixel (1, 1) are the 17th and 18th that come.
    assert timing.out_cycles[0] - timing.in_cycles[0] == (6 + 1) * 2 + 2
    assert set(np.diff(timing.out_cycles[::2 * 3 * 2])) == {4 * 6 * 2}


@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize("multipliers", [None, [1], [3]], ids=str)
def test_depthwise_core(rng, multipliers, lanes):
    weights = PerChannel(rng.integers(-8, 8, (4, 9)), Fixed(4))
    post = None if multipliers is None else Requantise(
        "act", ("dw",), np.array(multipliers), 4, "half_up", U2)
    stage = DepthwiseStage(MatVec("dw", ("x",), weights), Edge((3, 2, 36), U2, 0, 3), post, lanes)
    expected = {None: 0, (1,): 2, (3,): 3}[multipliers and tuple(multipliers)]
    frame = [0] * 3 * 2 * 36
    timing = check_stream(DepthwiseMatVec(stage), [frame] * 3, [[0] * 3 * 2 * 4] * 3)
    folds = 4 // lanes
    assert timing.out_cycles[0] - timing.in_cycles[8 * folds] == 5 + expected
    assert set(np.diff(timing.out_cycles[::3 * 2 * folds])) == {3 * 2 * 9 * folds}

# amaranth: UnusedElaboratable=no
"""Requantisation without a matrix, and every form of it behind each core, against plain loops."""

from dataclasses import replace

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import inputs
from cases.targets import ECP5
from golden.slow import mat_vec, requantise
from sim.harness import assert_flow, check_all_stalls, check_stream, convert
from sim.test_pipeline import AsStreams

from hwgen import golden
from hwgen.ir import Dense, Edge, Input, MatVec, MaxPool, Network, PerChannel, Requantise
from hwgen.numeric import DOUBLING_HIGH, INT32, SCALINGS, Bipolar, Fixed, SpecError
from hwgen.plan import plan
from hwgen.plan.stages import (
    BinaryStage,
    DepthwiseStage,
    FixedStage,
    FixedUnrolledStage,
    RequantiseStage,
    SparseStage,
    UnrolledStage,
    requantise_of,
)
from hwgen.plan.stages.scaling import MULTIPLIERS, Scaling
from hwgen.rtl.depthwise import DepthwiseMatVec
from hwgen.rtl.pipeline import COMPONENTS, Pipeline
from hwgen.rtl.requantise import RequantiseUnit
from hwgen.rtl.text import to_rtlil

WIDE = Edge((3, 2, 4), Fixed(14), -5000, 4321)
INT = Edge((6,), Fixed(32), *INT32)


def node_of(n, form, fmt=Fixed(6)):
    """Multiplier, shift and the rest of each form, on ``n`` channels."""
    rng = np.random.default_rng([n, len(form)])
    one, each = np.array([1]), rng.integers(1, 60, n)
    options = {
        "shift": (one, 7, "half_even"),
        "multiplier": (np.array([37]), 12, "half_up"),
        "per-channel": (each, 12, "half_away"),
        "dynamic": (one, rng.integers(5, 9, n), "floor"),
        "dynamic-scaled": (each, rng.integers(9, 14, n), "toward_zero"),
        "twice": (np.array([1_288_490_189]), 6, DOUBLING_HIGH),
        "twice-per-channel": (rng.integers(1 << 30, 1 << 31, n), rng.integers(-1, 8, n),
                              DOUBLING_HIGH),
        "twice-signed": (np.where(np.arange(n) % 2, INT32[0], 1 << 30), rng.integers(2, 8, n),
                         DOUBLING_HIGH),
    }[form]
    slope = 2 if form in ("per-channel", "twice-per-channel", "dynamic") else 0
    return Requantise("act", ("x",), *options, fmt, -20, 25, slope)


FORMS = ("shift", "multiplier", "per-channel", "dynamic", "dynamic-scaled", "twice",
         "twice-per-channel", "twice-signed")


def frames_of(stage, count, seed=0):
    """Least, most, near zero, then random ones; what must come out."""
    rng, edge = np.random.default_rng([seed, count]), stage.x
    frames = rng.integers(edge.lo, edge.hi + 1, (count, edge.size))
    frames[:3] = np.array([[edge.lo], [edge.hi], [0]])[:count]
    frames[3:6] = rng.integers(-300, 300, frames[3:6].shape)
    return frames.tolist(), [requantise(stage.post, frame) for frame in frames.tolist()]


@pytest.mark.parametrize("lanes", [1, 3, 8])
@pytest.mark.parametrize("form", FORMS)
def test_values_under_all_stalls_latency_and_interval(form, lanes):
    stage = RequantiseStage(node_of(4, form), WIDE, lanes)
    check_all_stalls(lambda: RequantiseUnit(stage), *frames_of(stage, 6))
    timing = check_stream(RequantiseUnit(stage), *frames_of(stage, 8), settle=2)
    assert_flow(stage, timing)
    assert timing.in_cycles == list(range(timing.in_cycles[0], timing.in_cycles[0] + 192 // lanes))
    assert (stage.interval_cycles, stage.latency_cycles) == (
        24 // lanes, 2 + stage.narrowing.registers)


@pytest.mark.parametrize("shift", [0, 5, [0, 1, 2, 3, 30, 31]], ids=str)
def test_the_one_product_that_saturates_and_all_ends_of_int32(shift):
    ends = [INT32[0], INT32[0] + 1, INT32[1], -1, 0, 1]
    for multiplier in (ends, [INT32[0]], [1 << 30]):
        node = Requantise("act", ("x",), np.array(multiplier), shift, DOUBLING_HIGH, Fixed(32))
        stage = RequantiseStage(node, INT, 2)
        frames = [[end] * 6 for end in ends] + [ends, ends[::-1]]
        expected = [requantise(node, frame) for frame in frames]
        check_stream(RequantiseUnit(stage), frames, expected)
    assert max(map(max, expected)) > 0
    node = Requantise("act", ("x",), np.array([INT32[0]]), 0, DOUBLING_HIGH, Fixed(32))
    assert requantise(node, [INT32[0]]) == [INT32[1]]


def matrix_of(core, form):
    """A stage of ``core`` with the form behind it."""
    rng, signs = np.random.default_rng(7), core.startswith("binary")
    fmt, edge = (Bipolar(), Edge((12,), Bipolar(), -1, 1)) if signs else (
        Fixed(5), Edge((12,), Fixed(6), -32, 31))
    weights = Dense(rng.choice(fmt.levels, (6, 12)), fmt)
    node, bias = node_of(6, form, Fixed(7)), rng.integers(-40, 40, 6)
    if signs:       # sums are small
        node = Requantise("act", ("fc",), node.multiplier, np.maximum(node.shifts - 5, -1) if
                          node.is_doubling else np.maximum(node.shifts - 6, 0), node.rounding,
                          Fixed(7), -20, 25, node.slope_shift)
    product = MatVec("fc", ("x",), weights, bias)
    return {"fixed": lambda: FixedStage(product, edge, node, 2, 3, 1),
            "sparse": lambda: SparseStage(product, edge, node, 3),
            "fixed-unrolled": lambda: FixedUnrolledStage(product, edge, node, 6),
            "binary": lambda: BinaryStage(product, edge, node, 3, 4, 1),
            "binary-unrolled": lambda: UnrolledStage(product, edge, node, 6)}[core]()


@pytest.mark.parametrize("core", ["fixed", "sparse", "fixed-unrolled", "binary", "binary-unrolled"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_behind_every_core(core, form):
    stage = matrix_of(core, form)
    rng, fmt = np.random.default_rng(3), stage.x.format
    x = rng.choice(fmt.levels, (14, 12))
    x[0], x[1] = fmt.min, fmt.max
    expected = [requantise(stage.post, mat_vec(stage.mat_vec, row)) for row in x.tolist()]
    assert len({tuple(row) for row in expected}) > 3
    sent = fmt.encode(x) if isinstance(fmt, Bipolar) else x
    check_stream(COMPONENTS[core](stage), sent.tolist(), expected, i_stall=True, o_stall=True,
                 settle=8)
    timing = check_stream(COMPONENTS[core](stage), sent[:1].tolist(), expected[:1], settle=8)
    assert timing.out_cycles == stage.schedule(timing.in_cycles)


@pytest.mark.parametrize("form", ["per-channel", "twice-per-channel", "multiplier"])
@pytest.mark.parametrize("scaling", [Scaling("none", 2), Scaling("18x18", 3)], ids=str)
@pytest.mark.parametrize("lanes", [1, 4])
def test_products_of_anything_at_any_clock(form, scaling, lanes):
    stage = RequantiseStage(node_of(4, form), WIDE, lanes, scaling=scaling,
                            multipliers="luts" if scaling.block == "none" else "blocks")
    timing = check_stream(RequantiseUnit(stage), *frames_of(stage, 5), o_stall=lanes == 4)
    if lanes == 1:
        assert_flow(stage, timing)
    asks_blocks = "hwgen_multiply " in to_rtlil(RequantiseUnit(stage), "core")
    assert asks_blocks == (scaling.block != "none")


@pytest.mark.parametrize("pe", [1, 4])
@pytest.mark.parametrize("multipliers", MULTIPLIERS)
def test_behind_a_depthwise_core_of_blocks_or_luts(pe, multipliers):
    rng = np.random.default_rng(0)
    node = MatVec("dw", ("x",), PerChannel(rng.integers(-8, 8, (4, 9)), Fixed(4)),
                  rng.integers(-40, 40, 4))
    stage = DepthwiseStage(node, Edge((6, 36), Fixed(5), -16, 15),
                           node_of(4, "twice-per-channel", Fixed(8)), pe, multipliers=multipliers,
                           scaling=Scaling(levels_per_register=2))
    x = rng.integers(-16, 16, (2, 6, 36))
    expected = [[value for window in frame for value in requantise(
        stage.post, mat_vec(node, window))] for frame in x.tolist()]
    assert len(set(expected[0])) > 8
    check_stream(DepthwiseMatVec(stage), x.reshape(2, -1).tolist(), expected, seed=1, i_stall=True)


@pytest.mark.parametrize("core", ["sparse", "binary", "binary-unrolled"])
def test_cores_that_need_no_block_themselves_do_without(core):
    rng, x = np.random.default_rng(3), None
    for multipliers, asks in (("blocks", True), ("luts", False)):
        stage = replace(matrix_of(core, "twice-per-channel"), multipliers=multipliers,
                        scaling=Scaling(levels_per_register=2))
        fmt = stage.x.format
        x = rng.choice(fmt.levels, (4, 12)) if x is None else x
        expected = [requantise(stage.post, mat_vec(stage.mat_vec, row)) for row in x.tolist()]
        sent = fmt.encode(x) if isinstance(fmt, Bipolar) else x
        check_stream(COMPONENTS[core](stage), sent.tolist(), expected, o_stall=True, settle=8)
        text = to_rtlil(COMPONENTS[core](stage), "core")
        assert ("cell \\hwgen_multiply " in text) == asks
        assert "$mul" not in text or core == "sparse" and asks


def test_what_needs_no_step_has_none():
    plain = RequantiseStage(node_of(4, "shift"), WIDE, 4)
    assert (plain.narrowing.registers, plain.memory_bits) == (2, {})
    each = RequantiseStage(node_of(4, "dynamic-scaled"), WIDE, 1)
    assert each.narrowing.registers == 5      # a block's two, one to align, two to round and clip
    assert each.memory_bits == {"multipliers": 4 * 6, "shifts": 4 * 2}
    twice = RequantiseStage(node_of(4, "twice"), WIDE, 1)
    # 14 bits times 31, in two parts that are added up.
    assert (twice.narrowing.registers, twice.memory_bits) == (6, {})
    convert(RequantiseUnit(each))


def test_lanes_are_the_fewest_that_reach_the_interval():
    for interval, lanes in ((100, 1), (24, 1), (12, 2), (6, 4), (3, 8), (1, 24)):
        assert requantise_of(node_of(4, "shift"), WIDE, interval).lanes == lanes


def test_refusals():
    with refused(SpecError, "requantise core 'act': lanes must divide n = 24, not 5; choose from"
                            " [1, 2, 3, 4, 6, 8, 12, 24]"):
        RequantiseStage(node_of(4, "shift"), WIDE, 5)
    with refused(SpecError, "requantise core 'act': input must be fixed point, not"
                            " bipolar {-1, +1}"):
        RequantiseStage(node_of(4, "shift"), Edge((4,), Bipolar(), -1, 1), 1)


@pytest.mark.parametrize("interval", [16, 24, 60])
def test_behind_the_input_a_pool_and_one_another(interval):
    nodes = [
        Input("x", (), (4, 4, 3), Fixed(8)),
        Requantise("first", ("x",), np.array([1, 3, 2]), 2, "half_even", Fixed(6), slope_shift=1),
        MaxPool("pool", ("first",), (2, 2), (2, 2)),
        Requantise("second", ("pool",), np.array([1 << 30]), np.array([0, 1, -1]), DOUBLING_HIGH,
                   Fixed(7)),
        Requantise("third", ("second",), np.array([1]), 1, "half_away", Fixed(5, 0, False)),
    ]
    network = Network("net", nodes, ("third",))
    design = plan(network, ECP5, interval_cycles=interval)
    x = inputs(network, 6)
    y = golden.run(network, x)["third"]
    check_all_stalls(lambda: AsStreams(Pipeline(design)), x.reshape(6, -1).tolist(),
                     y.reshape(6, -1).tolist())


def test_every_scaling_is_among_the_forms():
    used = {node_of(4, form).rounding for form in FORMS}
    assert used == set(SCALINGS)

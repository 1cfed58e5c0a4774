"""The unrolled constant matrix as a stage: refusals, choice, derived numbers, estimates."""

from dataclasses import replace

import numpy as np
import pytest
from cases.targets import ECP5

from hwgen.bench.cost_parts.measure import TARGETS
from hwgen.ir import Dense, Edge, Input, MatVec, Network, Requantise, Threshold
from hwgen.numeric import Bipolar, Fixed, SpecError
from hwgen.plan import plan
from hwgen.plan.stages import MATRIX_CORES, FixedUnrolledStage
from hwgen.plan.stages.adder_rows import constant_product

RNG = np.random.default_rng(0)
MATRIX = RNG.integers(-128, 128, (6, 9))


def stage(values=MATRIX, x=Fixed(8), post=None, bias=None, shape=(), **options):
    mat_vec = MatVec("fc", ("x",), Dense(values, Fixed(8)), bias)
    edge = Edge((*shape, values.shape[1]), x, int(x.min), int(x.max))
    return FixedUnrolledStage(mat_vec, edge, post, **{"pe": len(values)} | options)


def relu(shift=3, rounding="half_up", multiplier=1):
    return Requantise("act", ("fc",), np.asarray([multiplier]), shift, rounding, Fixed(5, 0, False))


@pytest.mark.parametrize(("options", "message"), [
    ({"pe": 3}, "pe must be n_out = 6, not 3"),
    ({"levels_per_register": 0}, "levels_per_register must be at least 1, not 0"),
    ({"max_depth": 2}, "max_depth must be at least 5 for these weights, not 2"),
    ({"x": Bipolar()}, "input must be fixed point, not bipolar {-1, +1}"),
    ({"values": np.ones((512, 257), np.int64)}, "weights must be at most 131072, not 512 * 257;"
                                                " choose the folded fixed core"),
    ({"post": Threshold("act", ("fc",), np.zeros(6, np.int64), np.zeros(6, bool))},
     "what follows must be a Requantise or nothing, not a Threshold"),
], ids=lambda value: "" if isinstance(value, str) else next(iter(value)))
def test_what_is_refused(options, message):
    with pytest.raises(SpecError) as error:
        stage(**options)
    assert str(error.value) == f"fixed-unrolled core 'fc': {message}"


def test_numbers_that_are_no_integers():
    for what in ("levels_per_register", "max_depth"):
        with pytest.raises(TypeError, match=f"^fixed-unrolled core 'fc': {what} must be an int"):
            stage(**{what: 1.5})


@pytest.mark.parametrize("levels", [1, 2, 3, 99])
def test_derived_numbers(levels):
    made = stage(post=relu(), shape=(4, 5), levels_per_register=levels)
    assert made.latency_cycles == 2 + -(-made.graph.depth // levels) + 1
    assert stage(post=relu(rounding="half_even")).post_registers == 2
    assert (made.interval_cycles, made.vectors) == (20, 20)
    assert (made.in_lanes, made.out_lanes) == (9, 6)
    assert made.schedule([3, 4, 9]) == [cycle + made.latency_cycles for cycle in (3, 4, 9)]
    assert made.folding == {"levels_per_register": levels, "max_depth": None}
    assert made.memory_bits == {}


def test_depth_can_be_limited():
    assert stage(max_depth=5).graph.depth == 5
    assert stage(max_depth=5).latency_cycles == 7


def test_the_graph_gives_the_accumulators():
    bias = RNG.integers(-500, 501, 6)
    made = stage(bias=bias)
    x = RNG.integers(-128, 128, (30, 9))
    np.testing.assert_array_equal(made.graph.evaluate(x), x @ MATRIX.T + bias)
    for output in made.graph.outputs:
        value = made.graph.values[output.value]
        assert made.acc_edge.lo <= value.lo << output.shift
        assert value.hi << output.shift <= made.acc_edge.hi


def halves():
    """Two layers, of which the first leaves half of its channels in -1..1."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(-8, 8, (2, 16, 16))
    first[8:], first[8:, 0] = 0, 1
    return Network("net", (
        Input("x", (), (16,), Fixed(4)), MatVec("a", ("x",), Dense(first, Fixed(4))),
        Requantise("q", ("a",), np.ones(1, np.int64), 3, "half_up", Fixed(6)),
        MatVec("b", ("q",), Dense(second, Fixed(4)))), ("b",))


def test_widths_follow_from_the_range_of_each_channel():
    stages = plan(halves(), ECP5, interval_cycles=1,
                  cores=dict.fromkeys("ab", {"core": "fixed-unrolled"})).stages
    graph = stages[1].graph
    assert [value.bits for value in graph.values[:16]] == [6] * 8 + [2] * 8
    wide = constant_product(stages[1].mat_vec.weights.to_dense(), stages[1].x.lo, stages[1].x.hi)
    assert graph.adders == wide.adders
    assert graph.adder_bits < 0.85 * wide.adder_bits
    # A sum of narrow channels is cut without a bit above the result.
    assert [stages[0].cut.bits(k, value.lo << output.shift, value.hi << output.shift)
            for k, (output, value) in enumerate((output, stages[0].graph.values[output.value])
                                                for output in stages[0].graph.outputs)][8:] == [
        (2, 0, 1)] * 8


@pytest.mark.parametrize(("options", "constants"), [
    ({"rounding": "floor"}, [3, -4, 5, 0, 1, 2]), ({}, [7, 0, 9, 4, 5, 6]),
    ({"shift": 0}, [3, -4, 5, 0, 1, 2]), ({"rounding": "half_even"}, None),
    ({"multiplier": 3}, None)], ids=str)
def test_what_rounds_is_added_with_the_bias(options, constants):
    bias = np.array([3, -4, 5, 0, 1, 2])
    made = stage(post=relu(**options), bias=bias)
    assert (made.cut is not None) == (constants is not None)
    assert made.constants.tolist() == (constants or bias.tolist())
    x = RNG.integers(-128, 128, (30, 9))
    np.testing.assert_array_equal(made.graph.evaluate(x), x @ MATRIX.T + made.constants)


def test_zero_points_are_added_too_and_slopes_are_not():
    own = {"zero_point": 2, "rounding": "floor", "shift": np.array([0, 1, 2, 3, 4, 5])}
    node = replace(relu(), format=Fixed(5), **own)
    assert stage(post=node).constants.tolist() == [2, 4, 8, 16, 32, 64]
    assert stage(post=replace(node, slope_shift=2)).cut is None


CASES = {
    "scores": lambda: stage(np.random.default_rng(1).integers(-128, 128, (10, 12))),
    "relu": lambda: stage(np.random.default_rng(2).integers(-32, 32, (8, 12)), Fixed(6),
                          relu(5), np.arange(8), levels_per_register=2),
    "scaled": lambda: stage(np.random.default_rng(3).integers(-8, 8, (6, 10)), Fixed(4, 0, False),
                            relu(6, "half_even", 11), levels_per_register=3),
}
# What yosys 0.69 counts: LUT (equivalents; of an iCE40 with its lone flip-flops) and FF.
MEASURED = {
    ("scores", "ecp5"): (2401, 3193), ("relu", "ecp5"): (1367, 820),
    ("scaled", "ecp5"): (720, 352), ("relu", "ice40"): (2132, 1107), ("relu", "xc7"): (1285, 905),
}


@pytest.mark.parametrize(("name", "family"), MEASURED, ids=str)
def test_estimate_is_close_to_what_synthesis_counts(name, family):
    lut, ff = MEASURED[name, family]
    found = CASES[name]().estimate(TARGETS[family])
    assert 0.85 * lut <= found.lut <= 1.15 * lut
    assert 0.85 * ff <= found.ff <= 1.15 * ff
    assert (found.bram, found.dsp) == (0, 6 if name == "scaled" else 0)


def network():
    rng = np.random.default_rng(4)
    return Network("net", (
        Input("x", (), (9,), Fixed(4)),
        MatVec("fc1", ("x",), Dense(rng.integers(-8, 8, (6, 9)), Fixed(4))),
        Requantise("act", ("fc1",), np.ones(1, np.int64), 2, "floor", Fixed(4, 0, False)),
        MatVec("fc2", ("act",), Dense(rng.integers(-8, 8, (3, 6)), Fixed(4)))), ("fc2",))


def test_taken_where_asked_for():
    assert MATRIX_CORES["fixed-unrolled"] is FixedUnrolledStage
    assert "fixed-unrolled" not in [stage.core for stage in plan(network(), ECP5).stages]
    asked = {"fc1": {"core": "fixed-unrolled"},
             "fc2": {"core": "fixed-unrolled", "levels_per_register": 3, "max_depth": 9}}
    design = plan(network(), ECP5, cores=asked, interval_cycles=1)
    assert [stage.core for stage in design.stages] == ["fixed-unrolled"] * 2
    assert (design.interval_cycles, design.in_lanes, design.out_lanes) == (1, 9, 3)
    assert design.stages[0].levels_per_register == ECP5.adder_levels(ECP5.clk_hz)
    assert design.stages[1].folding == {"levels_per_register": 3, "max_depth": 9}

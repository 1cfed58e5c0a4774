"""Shared sums against numpy on every kind of matrix; the stage's refusals and choice."""

import numpy as np
import pytest
from cases.targets import ECP5
from hypothesis import given
from hypothesis import strategies as st

from hwgen.ir import Dense, Edge, Input, MatVec, Network, Threshold
from hwgen.numeric import Bipolar, Codebook, Fixed, Planes, SpecError
from hwgen.plan import plan
from hwgen.plan.stages import UnrolledStage
from hwgen.plan.stages.unrolled_graph import Graph, Heap
from hwgen.plan.stages.unrolled_sums import shared_sums
from hwgen.plan.stages.weighed_sum import sum_levels


def check(matrix, **options):
    """Every output equals numpy's, and no node leaves its stated range."""
    matrix = np.asarray(matrix, np.int64)
    columns = matrix.shape[1]
    bits = np.random.default_rng(0).integers(0, 2, (64, columns))
    bits[0], bits[1] = 0, 1
    sums = shared_sums(matrix, **options)
    np.testing.assert_array_equal(sums.evaluate(bits), bits @ matrix.T)
    for graph in sums.graphs:
        for number, node in enumerate(graph.nodes):
            assert all(operand < number for operand in node.operands)
            assert all(graph.nodes[operand].level < node.level for operand in node.operands)


@st.composite
def matrices(draw):
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 40))
    alphabet = draw(st.sampled_from([(-1, 1), (-1, 0, 1), (0, 1), (-2, 1, 4), tuple(range(-4, 4))]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return rng.choice(alphabet, (rows, columns))


@given(matrices(), st.sampled_from([4, 6]), st.sampled_from([None, 1, 2, 3, 9]))
def test_any_matrix(matrix, lut_inputs, group):
    check(matrix, lut_inputs=lut_inputs, group=group)


ROW = np.array([1, -1, -1, 1, 1, 1, -1, 1, -1])


@pytest.mark.parametrize("matrix", [
    [ROW, ROW, ROW], [ROW, -ROW, ROW], [ROW, 0 * ROW, -ROW], [0 * ROW], np.ones((4, 12)),
    -np.ones((3, 5)), [[1]], [[-1]], [[4], [-2]], [[0, 2, 0]],
], ids=["duplicates", "complements", "zero row", "only zeros", "ones", "minus ones", "one",
        "minus one", "powers of two", "one power"])
def test_matrices_that_leave_little_to_add(matrix):
    for group in (None, 1, 2):
        check(matrix, group=group)


def test_equal_rows_cost_no_adders():
    rng = np.random.default_rng(1)
    row = rng.choice([-1, 1], (1, 50))

    def adders(matrix):
        return sum(len(graph.nodes) for graph in shared_sums(matrix).graphs)

    assert adders(np.repeat(row, 4, axis=0)) == adders(row)


def test_rows_share_most_of_their_adders():
    matrix = np.random.default_rng(2).choice([-1, 1], (64, 784))
    sums = shared_sums(matrix)
    slots = sum(graph.luts(n) for graph in sums.graphs for n in range(len(graph.nodes)))
    alone = shared_sums(matrix, group=1)
    lone = sum(graph.luts(n) for graph in alone.graphs for n in range(len(graph.nodes)))
    assert slots < 0.25 * lone
    assert slots < 16_500


def test_the_same_sums_each_time():
    matrix = np.random.default_rng(3).choice([-1, 0, 1], (10, 40))
    first, second = shared_sums(matrix), shared_sums(matrix)
    assert [graph.nodes for graph in first.graphs] == [graph.nodes for graph in second.graphs]
    assert first.outputs == second.outputs


def test_too_many_adders(monkeypatch):
    monkeypatch.setattr("hwgen.plan.stages.unrolled_graph.MAX_NODES", 0)
    with pytest.raises(SpecError, match="^unrolled sums must be at most 0 adders, not more;"
                                        " choose the folded core$"):
        Graph(4).node(Heap({0: [(0, False)]}))


def stage(weights=None, fmt=Bipolar(), x=Bipolar(), post=None, **options):
    values = np.ones((2, 3), np.int64) if weights is None else weights
    mat_vec = MatVec("fc", ("x",), Dense(values, fmt))
    edge = Edge((values.shape[1],), x, int(x.min), int(x.max))
    return UnrolledStage(mat_vec, edge, post, **{"pe": len(values)} | options)


@pytest.mark.parametrize(("options", "message"), [
    ({"pe": 1}, "pe must be n_out = 2, not 1"),
    ({"levels_per_register": 0}, "levels_per_register must be at least 1, not 0"),
    ({"lut_inputs": 5}, "lut_inputs must be 4 or 6, not 5"),
    ({"rows": 0}, "rows must be at least 1, not 0"),
    ({"fmt": Codebook((1, 3))}, "weights must be sums of at most 8 bit planes, not codebook"
                                " of 2 values (1..3); choose a folded core"),
    ({"x": Fixed(9)}, "input must be sums of at most 8 bit planes, not fixed s9.0"
                      " (-256..255); choose a folded core"),
    ({"weights": np.ones((512, 513), np.int64)}, "weights must be at most 262144, not 512 * 513;"
                                                 " choose the folded binary core"),
    ({"post": Threshold("act", ("fc",), np.zeros((2, 31), np.int64), np.zeros(2, bool),
                        format=Fixed(5, 0, False))},
     "thresholds must be at most 15 for each output, not 31; choose the folded binary core"),
], ids=lambda value: "" if isinstance(value, str) else next(iter(value)))
def test_what_is_refused(options, message):
    with pytest.raises(SpecError) as error:
        stage(**options)
    assert str(error.value) == f"binary-unrolled core 'fc': {message}"


def test_registers_of_weighed_sums_follow_from_the_clock():
    fmt = Planes.of_bases((7, 3, 1))
    values = np.random.default_rng(5).choice(fmt.levels, (6, 40))
    for levels in (1, 2, 3, 7, 99):
        made = stage(values, fmt, levels_per_register=levels)
        adders = max(sum_levels([addend for addend, *_ in made.addends(output)])
                     for output in range(6))
        assert adders > 2
        assert made.last_slot + made.sum_registers == -(-(made.last_level + adders) // levels)
        assert made.latency_cycles == 2 + made.last_slot + made.sum_registers
    signs = stage(np.random.default_rng(6).choice([-1, 1], (6, 40)))
    assert signs.register_after == [True]       # T - 2 S: one adder


def test_several_comparisons_take_a_register_at_the_fastest_clock():
    steps = Threshold("act", ("fc",), np.array([[-1, 0, 1]] * 2), np.zeros(2, bool),
                      format=Fixed(2, 0, False))
    sign = Threshold("act", ("fc",), np.zeros((2, 1), np.int64), np.zeros(2, bool))
    found = [stage(post=post, levels_per_register=levels).code_registers
             for post in (steps, sign, None) for levels in (1, 2)]
    assert found == [1, 0, 0, 0, 0, 0]


def network(n_in=24):
    rng = np.random.default_rng(4)
    nodes = [Input("x", (), (n_in,), Bipolar())]
    for name, before, shape in (("fc1", "x", (8, n_in)), ("fc2", "act1", (3, 8))):
        nodes.append(MatVec(name, (before,), Dense(rng.choice([-1, 1], shape), Bipolar())))
        if name == "fc1":
            nodes.append(Threshold("act1", (name,), np.zeros(8, np.int64), np.zeros(8, bool)))
    return Network("net", tuple(nodes), ("fc2",))


def test_taken_where_asked_for():
    chosen = plan(network(), ECP5)
    assert "binary-unrolled" not in [stage.core for stage in chosen.stages]
    asked = {name: {"core": "binary-unrolled"} for name in ("fc1", "fc2")}
    design = plan(network(), ECP5, cores=asked, interval_cycles=1)
    assert [stage.core for stage in design.stages] == ["binary-unrolled"] * 2
    assert (design.interval_cycles, design.in_lanes, design.out_lanes) == (1, 24, 3)
    assert design.stages[0].folding["levels_per_register"] == ECP5.adder_levels(ECP5.clk_hz)

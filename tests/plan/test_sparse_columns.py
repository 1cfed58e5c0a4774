"""The sparse stage whose columns are shared out: parts, storage, choice and messages."""

import numpy as np
import pytest
from cases.errors import refused
from cases.targets import ECP5
from hypothesis import given
from hypothesis import strategies as st

from hwgen.ir import Dense, Edge, Input, MatVec, Network
from hwgen.numeric import Fixed, SpecError
from hwgen.plan import plan
from hwgen.plan.stages import SparseColumnsStage, SparseStage

U6 = Fixed(6, 0, False)


def draw(seed, n_out, n_in, density):
    rng = np.random.default_rng(seed)
    return rng.integers(-31, 32, (n_out, n_in)) * (rng.random((n_out, n_in)) < density)


def stage_of(weights, pe, groups, *, simd=None, kind=SparseColumnsStage, **more):
    mat_vec = MatVec("fc", ("x",), Dense(weights, Fixed(6)), np.arange(len(weights)))
    edge = Edge((weights.shape[1],), U6, U6.min, U6.max)
    return kind(mat_vec, edge, None, pe, simd=simd or groups, column_groups=groups, **more)


@given(n_out=st.integers(1, 20), rows=st.integers(1, 4), groups=st.integers(1, 4),
       beats=st.integers(1, 5), seed=st.integers(0, 99), density=st.sampled_from([0, 0.3, 1]))
def test_parts_share_out_the_matrix(n_out, rows, groups, beats, seed, density):
    rows = min(rows, n_out)
    weights = draw(seed, n_out, groups * beats, density)
    stage = stage_of(weights, rows * groups, groups)
    again = np.zeros_like(weights)
    for g, part in enumerate(stage.parts):
        again[:, g::groups] = part.mat_vec.weights.to_dense()
        assert (part.pe, part.acc_format, part.nf) == (rows, stage.acc_format, stage.nf)
    assert np.array_equal(again, weights)
    assert stage.counts.sum() == stage.entries.sum() == np.count_nonzero(weights)
    assert stage.used_entries(np.ones((1, groups * beats), int)).sum() == np.count_nonzero(weights)
    for g in range(groups):
        others = np.arange(groups * beats) % groups != g
        assert not stage.counts[g * rows:(g + 1) * rows, others].any()


def test_memories_are_those_of_the_parts_and_one_bias():
    stage = stage_of(draw(0, 12, 16, 0.4), 8, 4)
    assert stage.memory_bits["bias"] == 12 * stage.bias_format.bits
    for what in ("weights", "index", "pointers"):
        assert stage.memory_bits[what] == sum(part.memory_bits[what] for part in stage.parts)
    assert stage.folding == {"pe": 8, "queue_depth": 8, "simd": 4, "column_groups": 4}
    relative = stage_of(draw(0, 12, 16, 0.4), 8, 4, index="relative")
    assert relative.folding["index"] == "relative"
    assert "index_bits" not in relative.folding
    assert relative.to_dict()["padding"] == sum(part.columns.padding for part in relative.parts)


def test_one_group_is_the_sparse_core():
    weights = draw(1, 16, 24, 0.3)
    mat_vec = MatVec("fc", ("x",), Dense(weights, Fixed(6)), np.arange(16))
    alone = SparseStage(mat_vec, Edge((24,), U6, U6.min, U6.max), None, 4)
    one = stage_of(weights, 4, 1)
    assert one.interval_cycles == alone.interval_cycles
    assert one.memory_bits == alone.memory_bits
    assert one.estimate(ECP5) == alone.estimate(ECP5)


def test_planner_reaches_what_one_activation_a_cycle_cannot():
    weights = draw(2, 10, 128, 0.2)
    network = Network("n", (Input("x", (), (128,), U6),
                            MatVec("fc", ("x",), Dense(weights, Fixed(6)))), ("fc",))
    with pytest.raises(SpecError, match="^network 'n': interval_cycles must be at least 128"):
        plan(network, ECP5, interval_cycles=50, cores={"fc": {"core": "sparse"}})
    design = plan(network, ECP5, interval_cycles=50, cores={"fc": {"core": "sparse-columns"}})
    stage = design.stages[0]
    assert (stage.core, stage.interval_cycles <= 50) == ("sparse-columns", True)
    assert stage.column_groups == stage.simd >= 4
    assert stage.estimate(ECP5).dsp == stage.pe


def test_refuses_what_it_cannot_share_out():
    weights = draw(0, 6, 12, 0.5)
    where = "sparse-columns core 'fc'"
    with refused(SpecError, f"{where}: column_groups must divide pe = 6, not 4; choose from"
                            " [1, 2, 3, 6]"):
        stage_of(weights, 6, 4)
    with refused(SpecError, f"{where}: column_groups must divide the columns = 12, not 5; choose"
                            " from [1, 2, 3, 4, 6, 12]"):
        stage_of(weights, 5, 5, simd=1)
    with refused(SpecError, f"{where}: column_groups must divide simd = 3, not 2; choose from"
                            " [1, 3]"):
        stage_of(weights, 4, 2, simd=3)
    with refused(SpecError, f"{where}: pe must be in 1..12, not 14"):
        stage_of(weights, 14, 2)
    odd = Network("n", (Input("x", (), (3,), U6),
                        MatVec("fc", ("x",), Dense(np.ones((2, 3), int), Fixed(6)))), ("fc",))
    with refused(SpecError, f"{where}: n_in must be a multiple of 2, not 3; choose the sparse"
                            " core"):
        plan(odd, ECP5, cores={"fc": {"core": "sparse-columns"}})


def chosen(interval, **choice):
    """The stage that the planner takes for 8 x 64 weights, a fifth of them not 0."""
    matrix = MatVec("fc", ("x",), Dense(draw(0, 8, 64, 0.2), Fixed(6)))
    net = Network("net", (Input("x", (), (64,), U6), matrix), ("fc",))
    return plan(net, ECP5, interval_cycles=interval, cores={"fc": choice}).stages[0]


def test_taken_unasked_where_one_activation_a_cycle_is_too_slow():
    assert chosen(64).core == "sparse"
    stage = chosen(60)
    assert (stage.core, stage.column_groups) == ("sparse-columns", 2)
    assert stage.interval_cycles <= 60
    # Unrolled is cheaper still where many groups would be needed.
    assert chosen(40).core == "fixed-unrolled"


@pytest.mark.parametrize("choice", [{"core": "sparse"}, {"pe": 8}, {"simd": 1}, {"block_rows": 1}])
def test_not_taken_where_something_else_is_asked_for(choice):
    with pytest.raises(SpecError, match="interval_cycles must be at least 64, which the sparse"
                                        " core 'fc' takes with pe = .*, not 60$"):
        chosen(60, **choice)


@pytest.mark.parametrize(("choice", "groups"), [
    ({"pe": 2}, 2), ({"pe": 12}, 4), ({"simd": 4}, 4), ({"values": "codes", "pe": 4}, 4)], ids=str)
def test_numbers_of_groups_are_those_that_go_with_what_is_chosen(choice, groups):
    """Of 2, 4 and 8, which all divide the inputs."""
    stage = chosen(None, core="sparse-columns", **choice)
    assert stage.column_groups <= groups
    assert choice.items() <= (stage.folding | {"values": stage.values}).items()


@pytest.mark.parametrize("choice", [
    {"core": "sparse-columns"}, {"core": "sparse", "simd": 2}, {"core": "sparse", "pe": 5},
    {"core": "sparse", "values": "signs"}, {"core": "sparse", "lanes": 4}], ids=str)
def test_blocks_that_are_found_give_way_to_what_is_chosen(choice):
    """Of three blocks in a row, and one in a column."""
    weights = np.kron(np.eye(3, dtype=int)[:1], np.ones((8, 8), int))
    matrix = MatVec("fc", ("x",), Dense(weights, Fixed(2)))
    net = Network("net", (Input("x", (), (24,), U6), matrix), ("fc",))
    stage = plan(net, ECP5, cores={"fc": choice}).stages[0]
    assert {"core": stage.core, "values": stage.values, **stage.folding}.items() >= choice.items()

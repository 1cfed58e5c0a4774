"""Rows dealt out to elements: how even they are, and that the network computes the same."""

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import sparse
from cases.targets import ECP5
from hypothesis import given
from hypothesis import strategies as st

from hwgen.golden import run
from hwgen.ir import Dense, Input, MatVec, Network, PowerSums, Requantise, Shared, Threshold
from hwgen.numeric import Fixed, SpecError
from hwgen.plan import balanced, plan, row_order
from hwgen.plan.stages import SparseStage

U4 = Fixed(4, 0, False)


@given(n=st.integers(1, 40), pe=st.integers(1, 9), seed=st.integers(0, 999))
def test_every_row_has_one_place_and_elements_are_no_fuller_than_before(n, pe, seed):
    loads = np.random.default_rng(seed).integers(0, 50, n) ** 2
    order = row_order(loads, min(pe, n))
    assert sorted(order.tolist()) == list(range(n))

    def fullest(places):
        return max(places[k::min(pe, n)].sum() for k in range(min(pe, n)))

    assert fullest(loads[order]) <= fullest(loads)


def test_elements_of_a_skewed_matrix_have_the_same_to_do():
    loads = np.arange(256) ** 2
    sums = loads[row_order(loads, 16)].reshape(16, 16).sum(axis=0)
    assert sums.max() / sums.mean() < 1.0005
    assert loads.reshape(16, 16).sum(axis=0).max() / sums.mean() > 1.08


def hidden(rng, post, *, shared=False):
    """8 inputs, a skewed hidden layer of 12, 5 scores."""
    density = np.linspace(0.1, 1, 12)[:, np.newaxis]
    weights = rng.integers(-7, 8, (12, 8)) * (rng.random((12, 8)) < density)
    weights = Shared.of(weights) if shared else Dense(weights, Fixed(4))
    nodes = [Input("x", (), (8,), U4), MatVec("fc1", ("x",), weights, rng.integers(-9, 9, 12)),
             *post, MatVec("fc2", (post[-1].name,), Dense(rng.integers(-7, 8, (5, 12)), Fixed(4)))]
    return Network("hidden", tuple(nodes), ("fc2",))


def requantised(rng):
    return [Requantise("act1", ("fc1",), rng.integers(1, 9, 12), rng.integers(3, 6, 12), "half_up",
                       U4)]


def compared(rng):
    table = np.sort(rng.integers(-60, 60, (12, 3)), axis=1)
    return [Threshold("act1", ("fc1",), table, rng.random(12) < 0.5, Fixed(2, 0, False))]


def scaled_as_one(rng):
    return [Requantise("act1", ("fc1",), np.array([3]), 4, "half_up", U4)]


@pytest.mark.parametrize("post", [requantised, compared, scaled_as_one])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("pe", [1, 3, 4, 5])
def test_scores_are_the_same_in_their_order(rng, post, shared, pe):
    network = hidden(rng, post(rng), shared=shared)
    other = balanced(network, {"fc1": pe})
    x = rng.integers(0, 16, (50, 8))
    assert np.array_equal(run(network, x)["fc2"], run(other, x)["fc2"])
    counts = [np.count_nonzero(one.node("fc1").weights.to_dense(), axis=1)
              for one in (network, other)]
    fullest = [max(count[k::pe].sum() for k in range(pe)) for count in counts]
    assert sorted(counts[0].tolist()) == sorted(counts[1].tolist())
    assert fullest[1] <= fullest[0]
    assert type(other.node("fc1").weights) is type(network.node("fc1").weights)


def test_several_layers_and_shares_of_activations(rng):
    network = sparse(sizes=(24, 36, 30, 10))
    x = rng.integers(0, network.input.format.max + 1, (60, 24)) * (rng.random(24) < 0.4)
    values = run(network, x)
    busy = {name: np.count_nonzero(value, axis=0) for name, value in values.items()
            if value.ndim == 2}
    other = balanced(network, {"fc1": 6, "fc2": 5}, busy)
    for name in network.outputs:
        assert np.array_equal(values[name], run(other, x)[name])
    order = np.argsort(run(other, x)["fc1"].sum(axis=0), kind="stable")
    assert sorted(values["fc1"].sum(axis=0)) == (run(other, x)["fc1"].sum(axis=0)[order]).tolist()
    used = []
    for one in (network, other):
        node = one.node("fc2")
        stage = SparseStage(node, one.edges[node.inputs[0]], None, 5)
        entries = stage.used_entries(run(one, x)[node.inputs[0]])
        used.append(entries.sum(axis=0).max())
    assert used[1] <= used[0]


def test_refuses_what_no_layer_takes_in_another_order(rng):
    network = hidden(rng, requantised(rng))
    with refused(SpecError, "node 'fc2' must be followed by another matrix node, with nothing but"
                            " narrowing between them, to be put into another order; what reads"
                            " 'fc2' is []"):
        balanced(network, {"fc2": 1})
    with refused(SpecError, "node 'act1' must be a matrix node of 'hidden'"):
        balanced(network, {"act1": 1})
    with refused(SpecError, "node 'fc1': pe must be in 1..12, not 13"):
        balanced(network, {"fc1": 13})
    powers = PowerSums.of(np.ones((5, 12), np.int64), 2)
    nodes = (*network.nodes[:-1], MatVec("fc2", ("act1",), powers))
    with refused(SpecError, "node 'fc2' must have a dense or shared matrix to be put into another"
                            " order, not one of kind 'power-sums'"):
        balanced(Network("hidden", nodes, ("fc2",)), {"fc1": 2})


def uneven(rng):
    """A layer whose rows are unequally dense, dealt out to 4 elements unevenly."""
    density = np.where(np.arange(32) % 4 == 0, 0.5, 0.05)[:, np.newaxis]
    weights = rng.integers(1, 8, (32, 40)) * (rng.random((32, 40)) < density)
    act = Requantise("act1", ("fc1",), rng.integers(1, 9, 32), rng.integers(2, 5, 32), "half_up",
                     U4)
    last = rng.integers(1, 8, (6, 32)) * (rng.random((6, 32)) < 0.2)
    return Network("uneven", (
        Input("x", (), (40,), U4), MatVec("fc1", ("x",), Dense(weights, Fixed(4)),
                                          rng.integers(-9, 9, 32)),
        act, MatVec("fc2", ("act1",), Dense(last, Fixed(4)))), ("fc2",))


ASKED = {"fc1": {"core": "sparse", "pe": 4}, "fc2": {"core": "sparse", "pe": 2}}


def test_planner_deals_rows_out_where_that_saves_cycles(rng):
    network = uneven(rng)
    kept, dealt = (plan(network, ECP5, interval_cycles=2000, cores=ASKED, balance=balance)
                   for balance in (False, True))
    assert kept.network is network
    before, after = (design.stages[0] for design in (kept, dealt))
    assert after.interval_cycles < 0.6 * before.interval_cycles
    assert (after.folding, [stage.core for stage in dealt.stages]) == (
        before.folding, [stage.core for stage in kept.stages])
    x = rng.integers(0, 16, (40, 40))
    assert np.array_equal(run(network, x)["fc2"], run(dealt.network, x)["fc2"])
    assert dealt.network.digest != network.digest
    # All stages are those of the design's network: the columns of fc2 have moved, its rows not.
    assert dealt.stages[1].mat_vec is dealt.network.node("fc2")
    assert dealt.stages[0].post is dealt.network.node("act1")
    nonzeros = np.count_nonzero(network.node("fc2").weights.to_dense(), axis=1)
    assert np.array_equal(
        np.count_nonzero(dealt.network.node("fc2").weights.to_dense(), axis=1), nonzeros)


def test_an_interval_may_be_reached_by_order_alone(rng):
    network = uneven(rng)
    cores = {"fc1": {"core": "sparse", "pe": 4}}
    fast = plan(network, ECP5, interval_cycles=2000, cores=cores).stages[0].interval_cycles
    assert plan(network, ECP5, interval_cycles=fast, cores=cores).interval_cycles <= fast
    with pytest.raises(SpecError, match="^network 'uneven': interval_cycles must be at least"):
        plan(network, ECP5, interval_cycles=fast, cores=cores, balance=False)


def test_planner_leaves_the_order_where_it_gains_nothing(rng):
    network = uneven(rng)
    one = {"fc1": {"core": "sparse", "pe": 1}, "fc2": {"core": "sparse", "pe": 6}}
    assert plan(network, ECP5, interval_cycles=5000, cores=one).network is network
    loaded = ASKED | {"fc2": {"core": "fixed", "weights": "ram"}}
    design = plan(network, ECP5, interval_cycles=5000, cores=loaded)
    first = design.network.node("fc1").weights.to_dense()
    assert np.array_equal(first, network.node("fc1").weights.to_dense())


@pytest.mark.parametrize("shared", [False, True])
def test_planner_leaves_the_order_that_groups_of_the_next_layer_rest_on(rng, shared):
    densities = np.linspace(0.05, 0.5, 24)[:, None]
    first = rng.integers(1, 8, (24, 32)) * (rng.random((24, 32)) < densities)
    second = np.zeros((12, 24), np.int64)
    second.reshape(12, 6, 4)[np.arange(12)[:, None], np.arange(6), rng.integers(0, 4, (12, 6))] = 3

    def matrix(values):
        return Shared.of(values) if shared else Dense(values, Fixed(4))

    network = Network("n", (
        Input("x", (), (32,), U4), MatVec("a", ("x",), matrix(first)),
        Requantise("r", ("a",), np.array([1]), 4, "half_up", U4),
        MatVec("b", ("r",), matrix(second))), ("b",))
    design = plan(network, ECP5, interval_cycles=100, cores={"a": {"core": "sparse", "pe": 4}})
    assert [stage.core for stage in design.stages] == ["sparse", "nm"]
    assert (design.stages[1].places, design.stages[1].size) == (1, 4)
    assert np.array_equal(design.stages[0].mat_vec.weights.to_dense(), first)

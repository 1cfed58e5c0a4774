"""Rows dealt out to elements: how even they are, and that the network computes the same."""

import numpy as np
import pytest
from cases.errors import refused
from cases.networks import sparse
from hypothesis import given
from hypothesis import strategies as st

from hwgen.golden import run
from hwgen.ir import Dense, Input, MatVec, Network, PowerSums, Requantise, Shared, Threshold
from hwgen.numeric import Fixed, SpecError
from hwgen.plan import balanced, row_order
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

"""Golden against the slow definition: on drawn networks, on the shared cases, at the limits."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwgen import golden
from hwgen.ir import NODE_KINDS, Argmax, Dense, Input, MatVec, Network, Requantise
from hwgen.numeric import ROUNDINGS, Bipolar, Fixed, SpecError
from tests.cases.errors import refused
from tests.cases.networks import NETWORKS, inputs
from tests.golden import slow
from tests.golden.drawn import batches, networks


def agree(network, x):
    """Every edge equals the slow definition, and lies in what the network proved of it."""
    values = golden.run(network, x)
    assert list(values) == [node.name for node in network.nodes]
    for name, edge in network.edges.items():
        assert values[name].dtype == np.int64
        assert values[name].shape == (len(x), *edge.shape)
        if values[name].size:
            assert edge.lo <= values[name].min() <= values[name].max() <= edge.hi
            assert edge.format.allowed(values[name]).all()
    for row, vector in enumerate(x):
        expected = slow.run(network, vector)
        found = {name: value[row].reshape(-1).tolist() for name, value in values.items()}
        assert found == expected


def test_every_node_kind_has_a_golden_and_a_slow_function():
    assert list(golden.GOLDEN) == list(NODE_KINDS) == ["input", *slow.KINDS]


@given(data=st.data())
@settings(max_examples=300)
def test_drawn_networks(data):
    network = data.draw(networks())
    agree(network, data.draw(batches(network)))


@pytest.mark.parametrize("name", NETWORKS)
def test_shared_cases(name):
    network = NETWORKS[name]()
    agree(network, inputs(network, 20))


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=8))
def test_ties_of_argmax_go_to_the_lowest_index(scores):
    network = Network("n", (Input("x", (), (len(scores),), Fixed(4)), Argmax("a", ("x",))), ("a",))
    assert golden.run(network, np.array(scores))["a"].tolist() == [scores.index(max(scores))]


@pytest.mark.parametrize(("scores", "ranked"), [
    ([0, 3, -1, 3], [1, 3, 0, 2]), ([5, 5, 5, 5], [0, 1, 2, 3]), ([-4, -3, -3, 2], [3, 1, 2, 0])])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_k_best_come_best_first(scores, ranked, k):
    network = Network("n", (Input("x", (), (4,), Fixed(4)), Argmax("a", ("x",), k)), ("a",))
    assert golden.run(network, np.array(scores))["a"].tolist() == ranked[:k]
    agree(network, np.array([scores]))


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_rounding_of_every_small_value(rounding):
    nodes = (Input("x", (), (3,), Fixed(7)),
             Requantise("q", ("x",), [1, 3, 8], 3, rounding, Fixed(4)))
    agree(Network("n", nodes, ("q",)), np.repeat(np.arange(-64, 64), 3).reshape(-1, 3))


@pytest.mark.parametrize("bias", [None, [7, -9]])
def test_the_proven_range_of_a_mat_vec_is_reached(bias, rng):
    matrix = Dense(rng.integers(-8, 8, (2, 4)), Fixed(4))
    network = Network("n", (Input("x", (), (4,), Fixed(5)), MatVec("m", ("x",), matrix, bias)),
                      ("m",))
    corners = np.array(list(itertools.product([-16, 15], repeat=4)))
    found = golden.run(network, corners)["m"]
    edge = network.edges["m"]
    assert (edge.lo, edge.hi) == (found.min(), found.max())


WIDE = Fixed(32)


@pytest.mark.parametrize(("weights", "x"), [
    ([2**23, 1], [2**30, 1]),            # 2**53 + 1: float64 has no such number
    ([2**23, 1], [-(2**30), -1]),
    ([2**23, -(2**23), 1], [2**31 - 1, 2**31 - 1, 1]),  # large terms that cancel
    ([2**22 - 1, 1], [2**31 - 1, 1]),    # below 2**53: float64
    ([2**30 - 2, 0, 1], [-(2**31), 5, -1]),  # just below 2**61: int64
])
def test_wide_products_are_exact(weights, x):
    node = MatVec("m", ("x",), Dense([weights], WIDE))
    network = Network("n", (Input("x", (), (len(x),), WIDE), node), ("m",))
    agree(network, np.array([x, x[::-1]]))


def test_a_product_past_the_proof_is_refused():
    node = MatVec("m", ("x",), Dense([[4]], Fixed(4)))
    with refused(SpecError, f"node 'm': accumulator must stay below 2**61, not reach {2**61}"):
        golden.mat_vec(node, np.array([[-(2**59)]]))


def test_one_vector_comes_back_without_the_batch_axis():
    network = NETWORKS["binary"]()
    x = inputs(network, 3)
    one, all_of_them = golden.run(network, x[2]), golden.run(network, x)
    assert {name: v.tolist() for name, v in one.items()} == {
        name: v[2].tolist() for name, v in all_of_them.items()}


@pytest.mark.parametrize("name", ["binary", "fixed"])
def test_an_empty_batch_gives_empty_edges(name):
    network = NETWORKS[name]()
    agree(network, np.zeros((0, *network.input.shape), int))


@pytest.mark.parametrize("dtype", ["u1", "i1", ">i2", "i8", "u8", "?"])
def test_every_integer_type_is_taken(dtype):
    network = NETWORKS["binary"]()
    x = np.array([[0, 1, 1, 0, 1]])
    expected = golden.run(network, x)[network.scores].tolist()
    assert golden.run(network, x.astype(dtype))[network.scores].tolist() == expected
    assert golden.run(network, x.tolist())[network.scores].tolist() == expected


def test_the_input_is_not_changed_and_not_shared():
    network = NETWORKS["fixed"]()
    x = inputs(network, 4)
    before = x.copy()
    values = golden.run(network, x)
    assert not any(np.shares_memory(x, value) for value in values.values())
    np.testing.assert_array_equal(x, before)


def test_ten_thousand_vectors_equal_one_by_one():
    network = NETWORKS["fixed"]()
    x = inputs(network, 10_000)
    scores = golden.run(network, x)[network.scores]
    for row in (0, 1, 4999, 9999):
        np.testing.assert_array_equal(golden.run(network, x[row])[network.scores], scores[row])


NET = Network("n", (Input("x", (), (2,), Fixed(4, signed=False)),), ("x",))
HINT = "scale and round them to fixed u4.0 (0..15) first"


@pytest.mark.parametrize(("x", "error", "message"), [
    ([[1.0, 2.0]], TypeError, f"node 'x': values must be integers, not float64: {HINT}"),
    (np.float32([np.nan, 1]), TypeError, f"node 'x': values must be integers, not float32: {HINT}"),
    ([["1", "2"]], TypeError, "node 'x': values must be integers, not <U1"),
    ([1, 2, 3], SpecError, "node 'x': values must be of shape (2,) or (batch, 2), not (3,)"),
    ([[[1, 2]]], SpecError, "node 'x': values must be of shape (2,) or (batch, 2), not (1, 1, 2)"),
    (1, SpecError, "node 'x': values must be of shape (2,) or (batch, 2), not ()"),
    ([[0, 15], [1, 16], [-1, 2]], SpecError, "node 'x': values must be in fixed u4.0 (0..15),"
                                             " not 16 at index [1, 1] (2 of 6 are outside)"),
    ([0, -1], SpecError, "node 'x': values must be in fixed u4.0 (0..15), not -1 at index [1]"
                         " (1 of 2 are outside)"),
    (np.array([0, 2**63], np.uint64), SpecError,
     "node 'x': values must fit int64, not reach 9223372036854775808"),
])
def test_wrong_inputs_are_refused(x, error, message):
    with refused(error, message):
        golden.run(NET, x)


def test_zero_is_no_bipolar_value():
    network = Network("n", (Input("x", (), (2,), Bipolar()),), ("x",))
    with refused(SpecError, "node 'x': values must be in bipolar {-1, +1}, not 0 at index [0, 1]"
                            " (1 of 2 are outside)"):
        golden.run(network, [[1, 0]])


def test_what_is_no_network_is_refused():
    with refused(TypeError, "network must be a Network, not 'digits.hwgen'"):
        golden.run("digits.hwgen", [1])

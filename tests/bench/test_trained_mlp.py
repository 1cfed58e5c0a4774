"""The trained MLP: the file is what the recipe says, and the peer is given the same network."""

import numpy as np
import pytest
from cases.errors import refused

from hwgen import golden
from hwgen.bench.fixed_parts import constant_matrix, trained_mlp
from hwgen.compress import digits, export
from hwgen.compress.recipes_pairs import PAIRS_BITS, PAIRS_SIZES, pairs, train_pairs
from hwgen.ir import Dense, Input, MatVec, Network, Requantise
from hwgen.numeric import Fixed, SpecError

da4ml = pytest.mark.skipif(not constant_matrix.is_there(), reason="da4ml is not installed")


def network(rounding="half_up", shift=3, multiplier=1):
    rng = np.random.default_rng(0)
    return Network("net", (
        Input("x", (), (5,), Fixed(6, 0, False)),
        MatVec("fc1", ("x",), Dense(rng.integers(-32, 32, (4, 5)), Fixed(6)), np.arange(4) - 2),
        Requantise("act", ("fc1",), np.full(1, multiplier), shift, rounding, Fixed(6, 0, False)),
        MatVec("fc2", ("act",), Dense(rng.integers(-32, 32, (3, 4)), Fixed(6)))), ("fc2",))


def test_the_network_is_half_pruned_and_as_accurate_as_it_says():
    net = trained_mlp.network()
    matrices = [node.weights for node in net.nodes if isinstance(node, MatVec)]
    assert [net.input.shape[0], *(matrix.shape[0] for matrix in matrices)] == list(PAIRS_SIZES)
    assert {matrix.format for matrix in matrices} == {Fixed(PAIRS_BITS, matrix.format.frac)
                                                      for matrix in matrices}
    assert {matrix.density for matrix in matrices} == {0.5}
    assert net.meta["accuracy"] == trained_mlp.accuracy(net)
    assert trained_mlp.NETWORK.stat().st_size < 100 << 10


def test_what_it_reads_is_sums_of_pixels():
    split, whole = pairs(), digits()
    first = whole.x_test[0].reshape(8, 8)
    assert split.x_test[0, 1] == min(63, first[0, 2] + first[0, 3] + first[1, 2] + first[1, 3])
    assert (split.x_train.shape, split.x_train.max()) == ((1297, 16), 63)
    np.testing.assert_array_equal(split.y_test, whole.y_test // 2)


def test_the_recipe_prunes_half_of_each_matrix():
    split = pairs()
    net = export(train_pairs(split, effort=0.01), split.x_train[:1], argmax=False)
    matrices = [node.weights for node in net.nodes if isinstance(node, MatVec)]
    assert [matrix.density for matrix in matrices] == pytest.approx([0.5] * 4, abs=0.05)
    assert max(matrix.density for matrix in matrices) <= 0.5


@da4ml
@pytest.mark.parametrize("rounding", ["floor", "half_up"])
def test_the_peer_computes_biases_and_rounding(rounding):
    from da4ml.trace import comb_trace

    net = network(rounding)
    x = np.random.default_rng(1).integers(0, 64, (200, 5))
    found = comb_trace(*constant_matrix._peer_mlp(net)).predict(x.astype(np.float64))
    np.testing.assert_array_equal(found, golden.run(net, x)["fc2"])


@da4ml
def test_the_peer_is_given_no_products():
    with refused(SpecError, "node 'act' must be a shift and a clip to 0 and above, to be put to"
                            " da4ml"):
        constant_matrix._peer_mlp(network(multiplier=3))


def test_needs_the_network(monkeypatch, tmp_path):
    assert trained_mlp.lacking(None) is None
    monkeypatch.setattr(trained_mlp, "NETWORK", tmp_path / "gone.hwgen")
    assert trained_mlp.lacking(None) == f"the trained network {tmp_path / 'gone.hwgen'}"

"""Ranges of each channel: within those of the whole edge, reached, and kept by every value."""

import numpy as np
import pytest

from hwgen import golden
from hwgen.ir import (
    Dense,
    Edge,
    Flatten,
    Input,
    MatVec,
    MaxPool,
    Network,
    Requantise,
    SlidingWindow,
    Threshold,
    with_loaded,
)
from hwgen.ir.base import Ends
from hwgen.numeric import Bipolar, Fixed

WEIGHTS = np.array([[7, -8, 3], [0, 1, 0], [-2, 0, 0], [0, 0, 0]])


def network(*post, shape=(3,), front=()):
    nodes = [Input("x", (), shape, Fixed(3)), *front]
    nodes.append(MatVec("fc", (nodes[-1].name,), Dense(WEIGHTS, Fixed(4)), np.array([5, 0, 1, -9])))
    return Network("net", (*nodes, *post), ((*nodes, *post)[-1].name,))


def every_input():
    return np.stack(np.meshgrid(*[np.arange(-4, 4)] * 3), axis=-1).reshape(-1, 3)


@pytest.mark.parametrize("post", [
    None,
    Requantise("act", ("fc",), np.array([1, 3, 1, 2]), np.array([2, 0, 1, 0]), "half_up", Fixed(5)),
    Requantise("act", ("fc",), np.ones(1, int), 1, "floor", Fixed(6), low=-3, zero_point=2),
    Requantise("act", ("fc",), np.array([1 << 30, -(1 << 29), 1 << 30, 1 << 30]), 0,
               "doubling_high", Fixed(8)),
    Threshold("act", ("fc",), np.tile([-3, 0, 2], (4, 1)), np.array([0, 1, 0, 1]), Fixed(2)),
    Threshold("act", ("fc",), np.array([0, 0, 9, -9]), np.array([0, 1, 0, 1])),
], ids=["matrix", "requantise", "zero point", "doubling", "threshold", "sign"])
def test_each_channel_reaches_its_ends(post):
    net = network(*[post] if post else [])
    edge = net.edges[net.outputs[0]]
    values = golden.run(net, every_input())[net.outputs[0]]
    np.testing.assert_array_equal(edge.channels.lo, values.min(axis=0))
    np.testing.assert_array_equal(edge.channels.hi, values.max(axis=0))
    assert edge.lo <= values.min() <= values.max() <= edge.hi


def test_ranges_go_on_from_layer_to_layer():
    first = network(Requantise("act", ("fc",), np.ones(1, int), 1, "floor", Fixed(6)))
    more = MatVec("fc2", ("act",), Dense(np.eye(4, dtype=int)[::-1] * 3, Fixed(4)))
    net = Network("net", (*first.nodes, more), ("fc2",))
    act, fc2 = net.edges["act"].channels, net.edges["fc2"].channels
    np.testing.assert_array_equal(fc2.lo, 3 * act.lo[::-1])
    np.testing.assert_array_equal(fc2.hi, 3 * act.hi[::-1])
    assert fc2.hi.max() > 10 * (fc2.hi - fc2.lo)[0]


@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 0, 0, 1)])
def test_ranges_of_maps(padding):
    x = Edge((4, 5, 2), Fixed(6), -9, 9, Ends(np.array([-9, 2]), np.array([-1, 9])))
    pool = MaxPool("p", ("x",), (2, 2), (2, 2)).infer(x)
    assert pool.channels is x.channels
    window = SlidingWindow("w", ("x",), (2, 1), padding=padding).infer(x)
    low, high = ([-9, 0], [0, 9]) if any(padding) else ([-9, 2], [-1, 9])
    assert window.channels.lo.tolist() == low * 2
    assert window.channels.hi.tolist() == high * 2
    flat = Flatten("f", ("x",)).infer(pool)
    assert flat.shape == (8,)
    assert flat.channels.lo.tolist() == [-9, 2] * 4
    assert Flatten("f", ("x",)).infer(Edge((4, 5, 2), Fixed(6), -9, 9)).channels is None


def test_unknown_ones_are_those_of_the_edge():
    x = Edge((2, 3), Bipolar(), -1, 1)
    assert (x.ends.lo.tolist(), x.ends.hi.tolist()) == ([-1] * 3, [1] * 3)
    known = Edge((2, 3), Bipolar(), -1, 1, Ends(np.full(3, 1), np.full(3, 1)))
    assert known == x
    assert hash(known) == hash(x)
    assert known.ends is known.channels


def test_loaded_weights_say_nothing_of_channels():
    net = with_loaded(network(), {"fc": True})
    assert net.edges["fc"].channels is None

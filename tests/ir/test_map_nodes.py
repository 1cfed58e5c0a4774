"""Nodes on maps (h, w, c): rules by their whole message, and the edges that they infer."""

import numpy as np
import pytest

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
    SumPool,
    WindowMax,
    WindowSum,
    load,
)
from hwgen.numeric import Bipolar, Fixed, SpecError
from tests.cases.errors import refused

MAP = Edge((5, 4, 3), Fixed(4), -3, 7)
SIGNS = Edge((5, 4, 3), Bipolar(), -1, 1)
X = Edge((3,), Fixed(4), -8, 7)


def window(kernel=(3, 3), **options):
    return SlidingWindow("w", ("x",), kernel, **options)


def pool(size, stride, *padding):
    return MaxPool("p", ("x",), size, stride, *padding)


@pytest.mark.parametrize(("node", "edge", "expected"), [
    (window(), MAP, Edge((3, 2, 27), Fixed(4), -3, 7)),
    (window((1, 1)), MAP, Edge((5, 4, 3), Fixed(4), -3, 7)),
    (window((5, 4), pad_value=99), MAP, Edge((1, 1, 60), Fixed(4), -3, 7)),
    (window((3, 3), padding=(1, 1, 1, 1)), MAP, Edge((5, 4, 27), Fixed(4), -3, 7)),
    (window((3, 3), padding=(0, 0, 0, 1), pad_value=-8), MAP, Edge((3, 3, 27), Fixed(4), -8, 7)),
    (window((3, 2), padding=(2, 2, 0, 0), pad_value=-1), SIGNS,
     Edge((7, 3, 18), Bipolar(), -1, 1)),
    (window((2, 2), stride=(2, 3), dilation=(2, 1)), MAP, Edge((2, 1, 12), Fixed(4), -3, 7)),
    (window((2, 3), stride=(9, 9), dilation=(4, 1)), MAP, Edge((1, 1, 18), Fixed(4), -3, 7)),
    (pool((2, 2), (2, 2)), MAP, Edge((2, 2, 3), Fixed(4), -3, 7)),
    (pool((3, 1), (1, 2)), MAP, Edge((3, 2, 3), Fixed(4), -3, 7)),
    (pool((5, 4), (7, 7)), SIGNS, Edge((1, 1, 3), Bipolar(), -1, 1)),
    (pool((3, 3), (2, 2), (1, 1, 1, 1)), MAP, Edge((3, 2, 3), Fixed(4), -3, 7)),
    (pool((6, 2), (1, 1), (1, 0, 0, 1)), MAP, Edge((1, 4, 3), Fixed(4), -3, 7)),
    (WindowMax("m", ("x",), 3), MAP, Edge((5, 4, 1), Fixed(4), -3, 7)),
    (WindowSum("m", ("x",), 3), MAP, Edge((5, 4, 1), Fixed(6), -9, 21)),
    (Flatten("f", ("x",)), MAP, Edge((60,), Fixed(4), -3, 7)),
    (Flatten("f", ("x",)), X, X),
    (SumPool("s", ("x",), (2, 3), (2, 1)), MAP, Edge((2, 2, 3), Fixed(7), -18, 42)),
    (SumPool("s", ("x",), (5, 4), (5, 4)), Edge((5, 4, 3), Fixed(4, 2), 0, 7),
     Edge((1, 1, 3), Fixed(8, 2, False), 0, 140)),
    (MatVec("m", ("x",), Dense([[1, -2, 0], [3, 3, 3]], Fixed(4)), [5, -4]), MAP,
     Edge((5, 4, 2), Fixed(7), -31, 59)),
    (Requantise("q", ("x",), [1, 2, 3], 0, "floor", Fixed(8)), MAP,
     Edge((5, 4, 3), Fixed(8), -9, 21)),
])
def test_inferred_edges(node, edge, expected):
    assert node.faults(edge) == []
    assert node.infer(edge) == expected


@pytest.mark.parametrize(("node", "edge", "faults"), [
    (window(), X, ["input must be a map (h, w, c), not (3,)"]),
    (window((0, 3), stride=(1, 0), dilation=(-1, 1), padding=(0, -1, 0, 0)), MAP,
     ["kernel must be at least 1 each way, not (0, 3)",
      "stride must be at least 1 each way, not (1, 0)",
      "dilation must be at least 1 each way, not (-1, 1)",
      "padding must be at least 0, not (0, -1, 0, 0)"]),
    (window((6, 3)), MAP, ["window must fit the padded map 5 x 4, not span 6 x 3"]),
    (window((3, 3), dilation=(1, 3), padding=(0, 0, 1, 1)), MAP,
     ["window must fit the padded map 5 x 6, not span 3 x 7"]),
    (window((2, 3), padding=(2, 0, 0, 0)), MAP,
     ["padding must be smaller than the window, 2 x 3 (one of padding alone is constant),"
      " not (2, 0, 0, 0)"]),
    (window((2, 2), padding=(0, 0, 0, 2)), MAP,
     ["padding must be smaller than the window, 2 x 2 (one of padding alone is constant),"
      " not (0, 0, 0, 2)"]),
    (window(padding=(1, 1, 1, 1)), SIGNS,
     ["pad_value must be in the format of the map, bipolar {-1, +1}, not 0"]),
    (window(padding=(1, 1, 1, 1), pad_value=8), MAP,
     ["pad_value must be in the format of the map, fixed s4.0 (-8..7), not 8"]),
    (pool((2, 2), (2, 2)), X, ["input must be a map (h, w, c), not (3,)"]),
    (pool((0, 2), (2, -1)), MAP, ["size must be at least 1 each way, not (0, 2)",
                                  "stride must be at least 1 each way, not (2, -1)"]),
    (pool((6, 2), (1, 1)), MAP, ["size must be at most the map, 5 x 4, not (6, 2)"]),
    (pool((2, 5), (1, 1)), MAP, ["size must be at most the map, 5 x 4, not (2, 5)"]),
    (pool((2, 2), (1, 1), (0, -1, 0, 0)), MAP, ["padding must be at least 0, not (0, -1, 0, 0)"]),
    (pool((2, 7), (1, 1), (2, 0, 0, 1)), MAP,
     ["size must be at most the padded map, 7 x 5, not (2, 7)",
      "padding must be smaller than the size, (2, 7), so that each window has a value, not"
      " (2, 0, 0, 1)"]),
    (WindowMax("m", ("x",), 2), MAP, ["taps must divide the elements of a window, 3, not 2"]),
    (WindowSum("m", ("x",), 0), MAP, ["taps must divide the elements of a window, 3, not 0"]),
    (WindowSum("m", ("x",), 2), Edge((2,), Fixed(62), -(1 << 60), 0),
     ["sum must stay below 2**61, not reach 2305843009213693952"]),
    (SumPool("s", ("x",), (2, 5), (1, 1)), MAP,
     ["size must be at most the map, 5 x 4, not (2, 5)"]),
    (SumPool("s", ("x",), (2, 2), (1, 1)), Edge((2, 2, 1), Fixed(62), -(1 << 59), 0),
     [f"sum must stay below 2**61, not reach {1 << 61}"]),
    (MatVec("m", ("x",), Dense([[1, 2]], Fixed(4))), MAP,
     ["input must be of shape (5, 4, 2) for weights (1, 2), not (5, 4, 3)"]),
    (Requantise("q", ("x",), [1, 2], 0, "floor", Fixed(8)), MAP,
     ["multiplier must be of shape (1,) or (3,), not (2,)"]),
])
def test_faults(node, edge, faults):
    assert node.faults(edge) == faults


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: window(3), TypeError, "node 'w': kernel must be a tuple of 2 ints, not 3"),
    (lambda: window((3,)), SpecError, "node 'w': kernel must be 2 ints, not (3,)"),
    (lambda: window((3, 3.0)), TypeError, "node 'w': kernel must be an int, not 3.0"),
    (lambda: window(padding=(1, 1)), SpecError, "node 'w': padding must be 4 ints, not (1, 1)"),
    (lambda: window(pad_value=None), TypeError, "node 'w': pad_value must be an int, not None"),
    (lambda: pool((2, 2), 2), TypeError, "node 'p': stride must be a tuple of 2 ints, not 2"),
    (lambda: pool((2, 2), (2, 2), (1, 1)), SpecError,
     "node 'p': padding must be 4 ints, not (1, 1)"),
])
def test_constructors_refuse(make, error, message):
    with refused(error, message):
        make()


def test_a_network_of_maps_is_stored_as_it_is(tmp_path):
    nodes = (Input("x", (), (5, 4, 3), Fixed(4)),
             SlidingWindow("w", ("x",), [2, 3], (1, 2), (np.int64(2), 1), (0, 1, 2, 0), 5),
             MaxPool("p", ("w",), (2, 1), (1, 1)), Flatten("f", ("p",)))
    network = Network("maps", nodes, ("f",))
    network.save(tmp_path / "maps.hwgen")
    again = load(tmp_path / "maps.hwgen")
    assert again.digest == network.digest
    assert again.nodes[1].padding == (0, 1, 2, 0)
    assert again.edges == network.edges
    assert [type(n) for n in again.nodes[1].dilation] == [int, int]
